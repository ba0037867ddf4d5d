package domainname_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

func TestParse(t *testing.T) {
	t.Parallel()
	label63 := strings.Repeat("a", 63)
	for _, test := range []struct {
		name, in, want string
		err            error
	}{
		{name: "canonical", in: "evil.example", want: "evil.example"},
		{name: "upper case", in: "Bad-Domain.EXAMPLE", want: "bad-domain.example"},
		{name: "final dot", in: "evil.example.", want: "evil.example"},
		{name: "one label", in: "onion", want: "onion"},
		{name: "underscore labels", in: "_dmarc.c_2_s.example", want: "_dmarc.c_2_s.example"},
		{name: "hyphens anywhere", in: "-a.b-.a--b.example", want: "-a.b-.a--b.example"},
		{name: "digits before the last label", in: "1.2.3.example", want: "1.2.3.example"},
		{name: "A-labels", in: "XN--80AK6AA92E.example", want: "xn--80ak6aa92e.example"},
		{name: "a malformed A-label is a name", in: "xn--0.example", want: "xn--0.example"},
		{name: "Unicode", in: "пример.example", want: "xn--e1afmkfd.example"},
		{name: "a homograph is a different name", in: "аpple.example", want: "xn--pple-43d.example"},
		{name: "sharp s, non-transitional", in: "faß.example", want: "xn--fa-hia.example"},
		{name: "fullwidth dots", in: "evil．example", want: "evil.example"},
		{name: "soft hyphen", in: "ev\u00adil.example", want: "evil.example"},
		{name: "Unicode with an underscore", in: "_x.bücher.example", want: "_x.xn--bcher-kva.example"},
		{name: "label of 63", in: label63 + ".example", want: label63 + ".example"},
		{name: "label of 64", in: "a" + label63 + ".example", err: domainname.ErrLabelTooLong},
		{name: "name of 256", in: strings.Repeat("a.", 127) + "b", err: domainname.ErrNameTooLong},
		{name: "endless Unicode", in: strings.Repeat("ü", 1<<20), err: domainname.ErrNameTooLong},
		{name: "empty", in: "", err: domainname.ErrEmpty},
		{name: "root", in: ".", err: domainname.ErrRoot},
		{name: "only a soft hyphen", in: "\u00ad", err: domainname.ErrEmpty},
		{name: "empty label", in: "a..example", err: domainname.ErrEmptyLabel},
		{name: "leading dot", in: ".example", err: domainname.ErrEmptyLabel},
		{name: "wildcard", in: "*.example", err: domainname.ErrOctet},
		{name: "space", in: "two words.example", err: domainname.ErrOctet},
		{name: "escape", in: `a\046b.example`, err: domainname.ErrOctet},
		{name: "formula", in: "=cmd|calc!A0.example", err: domainname.ErrOctet},
		{name: "address", in: "192.0.2.1", err: domainname.ErrNumericTLD},
		{name: "truncated address", in: "300.1", err: domainname.ErrNumericTLD},
		{name: "invalid UTF-8", in: "ev\xffil.example", err: domainname.ErrUnicode},
		{name: "a disallowed code point", in: "a\u2028b.example", err: domainname.ErrUnicode},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := domainname.Parse(test.in)
			if !errors.Is(err, test.err) || got.String() != test.want {
				t.Errorf("Parse(%.80q) = %q, %v; want %q, %v", test.in, got, err, test.want, test.err)
			}
		})
	}
}

func ExampleParse() {
	name, err := domainname.Parse("Bücher.Example.")
	fmt.Println(name, err)
	_, err = domainname.Parse("two words.example")
	fmt.Println(err)
	// Output:
	// xn--bcher-kva.example <nil>
	// character not allowed in a listed name: ' '
}

func TestName_tree(t *testing.T) {
	t.Parallel()
	name := func(text string) domainname.Name {
		n, err := domainname.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for text, want := range map[string]int{"example": 1, "evil.example": 2, "www.evil.example.": 3} {
		got := name(text)
		var q domainname.Query
		if err := q.Set([]byte(got.String())); err != nil || q.Labels() != want || got.IsZero() {
			t.Errorf("%v: %d labels, %v; want %d", got, q.Labels(), err, want)
		}
	}
	if !(domainname.Name{}).IsZero() {
		t.Error("the zero Name is not zero")
	}
}

// Every name that Parse accepts is canonical: parsing it again changes nothing, and as a query
// it has the same bytes, so a listed name is always found.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"evil.example", "Пример.example.", "xn--0.a", "a_b.C", "faß.de", "1.2", "a\u00ad", "．", "İ.example", "*.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := domainname.Parse(text)
		if err != nil {
			if !name.IsZero() {
				t.Fatalf("%q: a name with the error %v", text, err)
			}
			return
		}
		again, err := domainname.Parse(name.String())
		if err != nil || again != name {
			t.Fatalf("%q: %q parses as %q, %v", text, name, again, err)
		}
		var q domainname.Query
		if err := q.Set([]byte(name.String() + ".")); err != nil || string(q.Bytes()) != name.String() || q.Labels() != 1+strings.Count(name.String(), ".") {
			t.Fatalf("%q: as a query %q, %v", name, q.Bytes(), err)
		}
	})
}

func TestHasKnownTLD(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"evil.com", "evil.co.uk", "evil.xn--p1ai", "evil.test", "evil.example", "evil.onion", "evil.bit", "evil.i2p", "printer.lan",
		"com", "evil.zip", "evil.blogspot.com", "a.b.ck",
	} {
		if !domainname.HasKnownTLD(name) {
			t.Errorf("%s has no top-level domain", name)
		}
	}
	for _, name := range []string{"svcload.sys", "loader.exe", "stage2.ps1", "evil.com1", "evil.xn", "index.php", "readme.txt"} {
		if domainname.HasKnownTLD(name) {
			t.Errorf("%s has a top-level domain", name)
		}
	}
}
