package alert_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

func row() alert.Row {
	return alert.Row{
		AccountID: "111122223333", VPCID: "vpc-1", SrcAddr: "10.0.0.1", Indicator: "evil.example", Scope: "subtree",
		Severity: "high", Records: 1,
	}
}

// The id depends on the host and the indicator, and on nothing else. A text never runs into the
// next one.
func TestRow_ID(t *testing.T) {
	t.Parallel()
	first, later, shifted := row(), row(), row()
	later.Matched, later.Severity, later.Records, later.Instance = "www.evil.example", "low", 7, "i-1"
	if first.ID() != later.ID() || len(first.ID()) != 32 {
		t.Errorf("ids %q and %q of the same match", first.ID(), later.ID())
	}
	shifted.SrcAddr, shifted.Indicator = `10.0.0.1" "evil.example`, ""
	for name, other := range map[string]alert.Row{
		"account":   {VPCID: "vpc-1", SrcAddr: "10.0.0.1", Indicator: "evil.example", Scope: "subtree"},
		"host":      {AccountID: "111122223333", VPCID: "vpc-1", SrcAddr: "10.0.0.2", Indicator: "evil.example", Scope: "subtree"},
		"indicator": {AccountID: "111122223333", VPCID: "vpc-1", SrcAddr: "10.0.0.1", Indicator: "vil.example", Scope: "subtree"},
		"scope":     {AccountID: "111122223333", VPCID: "vpc-1", SrcAddr: "10.0.0.1", Indicator: "evil.example", Scope: "name"},
		"quotes":    shifted,
	} {
		if other.ID() == first.ID() {
			t.Errorf("%s: another match has the same id", name)
		}
	}
}

func TestRow_Merge(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	early, late := row(), row()
	early.FirstSeen, early.LastSeen, early.Records, early.Matched = noon, noon.Add(time.Minute), 2, "a.evil.example"
	late.FirstSeen, late.LastSeen, late.Records, late.Matched = noon.Add(30*time.Second), noon.Add(time.Hour), 3, "b.evil.example"
	want := late
	want.FirstSeen, want.Records = noon, 5
	for _, order := range [][2]alert.Row{{early, late}, {late, early}} {
		got := order[0]
		got.Merge(&order[1])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("merged (-want +got):\n%s", diff)
		}
	}
}

// A row says that the firewall acted only if it acted on all of its records.
func TestRow_Merge_firewall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ a, b, want string }{
		{"", "", ""}, {"", "BLOCK", ""}, {"", "ALERT", ""},
		{"ALERT", "BLOCK", "ALERT"}, {"ALERT", "ALERT", "ALERT"}, {"BLOCK", "BLOCK", "BLOCK"},
	} {
		for _, order := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			first, second := row(), row()
			first.Firewall, second.Firewall, second.LastSeen = order[0], order[1], first.LastSeen.Add(time.Minute)
			if first.Merge(&second); first.Firewall != tt.want {
				t.Errorf("%q and %q became %q, want %q", order[0], order[1], first.Firewall, tt.want)
			}
		}
	}
}
