package feed_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     feed.Format
	}{
		{"names", "evil.example\nb.example\n", feed.Plain},
		{"names after a byte order mark", "\xef\xbb\xbfevil.example\n", feed.Plain},
		{"names in Unicode", "bücher.example\n日本.example\n", feed.Plain},
		{"names with comments", "# a, b\nevil.example # note, with a comma\nb.example\n", feed.Plain},
		{"URLs", "http://evil.example/a?b=c,d\nhxxp://b[.]example/\n", feed.Plain},
		{"addresses", "192.0.2.1\n192.0.2.0/24\n2001:db8::1\n[2001:db8::2]\n", feed.Plain},
		{"maltrail", "# Reference: https://ref.example/\n\nevil.example\n/path/a.php\nhost.example/b.php\n192.0.2.1:443\n", feed.Plain},
		{"one name without a newline", "evil.example", feed.Plain},
		{"a top-level domain", ".onion\n", feed.Plain},
		{"hosts", "# Title\n127.0.0.1 localhost\n0.0.0.0\tevil.example\n", feed.Hosts},
		{"hosts with IPv6 addresses", "::1 localhost\n:: evil.example # note\n", feed.Hosts},
		{"hosts with short addresses", "# x\n0 evil.example\n0 b.example # note\n", feed.Hosts},
		{"numbered addresses", "0\t192.0.2.1\n1\t192.0.2.2\n", feed.CSV},
		{"Adblock Plus", "[Adblock Plus 2.0]\n! Title\n||evil.example^\n", feed.Adblock},
		{"AdGuard, mostly exceptions", "@@||good.example^\n||evil.example^$all,domain=a|b\nbare.example\n", feed.Adblock},
		{"cosmetic rules", "evil.example##.ad\nb.example#@#.ad\n", feed.Adblock},
		{"dnsmasq", "\xef\xbb\xbfserver=/evil.example/127.0.0.1\naddress=/b.example/0.0.0.0\n", feed.Dnsmasq},
		{"unbound", "server:\n  local-zone: \"evil.example\" always_nxdomain\n", feed.Unbound},
		{"BIND", "zone \"evil.example\" { type master; file \"x\"; };\n", feed.BIND},
		{"BIND, zones that span lines", "zone \"evil.example\" {\n  type master;\n  file \"x\";\n};\n", feed.BIND},
		{"RPZ", "$TTL 30\n@ IN SOA localhost. root.localhost. 1 2 3 4 5\n NS localhost.\nevil.example CNAME .\n", feed.RPZ},
		{"RPZ without SOA", "; Title\nevil.example CNAME . ; note\n*.evil.example CNAME rpz-passthru.\n", feed.RPZ},
		{"RPZ with addresses", "evil.example A 0.0.0.0\nb.example 60 IN AAAA ::\n", feed.RPZ},
		{"wildcards", "# x\n*.evil.example\n*.1.2.0.192\nbare.example\n", feed.Wildcard},
		{"CSV with a heading", "Domain,Malware\nevil.example,x\n", feed.CSV},
		{"CSV with a heading in a comment", "# id,url\n\"1\",\"http://evil.example/x,y\"\n", feed.CSV},
		{"CSV without a heading", "1,evil.example\n", feed.CSV},
		{"CSV of one column", "domain\nevil.example\nb.example\n", feed.CSV},
		{"CSV of one quoted column", "\"evil.example\"\n\"b.example\"\n", feed.CSV},
		{"CSV with semicolons", "evil.example;2026-01-02\n", feed.CSV},
		{"CSV with tabs", "evil.example\t2026-01-02\n", feed.CSV},
		{"JSON array", " [\n\"evil.example\"]", feed.JSON},
		{"JSON objects", "{\"ioc\":\"evil.example\"}\n{\"ioc\":\"b.example\"}\n", feed.JSON},
		{"JSON of any shape", `{"message":"not a list"}`, feed.JSON},
		{"a MISP event", `{"Event":{"info":"x","Attribute":[]}}`, feed.MISP},
		{"a MISP event without its wrapper", `{"uuid":"x","info":"y","Attribute":[{"type":"domain"}]}`, feed.MISP},
		{"a MISP event whose attributes are not in view", `{"id":"1","Orgc":{"name":"` + strings.Repeat("x", 1000), feed.MISP},
		{"a MISP API response", `{"response":[{"Event":{}}]}`, feed.MISP},
		{"MISP events in an array", ` [ {"Event":{}} ]`, feed.MISP},
		{"MISP events, one a line", "{\"Event\":{}}\n{\"Event\":{}}\n", feed.MISP},
		{"MISP attributes, one a line", `{"type":"domain","value":"evil.example","to_ids":false}`, feed.MISP},
		{"a warninglist", `{"description":"d","list":["a.example"],"name":"n","type":"string","version":1}`, feed.MISP},
		{"a warninglist by its attributes", `{"list":["a.example"],"matching_attributes":["domain"]}`, feed.MISP},
		{"a warninglist, cut off within its list", `{"description":"d","list":["a.example","b.exa`, feed.MISP},
		{"a list with a title", `{"name":"n","list":["a.example"]}`, feed.JSON},
		{"a list with an unknown type", `{"name":"n","type":"phishing","list":["a.example","b.exa`, feed.JSON},
		{"a list with other members, cut off", `{"name":"n","count":2,"list":["a.example","b.exa`, feed.JSON},
		{"a list without a title, cut off", `{"list":["a.example","b.exa`, feed.JSON},
		{"a STIX bundle", `{"type":"bundle","id":"bundle--1","objects":[]}`, feed.STIX},
		{"a STIX bundle in another order", `{"id":"bundle--1","objects":[{"type":"`, feed.STIX},
		{"a STIX bundle, objects first", `{"objects":[{"type":"malware","id":"malware--1"}],"type":"bundle"}`, feed.STIX},
		{"a TAXII envelope", `{"more":false,"objects":[{"id":"indicator--1","type":"indicator"}]}`, feed.STIX},
		{"STIX objects in an array", `[{"type":"indicator","id":"indicator--1","pattern":"x"}]`, feed.STIX},
		{"STIX objects, one a line", `{"spec_version":"2.1","type":"indicator"}` + "\n", feed.STIX},
		{"objects of something else", `{"objects":[{"type":"host","id":"h-1","domain":"a.example"}]}`, feed.JSON},
		{"an array of objects", `[{"type":"domain","id":"5--x","value":"evil.example"}]`, feed.JSON},
		{"ThreatFox", `{"query_status":"ok","data":[{"id":"1","ioc":"evil.example","ioc_type":"domain"}]}`, feed.JSON},
		{"member names of MISP with text as values", `{"response":"Event","Attribute":"Object","domain":"evil.example"}`, feed.JSON},
		{"an object that is cut off in its first member", `{"type`, feed.JSON},
		{"the majority wins", "evil.example\nb.example\n||c.example^\n", feed.Plain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := feed.Detect([]byte(tt.in))
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestDetect_refused(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]error{
		"": feed.ErrEmpty, "# c\n": feed.ErrEmpty, "this is not a list\n": feed.ErrUnknownFormat, "<html>": feed.ErrPage,
		"\x1f\x8b\x08": feed.ErrArchive, "\x28\xb5\x2f\xfd": feed.ErrArchive, "a\x00": feed.ErrBinary, "\xff\xfea\x00": feed.ErrEncoding,
	} {
		if _, err := feed.Detect([]byte(in)); !errors.Is(err, want) {
			t.Errorf("%q: error %v, want %v", in, err, want)
		}
	}
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for _, format := range append(feed.Formats(), "") {
		if got, err := feed.ParseFormat(string(format)); err != nil || got != format {
			t.Errorf("got %q, %v, want %q", got, err, format)
		}
	}
	if _, err := feed.ParseFormat("Hosts"); err == nil || !strings.Contains(err.Error(), "must be one of") {
		t.Errorf("error %v, want one that names the formats", err)
	}
}

// The folder of a real list is named after its format, except that allow has warninglists.
func TestDetect_corpus(t *testing.T) {
	t.Parallel()
	root := filepath.Join(corpus(t), "data", "feeds")
	folders := map[string]feed.Format{"allow": feed.MISP}
	for _, format := range feed.Formats() {
		folders[string(format)] = format
	}
	for folder, format := range folders {
		lists, err := filepath.Glob(filepath.Join(root, folder, "*"))
		if err != nil || len(lists) == 0 {
			t.Errorf("no %s lists found: %v", format, err)
		}
		for _, path := range lists {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, head := range [][]byte{text, text[:min(len(text), 4<<10)]} {
				if got, err := feed.Detect(head); err != nil || got != format {
					t.Errorf("%s: first %d bytes: got %q, %v", path, len(head), got, err)
				}
			}
		}
	}
}
