package feed_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

// samples are two lists of each format and the entries of both.
var samples = map[feed.Format]struct {
	first, second string
	want          []string
}{
	feed.Plain:    {"# one\na.example\n", "# two\nb.example\n", []string{"subtree a.example", "subtree b.example"}},
	feed.Wildcard: {"*.a.example\n", "*.b.example\n", []string{"subtree a.example", "subtree b.example"}},
	feed.Hosts:    {"0.0.0.0 a.example\n", "# two\n0.0.0.0 b.example\n", []string{"name a.example", "name b.example"}},
	feed.Adblock:  {"! one\n||a.example^\n", "! two\n||b.example^\n", []string{"subtree a.example", "subtree b.example"}},
	feed.Dnsmasq:  {"address=/a.example/\n", "# two\naddress=/b.example/\n", []string{"subtree a.example", "subtree b.example"}},
	feed.Unbound: {"local-zone: \"a.example\" static\n", "server:\nlocal-zone: \"b.example\" static\n",
		[]string{"subtree a.example", "subtree b.example"}},
	feed.BIND: {"zone \"a.example\" { type master; };\n", "// two\nzone \"b.example\" { type master; };\n",
		[]string{"subtree a.example", "subtree b.example"}},
	feed.RPZ:  {"a.example CNAME .\n", "; two\nb.example CNAME .\n", []string{"name a.example", "name b.example"}},
	feed.CSV:  {"domain,note\na.example,x\n", "b.example,y\n", []string{"subtree a.example", "subtree b.example"}},
	feed.JSON: {"[\"a.example\"]\n", "{\"domain\":\"b.example\"}\n", []string{"subtree a.example", "subtree b.example"}},
	feed.STIX: {bundle(stixIndicator("[domain-name:value='a.example']", "")), bundle(stixIndicator("[domain-name:value='b.example']", "")),
		[]string{"subtree a.example", "subtree b.example"}},
	feed.MISP: {`{"Attribute":[` + attribute("domain", "a.example", "") + "]}\n", `{"Attribute":[` + attribute("domain", "b.example", "") + "]}",
		[]string{"subtree a.example", "subtree b.example"}},
}

// Every format has samples, and is detected. A format that lines vote for must be in voteOrder.
func TestDetect_samples(t *testing.T) {
	t.Parallel()
	for _, format := range feed.Formats() {
		if got, err := feed.Detect([]byte(samples[format].first)); err != nil || got != format {
			t.Errorf("sample of %s: got %q, %v", format, got, err)
		}
	}
}

// Lists are joined with tools that keep the byte order mark of each part, and the first part may
// lack its final line feed.
func TestParse_joinedLists(t *testing.T) {
	t.Parallel()
	const mark = "\xef\xbb\xbf"
	for format, sample := range samples {
		for name, text := range map[string]string{
			"a mark in the middle":             sample.first + mark + sample.second,
			"a mark on each part":              mark + sample.first + mark + sample.second,
			"a mark without a line feed":       strings.TrimSuffix(sample.first, "\n") + mark + sample.second,
			"two marks":                        sample.first + mark + mark + sample.second,
			"a mark at the end":                sample.first + sample.second + mark,
			"carriage returns around the mark": strings.ReplaceAll(sample.first+mark+sample.second, "\n", "\r\n"),
		} {
			for _, set := range []feed.Format{format, ""} {
				got, report, err := read(t, text, feed.Options{Format: set})
				if diff := cmp.Diff(reading{Accepted: sample.want}, got); err != nil || diff != "" || format == feed.Wildcard && set == "" && report.Format != format {
					t.Errorf("%s, %s, format %q: %v; -want +got:\n%s", format, name, set, err, diff)
				}
			}
		}
	}
}

func TestParse_jsonMarkInAValue(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"[\"a.example\"\xef\xbb\xbf]", "[\"a.example\"]\xef\xbb", "[\"a.example\"]\xefx\xbf"} {
		if _, _, err := read(t, text, feed.Options{Format: feed.JSON}); !errors.Is(err, feed.ErrBadJSON) {
			t.Errorf("%q: error %v, want %v", text, err, feed.ErrBadJSON)
		}
	}
}

