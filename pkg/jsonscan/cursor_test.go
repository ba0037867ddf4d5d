package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// skipAll returns an error unless text is exactly one value.
func skipAll(text []byte) error {
	c := jsonscan.New(text)
	if err := c.Skip(); err != nil {
		return err
	}
	if !c.AtEnd() {
		return errors.New("text after the value")
	}
	return nil
}

func TestCursor_Skip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want string // the error; "" = none
	}{
		{`{}`, ""},
		{" [ 1 , -0.5e+10 , true , false , null , \"\" ]\r\n", ""},
		{`{"a":{"b":[{"c":"\"\\\/\b\f\n\r\t\u00e9"}]}}`, ""},
		{"\"\xff\xfe\"", ""},
		{`"\ud800"`, ""},
		{`0`, ""},
		{`-`, "byte 1: want a value, not the end of the text"},
		{`01`, "text after the value"},
		{`1.`, "byte 2: want a digit, not the end of the text"},
		{`1.e1`, "byte 2: want a digit"},
		{`1e`, "byte 2: want a digit, not the end of the text"},
		{`+1`, "byte 0: want a value"},
		{`.5`, "byte 0: want a value"},
		{`NaN`, "byte 0: want a value"},
		{`tru`, "byte 0: want a value"},
		{`nul1`, "byte 0: want a value"},
		{``, "byte 0: want a value, not the end of the text"},
		{`{"a":1,}`, "byte 7: want a member name"},
		{`{"a":1 "b":2}`, "byte 7: want a comma or the end"},
		{`{"a" 1}`, "byte 5: want a colon"},
		{`{a:1}`, "byte 1: want a member name"},
		{`{"a":}`, "byte 5: want a value"},
		{`{,}`, "byte 1: want a member name"},
		{`[1,]`, "byte 3: want a value"},
		{`[,1]`, "byte 1: want a value"},
		{`[1}`, "byte 2: want a comma or the end"},
		{`{"a":1]`, "byte 6: want a comma or the end"},
		{`"abc`, "byte 4: want a closing quote, not the end of the text"},
		{`"abc\`, "byte 5: want an escape, not the end of the text"},
		{`"\x41"`, "byte 2: unknown escape"},
		{`"\u12g4"`, "byte 2: want four hexadecimal digits"},
		{`"\u12`, "byte 2: want four hexadecimal digits"},
		{"\"a\nb\"", "byte 2: control character in a string"},
		{"\"0123456789\x00\"", "byte 11: control character in a string"},
		{"\xef\xbb\xbf{}", "byte 0: want a value"},
		{strings.Repeat("[", 64) + strings.Repeat("]", 64), ""},
		{strings.Repeat("[", 65) + strings.Repeat("]", 65), "byte 64: nested too deep"},
		{strings.Repeat(`{"":`, 10_000), "byte 256: nested too deep"},
	} {
		got := ""
		if err := skipAll([]byte(tt.text)); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%.40q: error %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestCursor_Member(t *testing.T) {
	t.Parallel()
	c := jsonscan.New([]byte(` {"a" : "x\u0079" , "\u0062":[1,{}],"c":{}} {`))
	if err := c.Open('{'); err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		name, more, err := c.Member()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		c.Next()
		start := c.Pos()
		if err := c.Skip(); err != nil {
			t.Fatal(err)
		}
		got = append(got, string(name.Append(nil))+"="+string(c.Since(start)))
	}
	if want := `a="x\u0079" b=[1,{}] c={}`; strings.Join(got, " ") != want {
		t.Errorf("members %q, want %q", got, want)
	}
	if c.AtEnd() {
		t.Error("the cursor is at the end although a brace follows")
	}
}

func TestText_Decode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{`""`, ""},
		{`"plain"`, "plain"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"\u0041\u00e9\u20ac\ud83d\ude00"`, "Aé€😀"},
		{`"\ud800"`, "\uFFFD"},
		{`"\ud800\ud800\udc00"`, "\uFFFD\U00010000"},
		{`"\udc00\u0041"`, "\uFFFDA"},
		{`"\ud800\n"`, "\uFFFD\n"},
		{"\"\xff\\u0000\"", "\xff\x00"},
	} {
		c := jsonscan.New([]byte(tt.text))
		text, err := c.Text()
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		var scratch []byte
		if got := text.Decode(&scratch); string(got) != tt.want || !text.IsSet() {
			t.Errorf("%s: got %q (set: %t), want %q", tt.text, got, text.IsSet(), tt.want)
		}
	}
	if (jsonscan.Text{}).IsSet() {
		t.Error("the zero Text is set")
	}
}

func TestCursor_Plain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, want string
		ok         bool
	}{
		{`""`, "", true},
		{` "abc" `, "abc", true},
		{`"<&>~"`, "<&>~", true},
		{`"` + strings.Repeat("x", 100) + `"`, strings.Repeat("x", 100), true},
		{`"a\"b"`, "", false},
		{`"a\u0062"`, "", false},
		{"\"a\nb\"", "", false},
		{"\"\x7f\"", "", false},
		{"\"\u00e9\"", "", false},
		{`"abc`, "", false},
		{`7`, "", false},
		{``, "", false},
	} {
		c := jsonscan.New([]byte(tt.text))
		got, ok := c.Plain()
		if string(got) != tt.want || ok != tt.ok {
			t.Errorf("%q: got %q, %t; want %q, %t", tt.text, got, ok, tt.want, tt.ok)
		}
		if ok != (c.Pos() > 0) { // Plain moves the cursor if and only if ok is true
			t.Errorf("%q: the cursor is at %d", tt.text, c.Pos())
		}
	}
}

func TestCursor_allocatesNothing(t *testing.T) {
	text := []byte(`{"a":[1,2.5,{"b":"c\n"}],"d":null}`)
	if n := testing.AllocsPerRun(100, func() {
		c := jsonscan.New(text)
		if c.Skip() != nil {
			t.Fail()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzSkip compares with encoding/json, which allows deeper nesting but is otherwise just as
// strict.
func FuzzSkip(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e3,"x\u00e9",true,null]}`, "\"\xff\"", `[[[]]]`, `"\ud83d\ude00"`, ` 0 `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := skipAll(text)
		const maxDepth = 64
		if want := json.Valid(text) && depth(text) <= maxDepth; (err == nil) != want {
			t.Fatalf("error %v, want valid: %t", err, want)
		}
	})
}

// depth returns the nesting depth of valid JSON.
func depth(text []byte) (deepest int) {
	level := 0
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			level++
			deepest = max(deepest, level)
		case json.Delim('}'), json.Delim(']'):
			level--
		}
	}
}

// FuzzText compares values with encoding/json, which replaces bytes that are not UTF-8.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`plain`, `\"\\\/\b\f\n\r\t`, `\u00e9\ud83d\ude00\ud800\udc00\udc00`, "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		quoted := []byte(`"` + string(raw) + `"`)
		c := jsonscan.New(quoted)
		text, err := c.Text()
		var want string
		wantErr := json.Unmarshal(quoted, &want)
		if ok := err == nil && c.AtEnd(); ok != (wantErr == nil) {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if wantErr != nil {
			return
		}
		plain := jsonscan.New(quoted)
		if raw, ok := plain.Plain(); ok && (text.Escaped() || string(raw) != string(text.Raw()) || plain.Pos() != c.Pos()) {
			t.Fatalf("Plain returns %q, Text %q", raw, text.Raw())
		}
		// The conversion to runes and back also replaces each byte that is not UTF-8.
		if got := string([]rune(string(text.Append(nil)))); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
