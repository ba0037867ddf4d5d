package list_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// errCut is the error of an interrupted connection.
var errCut = errors.New("connection cut")

// numbered returns a list of n names.
func numbered(word string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d.example\n", word, i)
	}
	return b.String()
}

func defaultGuards() list.Guards {
	return list.Guards{Guards: settings.DefaultGuards()}
}

// dropped reads a list of one entry and returns why the entry is dropped, or "" if it is kept.
func dropped(t *testing.T, entry string, s list.Options, g list.Guards) (reason list.DropReason) {
	t.Helper()
	s.Format = feed.Plain
	_, report, _ := list.Read(strings.NewReader(entry+"\n"), s, g, list.Hooks{
		OnDrop: func(d list.Drop) { reason = d.Reason },
	})
	if report.Accepted != 1 {
		t.Fatalf("%q is not a valid entry: %+v", entry, report)
	}
	return reason
}

func TestGuards_drops(t *testing.T) {
	t.Parallel()
	const name, subtree, under = indicator.ScopeName, indicator.ScopeSubtree, indicator.ScopeUnder
	for _, tc := range []struct {
		entry string
		scope indicator.Scope
		want  list.DropReason // "" = kept
	}{
		{"evil.example", subtree, ""},
		{"evil.test", name, ""},
		{"evil.co.uk", subtree, ""},

		{"svcload.sys", subtree, list.DropUnknownTLD},
		{"loader.exe", name, list.DropUnknownTLD},
		{"www.evil.com1", under, list.DropUnknownTLD},
		{"evil.onion", subtree, ""},
		{"evil.bit", subtree, ""},

		{"com", subtree, list.DropSingleLabel},
		{"onion", under, list.DropSingleLabel},
		{"localhost", name, list.DropSingleLabel},

		{"co.uk", subtree, list.DropPublicSuffix},
		{"co.uk", name, list.DropPublicSuffix},
		{"github.io", under, list.DropPrivateSuffix},
		{"github.io", name, list.DropPrivateSuffix},
		{"nyc3.digitaloceanspaces.com", name, list.DropPrivateSuffix},
		{"sells-well.at.ply.gg", subtree, ""}, // belongs to a customer, under a wildcard of the public suffix list
		{"at.ply.gg", subtree, list.DropPrivateSuffix},
		{"anything.ck", subtree, list.DropPublicSuffix},
		{"www.ck", subtree, ""}, // an exception on the public suffix list
		{"evil.github.io", subtree, ""},

		{"amazonaws.com", subtree, list.DropProtected},
		{"amazonaws.com", name, list.DropProtected},
		{"sts.amazonaws.com", name, list.DropProtected},
		{"sqs.eu-west-1.amazonaws.com", name, list.DropProtected},
		{"sqs.cn-north-1.amazonaws.com.cn", name, list.DropProtected},
		{"us-west-2.compute.amazonaws.com", subtree, list.DropPrivateSuffix},
		{"us-gov-west-1.elb.amazonaws.com", subtree, list.DropPrivateSuffix},
		{"eu-west-1.amazonaws.com", subtree, list.DropProtected},
		{"evil-bucket.s3.amazonaws.com", name, ""},
		{"evil.s3-website-us-east-1.amazonaws.com", subtree, ""},
		{"evil.s3-eu-west-1.amazonaws.com", subtree, ""},
		{"ec2-192-0-2-1.compute-1.amazonaws.com", subtree, ""},
		{"ec2-192-0-2-1.us-west-2.compute.amazonaws.com", subtree, ""},
		{"evil-bucket.s3.eu-west-1.amazonaws.com", subtree, ""},
		{"dynamodb.eu-west-1.api.aws", name, list.DropProtected},
		{"compute.internal", under, list.DropProtected},
		{"ip-10-0-0-1.eu-west-1.compute.internal", name, list.DropProtected},
		{"in-addr.arpa", subtree, list.DropPublicSuffix},
		{"1.2.0.192.in-addr.arpa", subtree, ""},
		{"google.com", name, list.DropProtected},
		{"evil.google.com", subtree, ""},
		{"notgoogle.com", subtree, ""},

		{"pastebin.com", subtree, list.DropSharedHost},
		{"pastebin.com", name, list.DropSharedHost},
		{"raw.githubusercontent.com", name, list.DropSharedHost},
		{"evil.dropbox.com", subtree, list.DropSharedHost},
		{"evil.dropbox.com", name, ""}, // one name of a shared host
		{"catbox.moe", under, list.DropSharedHost},
		{"githubusercontent.com", subtree, list.DropPrivateSuffix},
		{"medium.com", subtree, list.DropSharedHost},
		{"evil.medium.com", subtree, ""}, // a customer's name
		{"discordapp.net", name, list.DropSharedHost},
		{"asuscomm.com", subtree, list.DropSharedHost}, // a dynamic DNS zone that is not a public suffix
		{"www.dropbox.com", name, list.DropSharedHost}, // the site of a shared host
		{"www.medium.com", name, list.DropSharedHost},
		{"www.evil.medium.com", name, ""},
		{"www.google.com", name, list.DropProtected},
		{"www.evil.google.com", subtree, ""},
		{"bit.ly", name, list.DropSharedHost},
		{"amzn.to", subtree, list.DropSharedHost},
		{"evil.lnk.to", name, ""}, // a customer's name
		{"ipfs.io", name, list.DropSharedHost},
		{"dweb.link", name, list.DropSharedHost},
		{"bafyevil.ipfs.w3s.link", subtree, ""}, // one file
		{"webhook.site", name, list.DropSharedHost},
		{"evil.webhook.site", subtree, ""},
		{"res.cloudinary.com", name, list.DropSharedHost},
		{"web.app", subtree, list.DropPrivateSuffix},
		{"evil.web.app", subtree, ""},
		{"weeblysite.com", subtree, list.DropSharedHost}, // a hosting zone that is not a public suffix
		{"evil.weeblysite.com", subtree, ""},
		{"urldefense.proofpoint.com", name, list.DropSharedHost},
		{"storage.googleapis.com", subtree, list.DropSharedHost},
		{"evil-lure.storage.googleapis.com", subtree, ""}, // a customer's bucket
		{"evil-lure.storage.googleapis.com", name, ""},
		{"evil.t.me", subtree, ""},
		{"f003.backblazeb2.com", name, list.DropSharedHost}, // many buckets
		{"evil.s3.us-west-004.backblazeb2.com", subtree, ""},
		{"ucevil.dl.dropboxusercontent.com", subtree, ""},
		{"evil.asuscomm.com", subtree, ""},
	} {
		s := list.Options{Scope: tc.scope}
		if got := dropped(t, tc.entry, s, defaultGuards()); got != tc.want {
			t.Errorf("%s %v: dropped as %q, want %q", tc.entry, tc.scope, got, tc.want)
		}
	}
}

