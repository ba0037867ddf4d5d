package feed_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func TestParse_csv(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.CSV, []formatCase{{
		name: "URLhaus with its banner",
		in: "################################\n# abuse.ch URLhaus Database Dump (CSV - online URLs only) #\n# Last updated: 2026-08-18 16:17:08 (UTC) #\n" +
			"#\n# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n" +
			"\"1\",\"2026-08-18 16:17:08\",\"http://192.0.2.1:44835/i\",\"online\",\"\",\"malware_download\",\"elf,mips,Mozi\",\"https://ref.example/1\",\"x\"\n" +
			"\"2\",\"2026-08-18 15:09:43\",\"https://evil.example/a.exe\",\"online\",\"\",\"malware_download\",\"None\",\"https://ref.example/2\",\"y.example\"\n" +
			"# Number of entries: 2\n",
		want: reading{Accepted: []string{"cidr 192.0.2.1", "name evil.example"}},
	}, {
		name: "a heading without a comment sign, URLs without schemes",
		in:   "id,url\n1,evil.example\n2,host.example/path\n",
		want: reading{Accepted: []string{"name evil.example", "name host.example"}},
	}, {
		name: "ThreatFox: quoted headings in a comment, quotes after a space",
		in: "# \"first_seen_utc\",\"ioc_id\",\"ioc_value\",\"ioc_type\",\"threat_type\"\n" +
			"\"2026-08-22 21:23:45\", \"1\", \"evil.example\", \"domain\", \"botnet_cc\"\n" +
			"\"2026-08-22 21:23:45\", \"2\", \"2001:db8::5:40669\", \"ip:port\", \"botnet_cc\"\n" +
			"\"2026-08-22 21:23:45\", \"3\", \"2001:db8::5:1234\", \"ip:port\", \"botnet_cc\"\n" +
			"\"2026-08-22 21:23:45\", \"4\", \"hxxps://evil[.]example/x\", \"url\", \"payload_delivery\"\n" +
			"\"2026-08-22 21:23:45\", \"5\", \"d41d8cd98f00b204e9800998ecf8427e\", \"md5_hash\", \"payload\"\n",
		want: reading{
			Accepted: []string{"subtree evil.example", "cidr 2001:db8::5", "cidr 2001:db8::5", "name evil.example"},
			Skipped:  []string{"d41d8cd98f00b204e9800998ecf8427e: neither a name nor an address"},
		},
	}, {
		name: "a type column",
		in:   "type,indicator,app\ndomain,evil.example,x\nipv4,192.0.2.1,x\nurl,host.example,x\nsha256,abc,x\nphishing,other.example,x\n",
		want: reading{
			Accepted: []string{"subtree evil.example", "cidr 192.0.2.1", "name host.example"},
			Skipped:  []string{"abc: neither a name nor an address", "other.example: neither a name nor an address"},
		},
	}, {
		name: "an address counts only if there is no name next to it",
		in:   "domain_name,ip_address\n\"evil.example\",\"192.0.2.1\"\n,192.0.2.2\n,\n",
		want: reading{
			Accepted: []string{"subtree evil.example", "cidr 192.0.2.2"},
			Skipped:  []string{",: row without an indicator"},
		},
	}, {
		name: "a host with a path is listed alone",
		in:   "\"host\",\"path\",\"message\"\n\"a.example\",\"\",\"x\"\n\"b.example\",\"/c.exe\",\"x\"\n",
		want: reading{Accepted: []string{"subtree a.example", "name b.example"}},
	}, {
		name: "other separators, quotes inside cells, byte order mark",
		in:   "\xef\xbb\xbfDomain;Note\nevil.example;\"a \"\"quoted\"\" word; and more\"\nb.example;bare \"quote\"\n",
		want: reading{Accepted: []string{"subtree evil.example", "subtree b.example"}},
	}, {
		name: "tabs, with empty cells",
		in:   "id\tdomain\tnote\n\tevil.example\t\n2\tb.example\tx\n",
		want: reading{Accepted: []string{"subtree evil.example", "subtree b.example"}},
	}, {
		name: "without headings a URL is preferred to a name, and a name to an address",
		in:   "1,reporter.example,http://evil.example/x,192.0.2.1\n2,reporter.example,http://b.example/x,192.0.2.1\n",
		want: reading{Accepted: []string{"name evil.example", "name b.example"}},
	}, {
		name: "without headings, one quoted column",
		in:   "\"evil.example\"\n\"192.0.2.1\"\n",
		want: reading{Accepted: []string{"subtree evil.example", "cidr 192.0.2.1"}},
	}, {
		name: "an unknown heading is not an entry",
		in:   "Bad Thing,When\nevil.example,2026-01-02\n",
		want: reading{Accepted: []string{"subtree evil.example"}},
	}, {
		name: "a cell that spans lines",
		in:   "note,domain\n\"two\nlines, and \"\"more\"\"\",evil.example\nx,b.example\n",
		want: reading{Accepted: []string{"subtree evil.example", "subtree b.example"}},
	}, {
		name: "a missing quote costs one row",
		in:   "note,domain\n\"forgotten,a.example\nx,b.example\ny,c.example\n\"closed\",d.example\n",
		want: reading{
			Accepted: []string{"subtree b.example", "subtree c.example", "subtree d.example"},
			Rejected: []string{"\"forgotten,a.example"},
		},
	}, {
		name: "a quote that is still open at the end",
		in:   "note,domain\nx,a.example\n\"cut,b.exam",
		want: reading{Accepted: []string{"subtree a.example"}, Rejected: []string{"\"cut,b.exam"}},
	}, {
		name: "rows whose cells may be shifted",
		in:   "id,domain,tags\n1,evil.example,a,b\n2\n3,b.example\n\"4\"x,c.example,\n5,two words,\n",
		want: reading{
			Accepted: []string{"subtree b.example"},
			Rejected: []string{"1,evil.example,a,b", "2", "\"4\"x,c.example,", "two words"},
		},
	}})
}

