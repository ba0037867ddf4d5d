package hunter_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A gap is reported on the day on which it begins. A VPC that never logged, that is new, or that
// is gone for days has none; neither has a stack without logs.
func TestHunter_Invoke_coverage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		logs map[string]string // by VPC, a letter for each of the seven days: x has logs
		want []string
	}{
		{"all days", map[string]string{"*": "xxxxxxx", "vpc-1": "xxxxxxx"}, nil},
		{"no logs at all", map[string]string{"*": "......."}, nil},
		{"first day of a stack", map[string]string{"*": "......x", "vpc-1": "......x"}, nil},
		{"a VPC is new", map[string]string{"*": "xxxxxxx", "vpc-1": "xxxxxxx", "vpc-2": "....xxx"}, nil},
		{"stopped yesterday", map[string]string{"*": "xxxxxxx", "vpc-1": "xxxxxxx", "vpc-2": "xxxxxx."}, []string{"vpc-2 2026-11-29"}},
		{"stopped days ago", map[string]string{"*": "xxxxxxx", "vpc-1": "xxxxxxx", "vpc-2": "xx....."}, []string{"vpc-2 2026-11-25"}},
		{"stopped before the period", map[string]string{"*": "xxxxxxx", "vpc-1": "xxxxxxx", "vpc-2": "......."}, nil},
		{"two gaps", map[string]string{"*": "xxxxxxx", "vpc-1": "xxxxxxx", "vpc-2": "x..x.xx"}, []string{"vpc-2 2026-11-24", "vpc-2 2026-11-27"}},
		{"everything stopped", map[string]string{"*": "xxx..xx", "vpc-1": "xxx..xx", "vpc-2": "xxx..xx"}, []string{"* 2026-11-26"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var rows []string
			for i := range 7 {
				for vpc, days := range tc.logs {
					if days[i] == '.' {
						rows = append(rows, fmt.Sprintf("2026-11-%d|%s|-", 23+i, vpc))
					}
				}
			}
			slices.Sort(rows)
			w := newWorld()
			w.queries["coverage"], w.result = bounded, result("day|vpc_id|last_logged", rows...)
			w.invoke(t, "1", `{"query":"coverage"}`)
			var got []string
			for _, row := range w.rows(t) {
				got = append(got, row.VPCID+" "+row.Indicator)
				if row.Scope != "coverage" || row.Severity != "medium" || row.SrcAddr != "" {
					t.Errorf("row %+v", row)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
		})
	}
}