// Spaces from web pages and documents, and characters without a width.
func TestParse_spacesThatDoNotShow(t *testing.T) {
	t.Parallel()
	for name, space := range map[string]string{
		"no-break space": "\u00a0", "narrow no-break space": "\u202f", "em space": "\u2003", "ideographic space": "\u3000",
		"several": " \u00a0 \u2009 ", "next line": "\u0085", "zero width space": "\u200b ", "direction mark": "\u200e ", "byte order mark": "\ufeff ",
	} {
		for format, text := range map[feed.Format]string{
			feed.Plain:   "a.example_\n_b.example\n_# note\n_c.example_# note\n",
			feed.Hosts:   "0.0.0.0_a.example_b.example\n_0.0.0.0 c.example_\n_# note\n",
			feed.Adblock: "||a.example^_\n_||b.example^\n_! note\n_c.example_\n",
			feed.Dnsmasq: "_address=/a.example/_\naddress_=_/b.example/_\naddress=/c.example/_# note\n",
			feed.Unbound: "_local-zone:_\"a.example\"_static_\nlocal-zone: _b.example_static\nlocal-zone: \"_c.example_\" static\n",
			feed.CSV:     "domain,note\n_a.example_,x\n\"_b.example_\",y\nc.example_,\n",
			feed.JSON:    "[\"_a.example_\",{\"domain\":\"b.example_\"},\"_c.example\"]",
		} {
			if strings.ContainsAny(space, "\u200b\u200e\ufeff") && format != feed.Plain && format != feed.Adblock {
				continue // characters without a width do not separate words
			}
			text = strings.ReplaceAll(text, "_", space)
			got, _, err := read(t, text, feed.Options{Format: format})
			if err != nil || len(got.Accepted) != 3 || got.Rejected != nil || got.Skipped != nil {
				t.Errorf("%s, %s: %v, %+v", format, name, err, got)
			}
		}
	}
}