// An entry above a protected name or a shared host matches it, unless its scope is name.
func TestGuards_entriesAbove(t *testing.T) {
	t.Parallel()
	guards, err := list.NewGuards(settings.DefaultGuards(), []string{"dns.corp.example.", "Zone.Test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		entry string
		scope indicator.Scope
		want  list.DropReason
	}{
		{"dns.corp.example", indicator.ScopeName, list.DropProtected},
		{"host.dns.corp.example", indicator.ScopeName, list.DropProtected},
		{"corp.example", indicator.ScopeSubtree, list.DropProtected},
		{"corp.example", indicator.ScopeUnder, list.DropProtected},
		{"corp.example", indicator.ScopeName, ""},
		{"other.corp.example", indicator.ScopeSubtree, ""},
		{"a.zone.test", indicator.ScopeSubtree, list.DropProtected},
		{"sourceforge.net", indicator.ScopeSubtree, list.DropSharedHost},
	} {
		if got := dropped(t, tc.entry, list.Options{Scope: tc.scope}, guards); got != tc.want {
			t.Errorf("%s %v: dropped as %q, want %q", tc.entry, tc.scope, got, tc.want)
		}
	}
}

// Without a top list of the user's, a small one is built in. It protects exact names.
func TestGuards_neededNames(t *testing.T) {
	t.Parallel()
	with := defaultGuards()
	if err := with.ReadTop(strings.NewReader("popular.example\n")); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		entry   string
		scope   indicator.Scope
		want    list.DropReason
		wantTop list.DropReason // with a top list
	}{
		{"registry.npmjs.org", indicator.ScopeName, list.DropNeeded, ""},
		{"registry.npmjs.org", indicator.ScopeSubtree, list.DropNeeded, ""},
		{"login.microsoftonline.com", indicator.ScopeName, list.DropNeeded, ""},
		{"console.aws.amazon.com", indicator.ScopeName, list.DropNeeded, ""},
		{"ocsp.digicert.com", indicator.ScopeName, list.DropNeeded, ""},
		{"security.ubuntu.com", indicator.ScopeName, list.DropNeeded, ""},
		{"ctldl.windowsupdate.com", indicator.ScopeName, list.DropNeeded, ""},
		{"crates.io", indicator.ScopeName, list.DropNeeded, ""},
		{"www.crates.io", indicator.ScopeName, list.DropNeeded, ""},
		{"pki.goog", indicator.ScopeSubtree, list.DropNeeded, ""}, // above such names
		{"pki.goog", indicator.ScopeName, "", ""},
		{"evil.pki.goog", indicator.ScopeSubtree, "", ""},
		{"www.pki.goog", indicator.ScopeSubtree, "", ""},
		{"evil.crates.io", indicator.ScopeSubtree, "", ""},
		{"google.com", indicator.ScopeName, list.DropProtected, list.DropProtected},
		{"popular.example", indicator.ScopeName, "", list.DropTopList},
	} {
		s := list.Options{Scope: tc.scope}
		if got := dropped(t, tc.entry, s, defaultGuards()); got != tc.want {
			t.Errorf("%s %v: dropped as %q, want %q", tc.entry, tc.scope, got, tc.want)
		}
		if got := dropped(t, tc.entry, s, with); got != tc.wantTop {
			t.Errorf("%s %v: with a top list dropped as %q, want %q", tc.entry, tc.scope, got, tc.wantTop)
		}
	}
	if got := dropped(t, "registry.npmjs.org", list.Options{Action: indicator.ActionAllow}, defaultGuards()); got != "" {
		t.Errorf("an allow entry is dropped as %q", got)
	}
}

