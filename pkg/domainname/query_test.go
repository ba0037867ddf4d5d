package domainname_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

func TestQuery_Set(t *testing.T) {
	t.Parallel()
	label63 := strings.Repeat("a", 63)
	longest := strings.Join([]string{label63, label63, label63, strings.Repeat("b", 61)}, ".")
	for _, test := range []struct {
		name, in, want string
		labels         int
		err            error
	}{
		{name: "upper case and final dot", in: "Www.Example.COM.", want: "www.example.com", labels: 3},
		{name: "no final dot", in: "example.com", want: "example.com", labels: 2},
		{name: "one label", in: "localhost.", want: "localhost", labels: 1},
		{name: "root", in: "."},
		{name: "underscores", in: "_sip._tcp.example.com.", want: "_sip._tcp.example.com", labels: 4},
		{name: "odd octets", in: "c2=x|'y'.Evil.Example.", want: "c2=x|'y'.evil.example", labels: 3},
		{name: "control octets", in: "a\x00\n\x7f.example.", want: "a\x00\n\x7f.example", labels: 2},
		{name: "octets over 127 are not letters", in: "\xc3\x89X.example", want: "\xc3\x89x.example", labels: 2},
		{name: "escaped dot", in: `evil\.example.com.`, want: `evil\.example.com`, labels: 2},
		{name: "escaped backslash before a dot", in: `evil\\.example.com.`, want: `evil\\.example.com`, labels: 3},
		{name: "escaped number", in: `evil\046Example.com`, want: `evil\046example.com`, labels: 2},
		{name: "escaped final dot", in: `example\.`, want: `example\.`, labels: 1},
		{name: "a lone backslash at the end", in: `example.com\`, want: `example.com\`, labels: 2},
		{name: "label of 63", in: label63 + ".", want: label63, labels: 1},
		{name: "63 escapes are 63 octets", in: strings.Repeat(`\065`, 63), want: strings.Repeat(`\065`, 63), labels: 1},
		{name: "label of 64", in: "a" + label63 + ".example.", err: domainname.ErrLabelTooLong},
		{name: "64 escapes", in: strings.Repeat(`\.`, 64), err: domainname.ErrLabelTooLong},
		{name: "255 octets on the wire", in: longest + ".", want: longest, labels: 4},
		{name: "256 octets on the wire", in: longest + "b.", err: domainname.ErrNameTooLong},
		{name: "127 labels", in: strings.Repeat("a.", 127), want: strings.Repeat("a.", 126) + "a", labels: 127},
		{name: "128 labels", in: strings.Repeat("a.", 128), err: domainname.ErrNameTooLong},
		{name: "a megabyte", in: strings.Repeat("a", 1<<20), err: domainname.ErrNameTooLong},
		{name: "empty", in: "", err: domainname.ErrEmpty},
		{name: "leading dot", in: ".example.com", err: domainname.ErrEmptyLabel},
		{name: "double dot", in: "a..example.com.", err: domainname.ErrEmptyLabel},
		{name: "two final dots", in: "example.com..", err: domainname.ErrEmptyLabel},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var q domainname.Query
			if err := q.Set([]byte(test.in)); !errors.Is(err, test.err) {
				t.Fatalf("Set: %v, want %v", err, test.err)
			}
			if q.Labels() != test.labels || test.err == nil && string(q.Bytes()) != test.want {
				t.Errorf("got %q of %d labels, want %q of %d", q.Bytes(), q.Labels(), test.want, test.labels)
			}
		})
	}
}

func TestQuery_labels(t *testing.T) {
	t.Parallel()
	var q domainname.Query
	if err := q.Set([]byte(`A.b\.B.example.`)); err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{1: "example", 2: `b\.b.example`, 3: `a.b\.b.example`} {
		if n > 0 && string(q.Suffix(n)) != want {
			t.Errorf("Suffix(%d) = %q, want %q", n, q.Suffix(n), want)
		}
	}
	for i, want := range []string{"a", `b\.b`, "example"} {
		if string(q.Label(i)) != want {
			t.Errorf("Label(%d) = %q, want %q", i, q.Label(i), want)
		}
	}
}

func TestQuery_allocatesNothing(t *testing.T) {
	var q domainname.Query
	name := []byte(`Some\.thing.Long.Enough.To.Matter.Example.`)
	if n := testing.AllocsPerRun(100, func() { _ = q.Set(name) }); n != 0 {
		t.Errorf("%v allocations for each name", n)
	}
}

// slowQuery applies the rules of the package documentation, label by label.
func slowQuery(raw string) (labels []string, ok bool) {
	if raw == "." {
		return nil, true
	}
	label, octets, wire := "", 0, 1
	end := func() {
		ok = ok && octets >= 1 && octets <= 63
		wire += octets + 1
		labels, label, octets = append(labels, label), "", 0
	}
	ok = true
	for rest := raw; rest != ""; octets++ {
		size := 1
		switch {
		case rest[0] == '.':
			end()
			octets--
			if rest = rest[1:]; rest == "" {
				return labels, ok && wire <= 255
			}
			continue
		case rest[0] == '\\' && len(rest) > 3 && strings.Trim(rest[1:4], "0123456789") == "":
			size = 4
		case rest[0] == '\\' && len(rest) > 1:
			size = 2
		}
		label += asciiLower(rest[:size])
		rest = rest[size:]
	}
	end()
	return labels, ok && wire <= 255
}

func asciiLower(text string) string {
	out := []byte(text)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c | 0x20
		}
	}
	return string(out)
}

func checkQuery(t *testing.T, raw string) {
	t.Helper()
	var q domainname.Query
	err := q.Set([]byte(raw))
	labels, ok := slowQuery(raw)
	if ok != (err == nil) {
		t.Fatalf("%.80q: %v, the slow reader says valid = %v", raw, err, ok)
	}
	if err != nil {
		if q.Labels() != 0 {
			t.Fatalf("%.80q: %d labels after an error", raw, q.Labels())
		}
		return
	}
	if got, want := string(q.Bytes()), strings.Join(labels, "."); got != want || q.Labels() != len(labels) {
		t.Fatalf("%.80q: %q of %d labels, the slow reader says %q of %d", raw, got, q.Labels(), want, len(labels))
	}
	for i, label := range labels {
		if string(q.Label(i)) != label || string(q.Suffix(len(labels)-i)) != strings.Join(labels[i:], ".") {
			t.Fatalf("%.80q: label %d is %q, its suffix %q", raw, i, q.Label(i), q.Suffix(len(labels)-i))
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", ".", "..", "example.com.", `evil\.example.com.`, `a\\.b`, `\046\`, "_x.Y.", "a..b", `\`, `\1`, `\12.`, `\999.x`,
		strings.Repeat("a.", 127), strings.Repeat("a", 64), strings.Repeat(`\001`, 253), strings.Repeat("ab.", 85),
	} {
		f.Add(seed)
	}
	f.Fuzz(checkQuery)
}
