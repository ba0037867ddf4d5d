package table

import (
	"time"
)

// highWaterDays is how many days before the current one a [HighWater] covers.
const highWaterDays = 7

// HighWater is what the feed served within the last days. A list that loses or replaces entries
// in steps that are small enough one by one is compared with that. The zero HighWater knows
// nothing yet.
type HighWater struct {
	Day     int64  // days since 1970 of the last record
	Serving Served // the list that was recorded last
	// Daily is the day of the last record and the days before it: the highest number of
	// entries, and the snapshot that served when the day began.
	Daily [1 + highWaterDays]Served
}

// Served is the snapshot of a list and how many of its entries were in effect.
type Served struct {
	Entries  int
	Snapshot string
}

// Highest returns the highest number of entries within the last seven days, or 0 if it is not
// known.
func (h HighWater) Highest(now time.Time) (highest int) {
	for _, served := range h.until(now).Daily {
		highest = max(highest, served.Entries)
	}
	return highest
}

// Oldest returns the key of the snapshot that served seven days ago. If the feed is younger, it
// is the first one. The key is empty if it is not known.
func (h HighWater) Oldest(now time.Time) (key string) {
	for _, served := range h.until(now).Daily {
		if served.Snapshot != "" {
			key = served.Snapshot
		}
	}
	return key
}

// Snapshots returns the keys that [HighWater.Oldest] may return later.
func (h HighWater) Snapshots() (keys []string) {
	for _, served := range append(h.Daily[:], h.Serving) {
		if served.Snapshot != "" {
			keys = append(keys, served.Snapshot)
		}
	}
	return keys
}

// Record returns the high-water mark after a list was accepted.
func (h HighWater) Record(accepted Served, now time.Time) HighWater {
	h = h.until(now)
	h.Serving = accepted
	h.Daily[0].Entries = max(h.Daily[0].Entries, accepted.Entries)
	if h.Oldest(now) == "" {
		h.Daily[0].Snapshot = accepted.Snapshot
	}
	return h
}

// Rebase returns the high-water mark of a feed whose list is read with other settings. The
// earlier snapshots have other entries for the same list, so the new one takes their place.
func (h HighWater) Rebase(snapshot string) HighWater {
	for i := range h.Daily {
		h.Daily[i].Snapshot = ""
	}
	h.Daily[0].Snapshot = snapshot
	return h
}

// until moves the days to now. The list that was recorded last served on all days since then. A
// clock that is behind the last record does not move them.
func (h HighWater) until(now time.Time) HighWater {
	const day = 24 * time.Hour
	today := now.Unix() / int64(day/time.Second)
	passed := min(today-h.Day, int64(len(h.Daily)))
	if passed <= 0 {
		return h
	}

	copy(h.Daily[passed:], h.Daily[:])
	for i := range passed {
		h.Daily[i] = h.Serving
	}
	h.Day = today
	return h
}
