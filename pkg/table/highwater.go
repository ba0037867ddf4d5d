package table

import (
	"slices"
	"time"
)

// highWaterDays is how many days before the current one a [HighWater] covers.
const highWaterDays = 7

// HighWater is how many entries of a feed were in effect within the last days. A list that loses
// entries in steps that are small enough one by one is compared with the highest of them. The
// zero HighWater knows nothing yet.
type HighWater struct {
	Day     int64 // days since 1970 of the last record
	Serving int   // of the list that was recorded last
	// Daily is the highest number of the day of the last record, and of the days before it.
	Daily [1 + highWaterDays]int
}

// Highest returns the highest number of the last seven days, or 0 if it is not known.
func (h HighWater) Highest(now time.Time) int {
	h = h.until(now)
	return slices.Max(h.Daily[:])
}

// Record returns the high-water mark after a list with this number of entries was accepted.
func (h HighWater) Record(entries int, now time.Time) HighWater {
	h = h.until(now)
	h.Serving = entries
	h.Daily[0] = max(h.Daily[0], entries)
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
