package importer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func TestGuards_ownLists(t *testing.T) {
	t.Parallel()
	const name, subtree = indicator.ScopeName, indicator.ScopeSubtree
	guards := defaultGuards()
	guards.TopListRanks = 3
	for _, list := range []struct {
		read func(text string) error
		text string
	}{
		{func(text string) error { return guards.ReadProtected(strings.NewReader(text)) },
			"corp.example\n198.51.100.0/24 # ours\n"},
		{func(text string) error { return guards.ReadProtected(strings.NewReader(text)) }, "0.0.0.0 www.partner.example\n"},
		{func(text string) error { return guards.ReadShared(strings.NewReader(text)) }, "files.example\n"},
		{func(text string) error { return guards.ReadShared(strings.NewReader(text)) }, "0.0.0.0 pages.example\n"},
		{func(text string) error { return guards.ReadTop(strings.NewReader(text)) },
			"1,first.example\n2,not a name\n3,second.example\n4,cdn.third.example\n5,fourth.example\n"},
	} {
		if err := list.read(list.text); err != nil {
			t.Fatalf("%q: %v", list.text, err)
		}
	}
	for _, tc := range []struct {
		entry string
		scope indicator.Scope
		want  importer.DropReason
	}{
		{"corp.example", name, importer.DropProtected},
		{"a.corp.example", name, importer.DropProtected},
		{"198.51.100.7", 0, importer.DropProtected},
		{"198.51.0.0/16", 0, importer.DropProtected},
		{"203.0.113.7", 0, ""},
		{"www.partner.example", name, importer.DropProtected},
		{"partner.example", subtree, importer.DropProtected},
		{"partner.example", name, ""},
		{"a.www.partner.example", name, ""},
		{"files.example", name, importer.DropSharedHost},
		{"a.files.example", name, ""},
		{"a.files.example", subtree, importer.DropSharedHost},
		{"pages.example", name, importer.DropSharedHost},
		{"a.pages.example", subtree, ""},
		{"first.example", name, importer.DropTopList},
		{"a.first.example", subtree, ""},
		{"second.example", subtree, importer.DropTopList},
		{"third.example", subtree, importer.DropTopList},
		{"third.example", name, ""},
		{"fourth.example", subtree, ""}, // beyond the ranks
	} {
		if got := dropped(t, tc.entry, importer.FeedSettings{Scope: tc.scope}, guards); got != tc.want {
			t.Errorf("%s %v: dropped as %q, want %q", tc.entry, tc.scope, got, tc.want)
		}
	}
}

func TestGuards_ownListsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "corp.example\nno name at all\n", "<html>503</html>"} {
		guards := defaultGuards()
		if err := guards.ReadProtected(strings.NewReader(text)); err == nil {
			t.Errorf("%q protects nothing, and no error says so", text)
		}
	}
}

func TestImporter_Handle_guardLists(t *testing.T) {
	t.Parallel()
	const key, protected = "feeds/f/list.txt", "guards/protected/ours.txt"
	w := newWorld()
	w.put(key, "evil.example\npartner.example\nshop.example\n")
	w.handle(t, keys(key)...)

	w.put(protected, "partner.example\n")
	w.put("guards/top/list.csv", "1,shop.example\n")
	w.handle(t, keys(protected)...)
	wantEqual(t, "served with both lists", w.served(t), "f block subtree evil.example")
	report := w.report(t, "f/v1")
	if report.Dropped[importer.DropProtected] != 1 || report.Dropped[importer.DropTopList] != 1 {
		t.Errorf("report is %+v", report)
	}

	w.put(protected, "partner.example\noops not a name\n")
	w.handle(t, keys(protected)...)
	wantEqual(t, "served with a bad list", w.served(t), "f block subtree evil.example")
	report = w.report(t, "f/v1")
	if report.Outcome != importer.OutcomeRefused || report.Refusals[0].Code != importer.RefusedGuardList ||
		!strings.Contains(report.Refusals[0].What, `"guards/protected/ours.txt" for the guards cannot be read: line 2`) {
		t.Errorf("report is %+v", report)
	}

	w.put("guards/other/list.txt", "partner.example\n")
	w.remove(protected)
	w.handle(t, keys(protected)...)
	if what := w.report(t, "f/v1").Refusals[0].What; !strings.Contains(what, "must lie under guards/protected/") {
		t.Errorf("refused because %q", what)
	}

	w.remove("guards/other/list.txt")
	w.handle(t, scheduled())
	wantEqual(t, "served without it", w.served(t),
		lines("f block subtree evil.example", "f block subtree partner.example"))
}

// The guards that the user has by setting and by list hold together.
func TestNewGuards_andLists(t *testing.T) {
	t.Parallel()
	guards, err := importer.NewGuards(settings.DefaultGuards(), []string{"corp.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := guards.ReadProtected(strings.NewReader("corp.test\n")); err != nil {
		t.Fatal(err)
	}
	for _, entry := range []string{"a.corp.example", "a.corp.test"} {
		if got := dropped(t, entry, importer.FeedSettings{}, guards); got != importer.DropProtected {
			t.Errorf("%s: dropped as %q", entry, got)
		}
	}
}

func TestReadList_expectedEntries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		head string
		want string
	}{
		{"", "taken"},
		{"# Entries: 100\n", "taken"},
		{"# Entries: 111\n", "taken"}, // 90 %
		{"# Entries: 112\n", "cut_off"},
		{"# Number of entries: 1,200\n", "cut_off"},
		{"! Total number of unique domains : 5000 \n", "cut_off"},
		{"#end count=112\n", "cut_off"},
		{"# Version: 5000\n", "taken"},
		{"# Entries: many\n", "taken"},
		{"# Entries: 5000 or so\n", "taken"},
	} {
		_, report, err := importer.ReadList(strings.NewReader(tc.head+numbered("name", 100)), importer.FeedSettings{},
			defaultGuards(), importer.Hooks{})
		got := "taken"
		var refusals importer.Refusals
		if errors.As(err, &refusals) {
			got = string(refusals[0].Code)
		}
		if got != tc.want {
			t.Errorf("%q: %s, want %s (%d expected)", tc.head, got, tc.want, report.Expected)
		}
	}
}