func TestGuards_allowEntries(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]list.DropReason{
		"pastebin.com":      "",
		"amazonaws.com":     "",
		"github.io":         "",
		"10.0.0.0/8":        "",
		"corp.internal":     "",
		"com":               list.DropSingleLabel,
		"co.uk":             list.DropPublicSuffix,
		"www.fine.example":  "",
		"192.168.1.0/24":    "",
		"com.au":            list.DropPublicSuffix,
		"cdn.fine.test":     "",
		"2001:db8::/16":     "",
		"raw.fine.example.": "",
	} {
		if got := dropped(t, entry, list.Options{Action: indicator.ActionAllow}, defaultGuards()); got != want {
			t.Errorf("%s: dropped as %q, want %q", entry, got, want)
		}
	}
}

func TestGuards_addresses(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]list.DropReason{
		"192.0.2.1":       "", // a documentation address
		"198.51.100.0/24": "",
		"203.0.113.7":     "",
		"2001:db8::1":     "",
		"8.8.0.0/16":      "",
		"8.0.0.0/15":      list.DropWideBlock,
		"0.0.0.0/0":       list.DropWideBlock,
		"2600::/32":       "",
		"2600::/31":       list.DropWideBlock,
		"10.1.2.3":        list.DropSpecialAddress,
		"127.0.0.1":       list.DropSpecialAddress,
		"169.254.169.254": list.DropSpecialAddress,
		"100.64.0.0/16":   list.DropSpecialAddress,
		"192.0.0.0/16":    list.DropSpecialAddress, // contains a special-purpose block
		"224.0.0.1":       list.DropSpecialAddress,
		"255.255.255.255": list.DropSpecialAddress,
		"::1":             list.DropSpecialAddress,
		"fd00::1":         list.DropSpecialAddress,
		"fe80::/64":       list.DropSpecialAddress,
		"64:ff9b::1":      list.DropSpecialAddress,
		"::ffff:10.0.0.1": list.DropSpecialAddress,
		"::ffff:8.8.8.8":  "",
	} {
		if got := dropped(t, entry, list.Options{}, defaultGuards()); got != want {
			t.Errorf("%s: dropped as %q, want %q", entry, got, want)
		}
	}
}