// A list with a line that is too long is refused, unless the head of the line shows that it is not
// an entry, or contains the whole entry.
func TestParse_longLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	sites := strings.TrimSuffix(strings.Repeat("site.example,", 500), ",")
	const refused = "refused"
	for _, tc := range []struct {
		name   string
		format feed.Format
		line   string
		want   string // the entry, the reason to skip it, or refused
	}{
		{"comment", feed.Plain, "# " + long, ""},
		{"comment after an entry", feed.Plain, "evil.example # " + long, "subtree evil.example"},
		{"URL", feed.Plain, "http://evil.example/" + long, "name evil.example"},
		{"URL without a scheme", feed.Plain, "evil.example/" + long, "name evil.example"},
		{"path", feed.Plain, "/" + long, "URL path without a host"},
		{"pattern", feed.Plain, "*x.example/" + long, "wildcard or part of a name"},
		{"name", feed.Plain, long, refused},
		{"words", feed.Plain, "evil.example/" + long + " and more", "name evil.example"},
		{"words in the head", feed.Plain, "evil.example and " + long, refused},
		{"white space", feed.Plain, strings.Repeat(" ", 5000) + "evil.example", refused},

		{"comment", feed.Hosts, "#" + long, ""},
		{"comment after an entry", feed.Hosts, "0.0.0.0 evil.example # " + long, "name evil.example"},
		{"comment after an entry", feed.Hosts, "0.0.0.0 evil.example; " + long, "name evil.example"},
		{"names", feed.Hosts, "0.0.0.0" + strings.Repeat(" evil.example", 500), refused},
		{"name", feed.Hosts, "0.0.0.0 " + long, refused},

		{"comment", feed.Adblock, "! " + long, ""},
		{"cosmetic rule", feed.Adblock, "site.example##." + long, "cosmetic rule"},
		{"cosmetic rule of many sites", feed.Adblock, sites + "##.ad", "cosmetic rule"},
		{"cosmetic exception of many sites", feed.Adblock, sites + "#@#.ad", "cosmetic rule"},
		{"regular expression", feed.Adblock, "/" + long + "/$all", "regular expression"},
		{"exception by regular expression", feed.Adblock, "@@/" + long + "/", "regular expression"},
		{"rule for URLs", feed.Adblock, "||evil.example/" + long + "^$all", "rule for some URLs of a host"},
		{"rule for many pages", feed.Adblock, "||evil.example^$domain=" + strings.ReplaceAll(sites, ",", "|"), "rule for some clients, pages or types only"},
		{"rule for many pages, third-party", feed.Adblock, "||evil.example^$third-party,domain=" + long, "rule for some clients, pages or types only"},
		{"exception for many pages", feed.Adblock, "@@||evil.example^$domain=" + long, "rule for some clients, pages or types only"},
		{"modifier without an end", feed.Adblock, "||evil.example^$important," + long, refused},
		{"host rule", feed.Adblock, "||evil.example^" + strings.Repeat(" ", 5000), refused},
		{"host", feed.Adblock, long, refused},
		{"exception of nothing", feed.Adblock, "@@" + strings.Repeat(" ", 5000), refused},

		{"comment", feed.Dnsmasq, "#" + long, ""},
		{"option without names", feed.Dnsmasq, "ipset=/" + long + "/", "configuration without a name"},
		{"names", feed.Dnsmasq, "address=/" + strings.ReplaceAll(sites, ",", "/") + "/", refused},
		{"no option", feed.Dnsmasq, "Not an option " + long, refused},

		{"comment", feed.Unbound, "#" + long, ""},
		{"attribute without names", feed.Unbound, "access-control-tag: " + long, "configuration without a name"},
		{"zone", feed.Unbound, "local-zone: " + long, refused},

		{"comment", feed.RPZ, ";" + long, ""},
		{"comment after a record", feed.RPZ, "evil.example CNAME . ;" + long, "name evil.example"},
		{"record of another type", feed.RPZ, "evil.example TXT " + long, "configuration without a name"},
		{"record that spans lines", feed.RPZ, "evil.example TXT ( " + long, refused},
		{"record", feed.RPZ, long + " CNAME .", refused},

		{"comment", feed.CSV, "# " + long, ""},
		{"row", feed.CSV, "evil.example," + long, refused},
		{"statement", feed.BIND, "zone " + long, refused},
	} {
		t.Run(string(tc.format)+" "+tc.name, func(t *testing.T) {
			t.Parallel()
			sample := samples[tc.format]
			for _, end := range []string{"\n", "\r\n"} {
				got, _, err := read(t, sample.first+tc.line+end+sample.second, feed.Options{Format: tc.format})
				if tc.want == refused {
					if !errors.Is(err, feed.ErrLongLine) {
						t.Errorf("error %v with %+v, want %v", err, got, feed.ErrLongLine)
					}
					continue
				}
				found := append(got.Accepted, got.Skipped...)
				if len(found) > len(sample.want) {
					entry := found[1]
					if last := found[len(found)-1]; strings.Contains(last, ": ") {
						entry = last[strings.LastIndex(last, ": ")+2:]
					}
					if entry != tc.want {
						t.Errorf("%q, want %q", entry, tc.want)
					}
				} else if tc.want != "" {
					t.Errorf("no entry, want %q", tc.want)
				}
				if err != nil || len(got.Rejected) > 0 || len(got.Accepted) < len(sample.want) {
					t.Errorf("error %v, rejected %q, accepted %q", err, got.Rejected, got.Accepted)
				}
			}
		})
	}
}

// The name of a policy zone is not guessed if it might be the name of a victim.
func TestParse_rpzNameOfZone(t *testing.T) {
	t.Parallel()
	testRefused(t, feed.RPZ, []refusedCase{
		{"no server in the zone", "@ SOA localhost. root.localhost. 1 2 3 4 5\na.example.rpz.test. CNAME .\nb.example.rpz.test. CNAME .\n", feed.ErrZone, `owner names end in "rpz.test"`},
		{"names of victims under one domain", "bank.example.evil.test. CNAME .\npay.example.evil.test. CNAME .\n", feed.ErrZone, "line 1"},
		{"most owners in one zone", strings.Repeat("a.example.rpz.test. CNAME .\n", 95) + strings.Repeat("b.test. CNAME .\n", 5), feed.ErrZone, "rpz.test"},
		{"names under a top-level domain of another root", "a.bit.rpz.test. CNAME .\nb.bit.rpz.test. CNAME .\n", feed.ErrZone, "rpz.test"},
		{"an origin elsewhere", "a.example.rpz.test. CNAME .\n$ORIGIN zone.test.\n", feed.ErrZone, "rpz.test"},
	})
}
