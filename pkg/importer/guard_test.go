package importer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func defaultGuards() importer.Guards {
	return importer.Guards{Guards: settings.DefaultGuards()}
}

// dropped reads a list of one entry and returns why it is dropped, "" if it is not.
func dropped(t *testing.T, entry string, s importer.FeedSettings, g importer.Guards) (reason importer.DropReason) {
	t.Helper()
	s.Format = feed.Plain
	_, report, _ := importer.ReadList(strings.NewReader(entry+"\n"), s, g, importer.Hooks{
		OnDrop: func(d importer.Drop) { reason = d.Reason },
	})
	if report.Accepted != 1 {
		t.Fatalf("%q is no entry: %+v", entry, report)
	}
	return reason
}

func TestGuards_drops(t *testing.T) {
	t.Parallel()
	const name, subtree, under = indicator.ScopeName, indicator.ScopeSubtree, indicator.ScopeUnder
	for _, tc := range []struct {
		entry string
		scope indicator.Scope
		want  importer.DropReason // "" = kept
	}{
		{"evil.example", subtree, ""},
		{"evil.test", name, ""},
		{"evil.co.uk", subtree, ""},

		{"com", subtree, importer.DropSingleLabel},
		{"onion", under, importer.DropSingleLabel},
		{"localhost", name, importer.DropSingleLabel},

		{"co.uk", subtree, importer.DropPublicSuffix},
		{"co.uk", name, importer.DropPublicSuffix},
		{"github.io", under, importer.DropPrivateSuffix},
		{"github.io", name, importer.DropPrivateSuffix},
		{"nyc3.digitaloceanspaces.com", name, importer.DropPrivateSuffix},
		{"sells-well.at.ply.gg", subtree, ""}, // a customer, by a wildcard of the public suffix list
		{"at.ply.gg", subtree, importer.DropPrivateSuffix},
		{"anything.ck", subtree, importer.DropPublicSuffix},
		{"www.ck", subtree, ""}, // an exception of the public suffix list
		{"evil.github.io", subtree, ""},

		{"amazonaws.com", subtree, importer.DropProtected},
		{"amazonaws.com", name, importer.DropProtected},
		{"sts.amazonaws.com", name, importer.DropProtected},
		{"sqs.eu-west-1.amazonaws.com", name, importer.DropProtected},
		{"sqs.cn-north-1.amazonaws.com.cn", name, importer.DropProtected},
		{"us-west-2.compute.amazonaws.com", subtree, importer.DropPrivateSuffix},
		{"us-gov-west-1.elb.amazonaws.com", subtree, importer.DropPrivateSuffix},
		{"eu-west-1.amazonaws.com", subtree, importer.DropProtected},
		{"evil-bucket.s3.amazonaws.com", name, ""},
		{"evil.s3-website-us-east-1.amazonaws.com", subtree, ""},
		{"evil.s3-eu-west-1.amazonaws.com", subtree, ""},
		{"ec2-192-0-2-1.compute-1.amazonaws.com", subtree, ""},
		{"ec2-192-0-2-1.us-west-2.compute.amazonaws.com", subtree, ""},
		{"evil-bucket.s3.eu-west-1.amazonaws.com", subtree, ""},
		{"dynamodb.eu-west-1.api.aws", name, importer.DropProtected},
		{"compute.internal", under, importer.DropProtected},
		{"ip-10-0-0-1.eu-west-1.compute.internal", name, importer.DropProtected},
		{"in-addr.arpa", subtree, importer.DropPublicSuffix},
		{"1.2.0.192.in-addr.arpa", subtree, ""},
		{"google.com", name, importer.DropProtected},
		{"evil.google.com", subtree, ""},
		{"notgoogle.com", subtree, ""},

		{"pastebin.com", subtree, importer.DropSharedHost},
		{"pastebin.com", name, importer.DropSharedHost},
		{"raw.githubusercontent.com", name, importer.DropSharedHost},
		{"evil.dropbox.com", subtree, importer.DropSharedHost},
		{"evil.dropbox.com", name, ""}, // one name of a shared host
		{"catbox.moe", under, importer.DropSharedHost},
		{"githubusercontent.com", subtree, importer.DropPrivateSuffix},
		{"medium.com", subtree, importer.DropSharedHost},
		{"evil.medium.com", subtree, ""}, // a customer's name
		{"discordapp.net", name, importer.DropSharedHost},
		{"asuscomm.com", subtree, importer.DropSharedHost}, // a dynamic DNS zone that is no public suffix
		{"evil.asuscomm.com", subtree, ""},
	} {
		s := importer.FeedSettings{Scope: tc.scope}
		if got := dropped(t, tc.entry, s, defaultGuards()); got != tc.want {
			t.Errorf("%s %v: dropped as %q, want %q", tc.entry, tc.scope, got, tc.want)
		}
	}
}