func TestNewGuards_badZone(t *testing.T) {
	t.Parallel()
	_, err := list.NewGuards(settings.DefaultGuards(), []string{"corp.example", "not a zone", ".."})
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
		{1_000, 1, ""},     // a short list may shrink
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
		for _, refusal := range guards.Compare(list.CountChange(tc.before, tc.now)) {
			codes = append(codes, string(refusal.Code))
		}
		if got := strings.Join(codes, " "); got != tc.want {
			t.Errorf("%d to %d: %q, want %q", tc.before, tc.now, got, tc.want)
		}
	}
}

func TestRead_refusals(t *testing.T) {
	t.Parallel()
	suffixes := "co.uk\ncom.au\nco.jp\norg.uk\nnet.au\nco.nz\n" // six
	for _, tc := range []struct {
		name        string
		in          string
		settings    list.Options
		want        list.RefusalCode // "" means accepted
		wantWhere   string
		overridable bool
	}{
		{name: "a list", in: "evil.example\n"},
		{name: "nothing", in: "", want: list.RefusedNoEntries},
		{name: "comments", in: "# one\n! two\n", want: list.RefusedNoEntries},
		{name: "all dropped", in: "com\nnet\n", want: list.RefusedNoEntries},
		{name: "page", in: " <!doctype html>", want: list.RefusedUnreadable, wantWhere: "line 1"},
		{name: "error document", in: `{"message":"Access Denied"}`, want: list.RefusedUnreadable},
		{name: "binary", in: "evil.example\x00\n", want: list.RefusedUnreadable, wantWhere: "line 1"},
		{name: "long line", in: "evil.example\n" + strings.Repeat("x", 5_000) + "\n", want: list.RefusedUnreadable, wantWhere: "line 2"},
		{
			name: "18 lines of rubbish and a name", in: "evil.example\n" + strings.Repeat("no name\n", 18),
			want: list.RefusedInvalid, overridable: true,
		},
		{name: "a line of rubbish and a name", in: "evil.example\nrubbish it is\n"},
		{
			name: "2 lines of rubbish and a name", in: "evil.example\nrubbish it is\nno name\n",
			want: list.RefusedInvalid, overridable: true,
		},
		{name: "2 lines of rubbish", in: "rubbish it is\nno name\n", want: list.RefusedNoEntries},
		{name: "10 % kept by the guards", in: numbered("n", 3) + strings.Repeat("pastebin.com\n", 27)},
		{
			name: "less than 10 % kept by the guards", in: numbered("n", 3) + strings.Repeat("pastebin.com\n", 28),
			want: list.RefusedDropped, overridable: true,
		},
		{name: "a short list of which little is kept", in: "evil.example\n" + strings.Repeat("pastebin.com\n", 18)},
		{
			name: "20 lines of rubbish and a name", in: "evil.example\n" + strings.Repeat("no name\n", 20),
			settings: list.Options{Format: feed.Plain}, want: list.RefusedInvalid, overridable: true,
		},
		{name: "95 % valid", in: numbered("n", 95) + strings.Repeat("?\n", 5)},
		{
			name: "94 % valid", in: numbered("n", 94) + strings.Repeat("?\n", 6),
			want: list.RefusedInvalid, overridable: true,
		},
		{name: "5 public suffixes", in: suffixes[:len(suffixes)-len("co.nz\n")] + "evil.example\n"},
		{name: "6 of few", in: suffixes + "evil.example\n", want: list.RefusedSuffixes, overridable: true},
		{name: "6 of many", in: suffixes + numbered("n", 594)},
		{name: "6 allowed", in: suffixes + "fine.example\n", settings: list.Options{Action: indicator.ActionAllow}},
		{name: "6 of a company", in: "a.localto.net\nb.localto.net\ngithub.io\npages.dev\nr2.dev\nnetlify.app\nevil.example\n"},
		{
			name: "settings of another list", in: "evil.example\n",
			settings: list.Options{Format: feed.JSON}, want: list.RefusedSettings, wantWhere: "line 1",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := tc.settings
			if strings.Contains(tc.name, "rubbish") {
				s.Format = feed.Plain
			}
			entries, report, err := list.Read(strings.NewReader(tc.in), s, defaultGuards(), list.Hooks{})
			if tc.want == "" {
				if err != nil || entries.Len() == 0 || entries.Len() != report.Names {
					t.Errorf("refused: %v, %d entries", err, entries.Len())
				}
				return
			}
			var refusals list.Refusals
			if !errors.As(err, &refusals) || refusals[0].Code != tc.want || refusals[0].Where != tc.wantWhere {
				t.Fatalf("error %#v, want the refusal %q %q", err, tc.want, tc.wantWhere)
			}
			if refusals.Overridable() != tc.overridable || (entries.Len() > 0) != tc.overridable {
				t.Errorf("overridable is %v with %d entries, want %v", refusals.Overridable(), entries.Len(), tc.overridable)
			}
			if refusals[0].What == "" || refusals[0].Todo == "" {
				t.Errorf("refusal %+v is not complete", refusals[0])
			}
		})
	}
}

