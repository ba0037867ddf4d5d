package feed_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func TestParse_warninglist(t *testing.T) {
	t.Parallel()
	const head, tail = `{"description":"d","list":[`, `],"matching_attributes":["domain"],"name":"n","type":"hostname","version":1}`
	testFormat(t, feed.MISP, []formatCase{{
		name: "hostname",
		in:   head + `".dyn.example","cloud.example", "192.0.2.1"` + tail,
		want: reading{Accepted: []string{"subtree dyn.example", "subtree cloud.example", "cidr 192.0.2.1"}},
	}, {
		name: "string, with the type first",
		in:   `{"type":"string","list":["www.good.example","https://good.example/x","192.0.2.1",".x.example","*.x.example","0123456789abcdef0123456789abcdef",""]}`,
		want: reading{
			Accepted: []string{"name www.good.example", "name good.example", "cidr 192.0.2.1"},
			Skipped: []string{
				".x.example: wildcard or part of a name", "*.x.example: wildcard or part of a name",
				`0123456789abcdef0123456789abcdef: neither a name nor an address`, `"": row without an indicator`,
			},
		},
	}, {
		name: "the default type is string",
		in:   `{"name":"n","list":["good.example"],"matching_attributes":["domain"]}`,
		want: reading{Accepted: []string{"name good.example"}},
	}, {
		name: "cidr",
		in:   `{"list":["192.0.2.0/24","2001:db8::/32","192.0.2.7","good.example"],"type":"cidr"}`,
		want: reading{Accepted: []string{"cidr 192.0.2.0/24", "cidr 2001:db8::/32", "cidr 192.0.2.7"}, Rejected: []string{"good.example"}},
	}, {
		name: "malformed entries",
		in:   `{"type":"string","list":["a.example",7,{"domain":"b.example"},null,"c\q","d..example"]}`,
		want: reading{
			Accepted: []string{"name a.example"},
			Rejected: []string{"7", `{"domain":"b.example"}`, "null", `"c\q"`, "d..example"},
		},
	}, {
		name: "a list that is not one of MISP's, read as JSON",
		in:   `{"name":"ours","list":["a.example",{"url":"http://b.example/"}]}`,
		want: reading{Accepted: []string{"subtree a.example", "name b.example"}},
	}, {
		name: "a list that is not an array",
		in:   `{"type":"string","list":"good.example"}`,
	}})
}

func TestParse_warninglistRefused(t *testing.T) {
	t.Parallel()
	testRefused(t, feed.MISP, []refusedCase{
		{"substring, with the type last", `{"list":["mail"],"type":"substring","name":"n"}`, feed.ErrWidens, "its type is substring"},
		{"regex, with the type first", `{"type":"regex","list":["/^a/"]}`, feed.ErrWidens, "its type is regex"},
		{"another type", `{"type":"soundex","list":["a.example"]}`, feed.ErrUnknownJSON, `a warninglist of type "soundex"`},
		{"a duplicate type", `{"type":"string","list":["a.example"],"type":"hostname"}`, feed.ErrBadJSON, `duplicate member "type"`},
		{"a duplicate list", `{"type":"string","list":["a.example"],"list":[]}`, feed.ErrBadJSON, `duplicate member "list"`},
		{"a type that is not text, last", `{"list":["a.example"],"type":["string"]}`, feed.ErrBadJSON, "where text is expected"},
		{"a type that is not text, first", `{"type":["string"],"list":["a.example"]}`, feed.ErrBadJSON, "where text is expected"},
		{"empty", `{"list":[],"type":"string"}`, feed.ErrEmpty, "no entries"},
		{"cut off", `{"list":["a.example","b.exam`, feed.ErrTruncated, "within a JSON value"},
		{"too long to hold", `{"description":"d","list":[` + strings.Repeat(`"`+strings.Repeat("x", 1<<19)+`",`, 130) + `"a"],"type":"string"}`,
			feed.ErrTooLarge, "put the type first"},
	})
}

// Entries that are held until the type is known keep their order and their lines.
func TestParse_warninglistHeld(t *testing.T) {
	t.Parallel()
	const entries = 100_000
	var list strings.Builder
	list.WriteString("{\n\"description\": \"d\",\n\"list\": [\n")
	for n := range entries {
		fmt.Fprintf(&list, "\"host%d.example\",\n", n)
	}
	list.WriteString("\"last.example\"\n],\n\"type\": \"hostname\"\n}\n")
	line, n := 0, 0
	_, err := feed.Parse(strings.NewReader(list.String()), feed.Options{Line: &line, Action: indicator.ActionAllow}, func(i *indicator.Indicator) error {
		want := fmt.Sprintf("host%d.example", n)
		if n == entries {
			want = "last.example"
		}
		if i.Value() != want || i.Scope != indicator.ScopeSubtree || i.Action != indicator.ActionAllow || line != 4+n {
			return fmt.Errorf("entry %d is %s on line %d", n, i.Value(), line)
		}
		n++
		return nil
	})
	if err != nil || n != entries+1 {
		t.Errorf("%d entries, %v, want %d", n, err, entries+1)
	}
}

// As JSON, a warninglist of any type is read as a list of whole names.
func TestParse_warninglistAsJSON(t *testing.T) {
	t.Parallel()
	got, _, err := read(t, `{"list":["mail.example"],"type":"substring","matching_attributes":["domain"]}`, feed.Options{Format: feed.JSON})
	if diff := cmp.Diff([]string{"subtree mail.example"}, got.Accepted); diff != "" || err != nil {
		t.Errorf("%v; -want +got:\n%s", err, diff)
	}
}