// An entry above a protected name or a shared host reaches it, unless its scope is the
// name alone.
func TestGuards_entriesAbove(t *testing.T) {
	t.Parallel()
	guards, err := importer.NewGuards(settings.DefaultGuards(), []string{"dns.corp.example.", "Zone.Test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		entry string
		scope indicator.Scope
		want  importer.DropReason
	}{
		{"dns.corp.example", indicator.ScopeName, importer.DropProtected},
		{"host.dns.corp.example", indicator.ScopeName, importer.DropProtected},
		{"corp.example", indicator.ScopeSubtree, importer.DropProtected},
		{"corp.example", indicator.ScopeUnder, importer.DropProtected},
		{"corp.example", indicator.ScopeName, ""},
		{"other.corp.example", indicator.ScopeSubtree, ""},
		{"a.zone.test", indicator.ScopeSubtree, importer.DropProtected},
		{"sourceforge.net", indicator.ScopeSubtree, importer.DropSharedHost},
	} {
		if got := dropped(t, tc.entry, importer.FeedSettings{Scope: tc.scope}, guards); got != tc.want {
			t.Errorf("%s %v: dropped as %q, want %q", tc.entry, tc.scope, got, tc.want)
		}
	}
}

func TestGuards_allowEntries(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]importer.DropReason{
		"pastebin.com":      "",
		"amazonaws.com":     "",
		"github.io":         "",
		"10.0.0.0/8":        "",
		"corp.internal":     "",
		"com":               importer.DropSingleLabel,
		"co.uk":             importer.DropPublicSuffix,
		"www.fine.example":  "",
		"192.168.1.0/24":    "",
		"com.au":            importer.DropPublicSuffix,
		"cdn.fine.test":     "",
		"2001:db8::/16":     "",
		"raw.fine.example.": "",
	} {
		if got := dropped(t, entry, importer.FeedSettings{Action: indicator.ActionAllow}, defaultGuards()); got != want {
			t.Errorf("%s: dropped as %q, want %q", entry, got, want)
		}
	}
}

func TestGuards_addresses(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]importer.DropReason{
		"192.0.2.1":       "", // documentation: nobody's network
		"198.51.100.0/24": "",
		"203.0.113.7":     "",
		"2001:db8::1":     "",
		"8.8.0.0/16":      "",
		"8.0.0.0/15":      importer.DropWideBlock,
		"0.0.0.0/0":       importer.DropWideBlock,
		"2600::/32":       "",
		"2600::/31":       importer.DropWideBlock,
		"10.1.2.3":        importer.DropSpecialAddress,
		"127.0.0.1":       importer.DropSpecialAddress,
		"169.254.169.254": importer.DropSpecialAddress,
		"100.64.0.0/16":   importer.DropSpecialAddress,
		"192.0.0.0/16":    importer.DropSpecialAddress, // holds one of them
		"224.0.0.1":       importer.DropSpecialAddress,
		"255.255.255.255": importer.DropSpecialAddress,
		"::1":             importer.DropSpecialAddress,
		"fd00::1":         importer.DropSpecialAddress,
		"fe80::/64":       importer.DropSpecialAddress,
		"64:ff9b::1":      importer.DropSpecialAddress,
		"::ffff:10.0.0.1": importer.DropSpecialAddress,
		"::ffff:8.8.8.8":  "",
	} {
		if got := dropped(t, entry, importer.FeedSettings{}, defaultGuards()); got != want {
			t.Errorf("%s: dropped as %q, want %q", entry, got, want)
		}
	}
}

func TestNewGuards_badZone(t *testing.T) {
	t.Parallel()
	_, err := importer.NewGuards(settings.DefaultGuards(), []string{"corp.example", "not a zone", ".."})
	if err == nil || !strings.Contains(err.Error(), `"not a zone"`) || !strings.Contains(err.Error(), `".."`) {
		t.Errorf("error %v, want both names in it", err)
	}
}

