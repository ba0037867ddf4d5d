package sighting

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// gap is a run of days without logs of a VPC, by their first hours; end is behind the last.
type gap struct {
	vpc        vpcHour // at no hour
	start, end int64
}

// printGaps lists the days without logs, of each VPC and of all, between the first and
// the last day with any. Logs say nothing of VPCs that never logged.
func printGaps(out io.Writer, days map[vpcHour]*hourActivity) {
	const all = "*"
	logged := map[vpcHour]map[int64]bool{}
	for day := range days {
		for _, vpc := range []vpcHour{{account: day.account, vpc: day.vpc}, {vpc: all}} {
			if logged[vpc] == nil {
				logged[vpc] = map[int64]bool{}
			}
			logged[vpc][day.hour] = true
		}
	}
	period := slices.Sorted(maps.Keys(logged[vpcHour{vpc: all}]))
	var gaps []gap
	for vpc, seen := range logged {
		next := period[0] // the day that should come
		for _, day := range append(slices.Sorted(maps.Keys(seen)), period[len(period)-1]+dayHours) {
			if day > next {
				gaps = append(gaps, gap{vpc, next, day})
			}
			next = day + dayHours
		}
	}
	slices.SortFunc(gaps, func(a, b gap) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.vpc.account, b.vpc.account), cmp.Compare(a.vpc.vpc, b.vpc.vpc))
	})
	var rows []table.Row
	for _, g := range gaps {
		rows = append(rows, cells(vpcHour{hour: g.start}.time().Format(time.DateOnly),
			vpcHour{hour: g.end - dayHours}.time().Format(time.DateOnly), thousands(int((g.end-g.start)/dayHours)), g.vpc.vpc))
	}
	printRows(out, "Days without logs (* stands for all VPCs together)", table.Row{"From", "To", "Days", "VPC"}, rows)
}
