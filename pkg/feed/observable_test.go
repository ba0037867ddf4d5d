package feed_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

func TestParseObservable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{ // "" = an error
		{"evil.example", "evil.example"},
		{"WWW.Evil.Example.", "WWW.Evil.Example."},
		{"\t evil.example \r\n", "evil.example"},
		{"\u00a0evil.example\u200b", "evil.example"},
		{"\u201cevil.example\u201d,", "evil.example"},
		{"<https://evil.example/x>", "evil.example"},
		{"https://www.evil.example/x?y=1", "www.evil.example"},
		{"HXXPS://evil[.]example:8443", "evil.example"},
		{"ftp://user:pass@evil.example", "evil.example"},
		{"hxxp[://]evil{.}example[/]x", "evil.example"},
		{"evil.example:443", "evil.example"},
		{"||evil.example^", "evil.example"},
		{"||evil.example^$important", "evil.example"},
		{"@@||evil.example^", "evil.example"},
		{"|evil.example^", "evil.example"},
		{"*.evil.example", "evil.example"},
		{".evil.example", "evil.example"},
		{"_dmarc.evil.example", "_dmarc.evil.example"},
		{`x\.y\032z.evil.example`, `x\.y\032z.evil.example`},
		{"b\u00fccher.example", "b\u00fccher.example"},
		{"localhost", "localhost"},
		{".", "."},
		{"..", ""},
		{"203.0.113.66", "203.0.113.66/32"},
		{"203.0.113.66:443", "203.0.113.66/32"},
		{"203[.]0[.]113[.]66", "203.0.113.66/32"},
		{"http://203.0.113.66/a.exe", "203.0.113.66/32"},
		{"||203.0.113.66^", "203.0.113.66/32"},
		{"::ffff:203.0.113.66", "203.0.113.66/32"},
		{"2001:db8:66::1", "2001:db8:66::1/128"},
		{"[2001:db8:66::1]:443", "2001:db8:66::1/128"},
		{"https://[2001:db8:66::1]/", "2001:db8:66::1/128"},
		{"203.0.113.66/24", "203.0.113.0/24"},
		{"", ""},
		{" \" ", ""},
		{"not a name", ""},
		{"0.0.0.0 evil.example", ""},
		{"evil.example,bad.example", ""},
		{"evil.example;bad.example", ""},
		{"/var/log/messages", ""},
		{`C:\Windows\System32`, ""},
		{`\\evil.example\share`, ""},
		{`dir\evil.example`, ""},
		{`evil.example\`, ""},
		{"http:/evil.example", ""},
		{"hxxp[:]/evil.example", ""},
		{"https://", ""},
		{"https:///path", ""},
		{"user@evil.example", ""},
		{strings.Repeat("0a", 16), ""},
		{"203.0.113.666", ""},
		{"203.0.113", ""},
		{"203.0.113.066", ""},
		{"203.0.113.66/33", ""},
		{"fe80::1%eth0", ""},
		{"evil.example:0", ""},
		{"evil.example:port", ""},
		{"e*l.example", ""},
		{"||evil.example/path^", ""},
		{`/ads\d+/`, ""},
		{"(evil.example)x", ""},
		{"evil.example\x00", ""},
		{`{"query_name":"evil.example"}`, ""},
	} {
		name, block, err := feed.ParseObservable(tt.text)
		got := name
		if block.IsValid() {
			got = block.String()
		}
		if got != tt.want && err == nil || (err == nil) == (tt.want == "") {
			t.Errorf("%q: got %q, error %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

// A name that is read has no white space, and reading it again gives the same.
func FuzzParseObservable(f *testing.F) {
	for _, seed := range []string{"hxxps[:]//evil[.]example:8443/x", "||evil.example^", "[2001:db8::1]:53", " a,b ", "*.x", "\u201ca\u201d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, block, err := feed.ParseObservable(text)
		switch {
		case err != nil:
			return
		case (name == "") == !block.IsValid():
			t.Fatalf("%q: name %q, block %v", text, name, block)
		case block.IsValid():
			name = block.String()
		case strings.IndexFunc(name, unicode.IsSpace) >= 0:
			t.Fatalf("%q: name %q", text, name)
		}
		again, sameBlock, err := feed.ParseObservable(name)
		if err != nil || again != name && sameBlock != block {
			t.Fatalf("%q: %q is %q, %v, error %v when it is read again", text, name, again, sameBlock, err)
		}
	})
}
