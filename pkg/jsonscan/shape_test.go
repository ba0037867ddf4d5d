package jsonscan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// tagOf is a tag that depends on the whole name.
func tagOf(name []byte) (tag jsonscan.Tag) {
	for _, b := range name {
		tag = tag*31 + jsonscan.Tag(b)
	}
	return tag
}

// readMembers describes the members of an object, what is left after it, and the error. A nil
// shape reads them with the slow reader, which is [jsonscan.Cursor.Member].
func readMembers(text string, shape *jsonscan.Shape) string {
	var out strings.Builder
	c := jsonscan.New([]byte(text))
	open := func() error { return c.Open('{') }
	member := func() (jsonscan.Text, jsonscan.Tag, bool, error) {
		name, more, err := c.Member()
		return name, tagOf(name.Append(nil)), more, err
	}
	if shape != nil {
		open = func() error { return shape.Open(&c) }
		member = func() (jsonscan.Text, jsonscan.Tag, bool, error) { return shape.Member(&c, tagOf) }
	}

	if err := open(); err != nil {
		return err.Error()
	}
	for {
		name, tag, more, err := member()
		if err != nil {
			return out.String() + err.Error()
		}
		if !more {
			fmt.Fprintf(&out, "end at %d, the text ends: %t", c.Pos(), c.AtEnd())
			return out.String()
		}
		fmt.Fprintf(&out, "%q %t %d at %d\n", name.Raw(), name.Escaped(), tag, c.Pos())
		if err := c.Skip(); err != nil {
			return out.String() + err.Error()
		}
	}
}

// The objects come one after the other, so that each meets what the earlier ones left.
func TestShape_readsLikeTheCursor(t *testing.T) {
	t.Parallel()
	var shape jsonscan.Shape
	many := `{"m":1` + strings.Repeat(`,"m":1`, 40) + `}`
	for _, object := range []string{
		`{"version":"1","query_name":"a.example.","answers":[{"Type":"A"}]}`,
		`{"version":"1","query_name":"b.example.","answers":[]}`,
		`{"version":"1","answers":[],"query_name":"c.example."}`,
		`{"version":"1","rcode":"NOERROR"}`,
		`{ "version" : 1 , "query_name" : 2 }`,
		`{ "version" : 3 , "query_name" : 4 , "more":5}`,
		`{"version":"1","query_n\u0061me":7}`,
		`{"version":"1","query_name":8}`,
		`{"` + strings.Repeat("long", 20) + `":1,"version":2}`,
		`{"version":1,"` + strings.Repeat("long", 20) + `":2,"answers":3}`,
		many,
		many,
		`{"":0,"":0}`,
		`{"":0,"":0,}`,
		`{}`,
		`{"version":`,
		`{"version"`,
		`{"versio`,
		`{"":1 "":2}`,
		`{"":0,"":0`,
		`[]`,
	} {
		if got, want := readMembers(object, &shape), readMembers(object, nil); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", object, got, want)
		}
	}
}

func TestShape_allocatesNothing(t *testing.T) {
	var shape jsonscan.Shape
	text := []byte(`{"name":1,"\u0061bc":2,"value":[3]}`)
	read := func() {
		c := jsonscan.New(text)
		if shape.Open(&c) != nil {
			t.Fail()
		}
		for more := true; more; {
			if _, _, more, _ = shape.Member(&c, tagOf); more && c.Skip() != nil {
				t.Fail()
			}
		}
	}
	read()
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzShape compares with the cursor alone. The second object comes after the first, and a
// second time, so that it meets every kind of memory.
func FuzzShape(f *testing.F) {
	f.Add(`{"version":"1","query_name":"a"}`, `{"version":"2","rcode":"b","query_name":"a"}`)
	f.Add(`{ "a" : 1 }`, `{ "a" : 1 , "a" : 2 }`)
	f.Add(`{"a":1}`, `{"\u0061":1,"a":{}}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		var shape jsonscan.Shape
		for _, text := range []string{first, second, second, first} {
			if got, want := readMembers(text, &shape), readMembers(text, nil); got != want {
				t.Fatalf("%q: got\n%s\nwant\n%s", text, got, want)
			}
		}
	})
}