func TestParse_csvColumn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, column string
		want             []string
	}{
		{"by heading, in any case", "seen,Bad Host,c2\n1,evil.example,b.example\n", "bad host", []string{"subtree evil.example"}},
		{"a column other than the usual one", "domain,ip_address\na.example,192.0.2.1\n", "ip_address", []string{"cidr 192.0.2.1"}},
		{"a URL column is still read as URLs", "url,domain\nb.example/x,a.example\nc.example,\n", "URL", []string{"name b.example", "name c.example"}},
		{"by number, without a heading", "1,b.example,evil.example\n2,b.example,c.example\n", "3", []string{"subtree evil.example", "subtree c.example"}},
		{"the only column, which could also be a plain list", "bad thing\nevil.example\n", "bad thing", []string{"subtree evil.example"}},
		{"a heading in a comment", "# when,bad\n1,evil.example\n", "bad", []string{"subtree evil.example"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, format := range []feed.Format{feed.CSV, ""} { // a column implies a table
				got, _, err := read(t, tt.in, feed.Options{Format: format, Column: tt.column})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(reading{Accepted: tt.want}, got); diff != "" {
					t.Error("-want +got:\n", diff)
				}
			}
		})
	}
}

func TestParse_csvColumnErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, column, want string }{
		{"no such heading", "id,domain\n1,evil.example\n", "host", `line 1: no such column ("host" is not among "id", "domain")`},
		{"no such number", "1,evil.example\n", "3", `line 1: no such column ("3" is not among "1", "evil.example")`},
		{"no indicators anywhere", "a,b\n", "", `no such column (the first row is "a", "b")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t, tt.in, feed.Options{Format: feed.CSV, Column: tt.column})
			if !errors.Is(err, feed.ErrColumn) || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParse_csvDetails(t *testing.T) {
	t.Parallel()
	const list = "domain,malware,threat,severity,confidence_level,reference,first_seen,expires\n" +
		"a.example,Loader,Malware Download,HIGH,90,https://ref.example/a,2026-08-22 21:23:45 UTC,2027-01-02\n" +
		"b.example,Loader,,worst,many,none,yesterday,2026-02-30\n" +
		"c.example,Loader,None,low,0,-,1700000000,2026-08-22T21:23:45+02:00\n" +
		"d.example,Loader,botnet_cc,,101,,1700000000123,2026-08-22T21:23:45Z\n"
	want := []string{
		"a.example malware download high 90 https://ref.example/a 2026-08-22T21:23:45Z 2027-01-02T00:00:00Z",
		"b.example  medium 50  - -",
		"c.example  low 0  2023-11-14T22:13:20Z 2026-08-22T19:23:45Z",
		"d.example botnet_cc medium 50  2023-11-14T22:13:20Z 2026-08-22T21:23:45Z",
	}
	var got []string
	_, err := feed.Parse(strings.NewReader(list), feed.Options{}, func(i *indicator.Indicator) error {
		got = append(got, fmt.Sprint(i.Value(), " ", i.Category, " ", i.Severity, " ", i.Confidence, " ", i.Reference, " ",
			when(i.FirstSeen), " ", when(i.ExpiresAt)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}
