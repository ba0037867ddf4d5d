package list_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
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
		want  list.DropReason
	}{
		{"corp.example", name, list.DropProtected},
		{"a.corp.example", name, list.DropProtected},
		{"198.51.100.7", 0, list.DropProtected},
		{"198.51.0.0/16", 0, list.DropProtected},
		{"203.0.113.7", 0, ""},
		{"www.partner.example", name, list.DropProtected},
		{"partner.example", subtree, list.DropProtected},
		{"partner.example", name, ""},
		{"a.www.partner.example", name, ""},
		{"files.example", name, list.DropSharedHost},
		{"a.files.example", name, ""},
		{"a.files.example", subtree, list.DropSharedHost},
		{"pages.example", name, list.DropSharedHost},
		{"a.pages.example", subtree, ""},
		{"first.example", name, list.DropTopList},
		{"a.first.example", subtree, ""},
		{"second.example", subtree, list.DropTopList},
		{"third.example", subtree, list.DropTopList},
		{"third.example", name, ""},
		{"fourth.example", subtree, ""}, // beyond the ranks
	} {
		if got := dropped(t, tc.entry, list.Options{Scope: tc.scope}, guards); got != tc.want {
			t.Errorf("%s %v: dropped as %q, want %q", tc.entry, tc.scope, got, tc.want)
		}
	}
}

func TestGuards_ownListsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "corp.example\nno name at all\n", "<html>503</html>"} {
		guards := defaultGuards()
		if err := guards.ReadProtected(strings.NewReader(text)); err == nil {
			t.Errorf("no error for a list that protects nothing: %q", text)
		}
	}
}

// Protected zones of the settings and of guard lists apply together.
func TestNewGuards_andLists(t *testing.T) {
	t.Parallel()
	guards, err := list.NewGuards(settings.DefaultGuards(), []string{"corp.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := guards.ReadProtected(strings.NewReader("corp.test\n")); err != nil {
		t.Fatal(err)
	}
	for _, entry := range []string{"a.corp.example", "a.corp.test"} {
		if got := dropped(t, entry, list.Options{}, guards); got != list.DropProtected {
			t.Errorf("%s: dropped as %q", entry, got)
		}
	}
}

func TestRead_expectedEntries(t *testing.T) {
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
		_, report, err := list.Read(strings.NewReader(tc.head+numbered("name", 100)), list.Options{},
			defaultGuards(), list.Hooks{})
		got := "taken"
		var refusals list.Refusals
		if errors.As(err, &refusals) {
			got = string(refusals[0].Code)
		}
		if got != tc.want {
			t.Errorf("%q: %s, want %s (%d expected)", tc.head, got, tc.want, report.Expected)
		}
	}
}

// Guard lists are in memory while lists are read, so they are bounded too.
func TestGuards_ReadOwnList_tooManyNames(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"guards/protected/a.txt", "guards/shared/a.txt", "guards/top/a.txt"} {
		guards := defaultGuards()
		guards.Memory = 4 << 20
		guards.TopListRanks = 100_000
		err := guards.ReadOwnList(key, strings.NewReader(numbered("name", 10_000)))
		if !list.IsBadList(err) || !strings.Contains(err.Error(), "more names than the importer has memory for") {
			t.Errorf("%s: error %v", key, err)
		}
		guards.Memory = 64 << 20
		if err := guards.ReadOwnList(key, strings.NewReader(numbered("name", 10_000))); err != nil {
			t.Errorf("%s, with more memory: %v", key, err)
		}
	}
}