func TestGuards_Compare(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		before, now int
		want        string // codes
	}{
		{0, 5_000_000, ""}, // the first list
		{1_000, 1, ""},     // a short list may go
		{5_000, 4_000, ""}, // 20 %, and 1,000
		{5_000, 3_999, "shrink"},
		{100_000, 98_000, ""}, // 2 %
		{100_000, 79_999, "shrink"},
		{4_000, 10_000, ""},
		{4_000, 10_001, "growth"},
		{10_000, 20_000, ""},
		{10_000, 20_001, "growth"},
		{10_000, 10_000, ""},
	} {
		guards := defaultGuards()
		var codes []string
		for _, refusal := range guards.Compare(tc.before, tc.now) {
			codes = append(codes, string(refusal.Code))
		}
		if got := strings.Join(codes, " "); got != tc.want {
			t.Errorf("%d to %d: %q, want %q", tc.before, tc.now, got, tc.want)
		}
	}
}

func TestReadList_refusals(t *testing.T) {
	t.Parallel()
	suffixes := "co.uk\ncom.au\nco.jp\norg.uk\nnet.au\nco.nz\n" // six
	for _, tc := range []struct {
		name        string
		in          string
		settings    importer.FeedSettings
		want        importer.RefusalCode // "" = taken
		wantWhere   string
		overridable bool
	}{
		{name: "a list", in: "evil.example\n"},
		{name: "nothing", in: "", want: importer.RefusedNoEntries},
		{name: "comments", in: "# one\n! two\n", want: importer.RefusedNoEntries},
		{name: "all dropped", in: "com\nnet\n", want: importer.RefusedNoEntries},
		{name: "page", in: " <!doctype html>", want: importer.RefusedUnreadable, wantWhere: "line 1"},
		{name: "error document", in: `{"message":"Access Denied"}`, want: importer.RefusedUnreadable},
		{name: "binary", in: "evil.example\x00\n", want: importer.RefusedUnreadable, wantWhere: "line 1"},
		{name: "long line", in: "evil.example\n" + strings.Repeat("x", 5_000) + "\n", want: importer.RefusedUnreadable, wantWhere: "line 2"},
		{name: "19 lines of rubbish and a name", in: "evil.example\n" + strings.Repeat("no name\n", 18)},
		{
			name: "20 lines of rubbish and a name", in: "evil.example\n" + strings.Repeat("no name\n", 20),
			settings: importer.FeedSettings{Format: feed.Plain}, want: importer.RefusedInvalid, overridable: true,
		},
		{name: "95 % valid", in: numbered("n", 95) + strings.Repeat("?\n", 5)},
		{
			name: "94 % valid", in: numbered("n", 94) + strings.Repeat("?\n", 6),
			want: importer.RefusedInvalid, overridable: true,
		},
		{name: "5 public suffixes", in: suffixes[:len(suffixes)-len("co.nz\n")] + "evil.example\n"},
		{name: "6 of few", in: suffixes + "evil.example\n", want: importer.RefusedSuffixes, overridable: true},
		{name: "6 of many", in: suffixes + numbered("n", 594)},
		{name: "6 allowed", in: suffixes + "fine.example\n", settings: importer.FeedSettings{Action: indicator.ActionAllow}},
		{name: "6 of a company", in: "a.localto.net\nb.localto.net\ngithub.io\npages.dev\nr2.dev\nnetlify.app\nevil.example\n"},
		{
			name: "settings of another list", in: "evil.example\n",
			settings: importer.FeedSettings{Format: feed.JSON}, want: importer.RefusedSettings, wantWhere: "line 1",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := tc.settings
			if strings.Contains(tc.name, "rubbish") {
				s.Format = feed.Plain
			}
			list, report, err := importer.ReadList(strings.NewReader(tc.in), s, defaultGuards(), importer.Hooks{})
			if tc.want == "" {
				if err != nil || list.Len() == 0 || list.Len() != report.Names {
					t.Errorf("refused: %v, %d entries", err, list.Len())
				}
				return
			}
			var refusals importer.Refusals
			if !errors.As(err, &refusals) || refusals[0].Code != tc.want || refusals[0].Where != tc.wantWhere {
				t.Fatalf("error %#v, want the refusal %q %q", err, tc.want, tc.wantWhere)
			}
			if refusals.Overridable() != tc.overridable || (list.Len() > 0) != tc.overridable {
				t.Errorf("overridable is %v with %d entries, want %v", refusals.Overridable(), list.Len(), tc.overridable)
			}
			if refusals[0].What == "" || refusals[0].Todo == "" {
				t.Errorf("refusal %+v does not say all", refusals[0])
			}
		})
	}
}