func TestRead_hooksAndCounts(t *testing.T) {
	t.Parallel()
	var calls []string
	entries, report, err := list.Read(strings.NewReader("evil.example\n# note\ncom\nno name\nEVIL.example\nhost/path\n*evil*.example\n"),
		list.Options{Format: feed.Plain, Category: "phishing"}, defaultGuards(), list.Hooks{
			OnReject: func(e feed.LineError) { calls = append(calls, fmt.Sprintf("reject %d", e.Line)) },
			OnSkip:   func(s feed.SkippedLine) { calls = append(calls, fmt.Sprintf("skip %d", s.Line)) },
			OnDrop: func(d list.Drop) {
				calls = append(calls, fmt.Sprintf("drop %d %s %s %s", d.Line, d.Entry, d.Scope, d.Reason))
			},
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"drop 3 com subtree single_label", "reject 4", "skip 7"} {
		if !strings.Contains(strings.Join(calls, "; "), want) {
			t.Errorf("hooks were called for %q, want %q among them", calls, want)
		}
	}
	total := report.Names + report.Repeats + report.Dropped[list.DropSingleLabel]
	if total != report.Accepted || report.Repeats != 1 || entries.Len() != report.Names {
		t.Errorf("report is %+v", report)
	}
}

// Expired entries stay in the list, because its length is compared with later ones, but they are
// not counted as entries that match.
func TestRead_expired(t *testing.T) {
	t.Parallel()
	const csv = "domain,valid_until\nnever.example,\nlive.example,2026-03-01\nended.example,2026-02-28\nnow.example,2026-02-28T12:00:00Z\n" +
		"again.example,2020-01-01\nagain.example,2026-04-01\ntwice.example,2020-01-01\ntwice.example,2020-01-02\n"
	guards := defaultGuards()
	guards.Now = time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	entries, report, err := list.Read(strings.NewReader(csv), list.Options{}, guards, list.Hooks{})
	if err != nil || entries.Len() != 6 || report.Names != 3 || report.Expired != 3 || report.Repeats != 2 || report.Warning() != "" {
		t.Errorf("%v, %d entries, %+v, warning %q", err, entries.Len(), report, report.Warning())
	}

	guards.Now = guards.Now.AddDate(1, 0, 0)
	ended := strings.Replace(csv, "never.example,\n", "", 1)
	_, report, err = list.Read(strings.NewReader(ended), list.Options{}, guards, list.Hooks{})
	if err != nil || report.Names != 0 || report.Expired != 5 || report.Warning() != "most of the list is not used: 5 expired" {
		t.Errorf("%v, %+v, warning %q", err, report, report.Warning())
	}
}

func TestSummary_Warning(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want string
	}{
		{"a.example\nb.example\n", ""},
		{"a.example\npastebin.com\n", ""}, // half
		{"a.example\na.example\na.example\npastebin.com\n", ""},
		{"a.example\npastebin.com\ngithub.com\n", "most of the list is not used: 2 dropped"},
		{"a.example\nb.example\npastebin.com\nno name\nno name\n", "most of the list is not used: 2 rejected, 1 dropped"},
		{"a.example\n/path\n/path\n/path\n", ""}, // skipped on purpose
	} {
		_, report, err := list.Read(strings.NewReader(tc.in), list.Options{Format: feed.Plain}, defaultGuards(), list.Hooks{})
		if got := report.Warning(); err != nil || got != tc.want {
			t.Errorf("%q: %v, warning %q, want %q", tc.in, err, got, tc.want)
		}
		full := list.Report{Outcome: list.OutcomeAccepted}
		full.AddSummary(&report)
		first, _, _ := strings.Cut(string(full.Text()), "\n")
		if strings.Contains(first, "not used") != (tc.want != "") {
			t.Errorf("%q: the first line of the report is %q", tc.in, first)
		}
	}
}

