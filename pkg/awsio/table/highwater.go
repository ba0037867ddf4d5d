package table

import "github.com/resolverwatch/resolverwatch/pkg/table"

// highWaterItem is the part of a feed's row about what the feed served within the last days. The
// first number and the first snapshot are of the list that serves, the others of each day.
type highWaterItem struct {
	Day       int64    `dynamodbav:"day"`
	Entries   []int    `dynamodbav:"entries"`
	Snapshots []string `dynamodbav:"snapshots"`
}

// newHighWaterItem returns nil for the zero mark.
func newHighWaterItem(mark table.HighWater) *highWaterItem {
	if mark == (table.HighWater{}) {
		return nil
	}
	stored := &highWaterItem{Day: mark.Day}
	for _, served := range append([]table.Served{mark.Serving}, mark.Daily[:]...) {
		stored.Entries = append(stored.Entries, served.Entries)
		stored.Snapshots = append(stored.Snapshots, served.Snapshot)
	}
	return stored
}

// mark returns the zero mark if the item was edited by hand and is not complete. The feed then
// starts a new one.
func (i *highWaterItem) mark() (mark table.HighWater) {
	if i == nil || len(i.Entries) != 1+len(mark.Daily) || len(i.Snapshots) != len(i.Entries) {
		return table.HighWater{}
	}

	mark.Day = i.Day
	mark.Serving = table.Served{Entries: i.Entries[0], Snapshot: i.Snapshots[0]}
	for n := range mark.Daily {
		mark.Daily[n] = table.Served{Entries: i.Entries[1+n], Snapshot: i.Snapshots[1+n]}
	}
	return mark
}