func TestReadList_hooksAndCounts(t *testing.T) {
	t.Parallel()
	var said []string
	list, report, err := importer.ReadList(strings.NewReader("evil.example\n# note\ncom\nno name\nEVIL.example\nhost/path\n*evil*.example\n"),
		importer.FeedSettings{Format: feed.Plain, Category: "phishing"}, defaultGuards(), importer.Hooks{
			OnReject: func(e feed.LineError) { said = append(said, fmt.Sprintf("reject %d", e.Line)) },
			OnSkip:   func(s feed.SkippedLine) { said = append(said, fmt.Sprintf("skip %d", s.Line)) },
			OnDrop: func(d importer.Drop) {
				said = append(said, fmt.Sprintf("drop %d %s %s %s", d.Line, d.Entry, d.Scope, d.Reason))
			},
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"drop 3 com subtree single_label", "reject 4", "skip 7"} {
		if !strings.Contains(strings.Join(said, "; "), want) {
			t.Errorf("hooks said %q, want %q among it", said, want)
		}
	}
	total := report.Names + report.Repeats + report.Dropped[importer.DropSingleLabel]
	if total != report.Accepted || report.Repeats != 1 || list.Len() != report.Names {
		t.Errorf("report is %+v", report)
	}
}

func TestReadList_sortsAndMerges(t *testing.T) {
	t.Parallel()
	const csv = "domain,category,severity,confidence,reference\n" +
		"z.example,spam,low,90,https://lists.example/z\n" +
		"a.example,phishing,high,10,\n" +
		"a.example,malware,high,10,https://lists.example/a\n" +
		"a.example,botnet,low,100,\n"
	list, report, err := importer.ReadList(strings.NewReader(csv), importer.FeedSettings{Format: feed.CSV}, defaultGuards(), importer.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for entry := range list.All() {
		got = append(got, fmt.Sprintf("%s %v %v %s %s", entry.Value(), entry.Severity, entry.Confidence, entry.Category, entry.Reference))
	}
	want := []string{
		"a.example high 10 malware https://lists.example/a",
		"z.example low 90 spam https://lists.example/z",
	}
	if diff := gocmp.Diff(want, got); diff != "" || report.Repeats != 2 {
		t.Errorf("%d repeats: %s", report.Repeats, diff)
	}
}

// A cut connection is no judgement on a list.
func TestReadList_readerFails(t *testing.T) {
	t.Parallel()
	_, _, err := importer.ReadList(&cutReader{strings.NewReader("evil.example\n")}, importer.FeedSettings{}, defaultGuards(), importer.Hooks{})
	if refusals := (importer.Refusals)(nil); errors.As(err, &refusals) || !errors.Is(err, errKilled) {
		t.Errorf("error %v, want one that is no refusal", err)
	}
}

// cutReader ends with an error instead of the end.
type cutReader struct{ *strings.Reader }

func (r *cutReader) Read(p []byte) (int, error) {
	if r.Len() == 0 {
		return 0, errKilled
	}
	return r.Reader.Read(p)
}

func TestParseFeedSettings(t *testing.T) {
	t.Parallel()
	_, err := importer.ParseFeedSettings([]byte(`{"format":"cvs","scope":"all","severity":"bad","confidence":200,"maxAge":"soon"}`))
	for _, want := range []string{`format "cvs"`, `scope "all"`, `severity "bad"`, "confidence 200", `duration "soon"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if _, err := importer.ParseFeedSettings([]byte(`{"format":"hosts","column":"host"}`)); err == nil {
		t.Error("a hosts list has a column")
	}
	got, err := importer.ParseFeedSettings([]byte(`{"category":" Phishing ","confidence":0,"maxAge":"2d"}`))
	if err != nil || got.Category != "phishing" || got.Confidence == nil || *got.Confidence != 0 || got.MaxAge.Hours() != 48 {
		t.Errorf("settings are %+v, %v", got, err)
	}
}