func TestRead_sortsAndMerges(t *testing.T) {
	t.Parallel()
	const csv = "domain,category,severity,confidence,reference\n" +
		"z.example,spam,low,90,https://lists.example/z\n" +
		"a.example,phishing,high,10,\n" +
		"a.example,malware,high,10,https://lists.example/a\n" +
		"a.example,botnet,low,100,\n"
	entries, report, err := list.Read(strings.NewReader(csv), list.Options{Format: feed.CSV}, defaultGuards(), list.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for entry := range entries.All() {
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

// An interrupted connection does not refuse the list.
func TestRead_readerFails(t *testing.T) {
	t.Parallel()
	_, _, err := list.Read(&cutReader{strings.NewReader("evil.example\n")}, list.Options{}, defaultGuards(), list.Hooks{})
	if refusals := (list.Refusals)(nil); errors.As(err, &refusals) || !errors.Is(err, errCut) {
		t.Errorf("error %v, want one that is not a refusal", err)
	}
}

// cutReader returns an error at the end.
type cutReader struct{ *strings.Reader }

func (r *cutReader) Read(p []byte) (int, error) {
	if r.Len() == 0 {
		return 0, errCut
	}
	return r.Reader.Read(p)
}

// Probe reads until the first entry. A text without one is refused, and a reader that fails is an
// error and no refusal.
func TestProbe(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       list.RefusalCode // "" = an entry can be read
	}{
		{"an entry", "evil.example\n", ""},
		{"an entry among comments", "# one\nevil.example\n", ""},
		{"nothing", "", list.RefusedNoEntries},
		{"comments", "# one\n# two\n", list.RefusedNoEntries},
	} {
		refusals, err := list.Probe(strings.NewReader(tc.text), list.Options{Format: feed.Plain}, defaultGuards())
		var got list.RefusalCode
		if len(refusals) > 0 {
			got = refusals[0].Code
		}
		if err != nil || got != tc.want {
			t.Errorf("%s: got %q, %v, want %q", tc.name, got, err, tc.want)
		}
	}

	refusals, err := list.Probe(iotest.ErrReader(errCut), list.Options{Format: feed.Plain}, defaultGuards())
	if !errors.Is(err, errCut) || refusals != nil {
		t.Errorf("a reader that fails: got %v, %v, want %v", refusals, err, errCut)
	}
}
