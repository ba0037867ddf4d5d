package hunter

import (
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// allVPCs stands for all VPCs in the query for gaps: on its days there are no logs at all.
const allVPCs = "*"

// newGaps returns the rows with which a gap begins: a day without logs after a day with logs. So
// a VPC that is new, or that was deleted, is not reported day after day, and a new stack is not
// reported at all. On a day on which no VPC logged, only the row for all VPCs counts.
//
// The rows have the days without logs; all other days of the period have logs. If the result was
// cut, days at its end are taken for days with logs, so no gap is reported twice.
func newGaps(rows []alert.Row, p period) []alert.Row {
	empty := map[string]map[time.Time]bool{} // days by VPC
	for i := range rows {
		row := &rows[i]
		if empty[row.VPCID] == nil {
			empty[row.VPCID] = map[time.Time]bool{}
		}
		empty[row.VPCID][row.FirstSeen] = true
	}
	return slices.DeleteFunc(rows, func(row alert.Row) bool {
		before := row.FirstSeen.Add(-day)
		isFirst := !before.Before(p.from) && !empty[row.VPCID][before]
		return !isFirst || row.VPCID != allVPCs && empty[allVPCs][row.FirstSeen]
	})
}
