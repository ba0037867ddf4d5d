package index

import "github.com/resolverwatch/resolverwatch/pkg/indicator"

// Limits that the fields of an entry set.
const (
	maxFeeds      = 1 << 16
	maxCategories = 1 << 28
)

// entry is what one feed says of one name or block, as stored: from the highest bit
// feed (16), action (4), scope (4), severity (4), confidence (8), category (28). Feed
// and category are numbers of the file's tables. Its order is by feed, action, scope.
type entry uint64

func newEntry(feed, category int, i *indicator.Indicator) entry {
	return entry(feed)<<48 | entry(i.Action)<<44 | entry(i.Scope)<<40 | //nolint:gosec // below the limits above
		entry(i.Severity)<<36 | entry(i.Confidence)<<28 | entry(category) //nolint:gosec // below the limits above
}

func (e entry) feed() int                        { return int(e >> 48) }
func (e entry) action() indicator.Action         { return indicator.Action(e >> 44 & 0xF) }
func (e entry) scope() indicator.Scope           { return indicator.Scope(e >> 40 & 0xF) }
func (e entry) severity() indicator.Severity     { return indicator.Severity(e >> 36 & 0xF) }
func (e entry) confidence() indicator.Confidence { return indicator.Confidence(e >> 28 & 0xFF) }
func (e entry) category() int                    { return int(e & (maxCategories - 1)) }

// rating orders entries by severity, then by confidence.
func (e entry) rating() uint64 { return uint64(e>>28) & 0xFFF }

// key is what makes two entries on one name repeats of each other.
func (e entry) key() uint64 { return uint64(e >> 40) }

// renumbered returns e with other numbers for its feed and category.
func (e entry) renumbered(feeds, categories []int) entry {
	const fixed = (1<<48 - 1) &^ (maxCategories - 1)
	return e&fixed | entry(feeds[e.feed()])<<48 | entry(categories[e.category()]) //nolint:gosec // as above
}

// merge returns what stands for two entries of one key, by the rule of
// [indicator.Indicator.Merge]: the higher rating, then the smaller category.
func merge(a, b entry) entry {
	if a.rating() == b.rating() {
		return min(a, b)
	}
	return max(a, b)
}

// covers reports whether e reaches a name that lies below labels under its own. A
// CIDR entry reaches every address of its block.
func (e entry) covers(below int) bool {
	return e.scope() == indicator.ScopeCIDR || e.scope().Covers(below)
}

// valid reports whether e has only known numbers, so that readers need not ask.
func (e entry) valid(feeds, categories int) bool {
	return e.feed() < feeds && e.category() < categories &&
		(e.action() == indicator.ActionBlock || e.action() == indicator.ActionAllow) &&
		e.scope() >= indicator.ScopeName && e.scope() <= indicator.ScopeCIDR &&
		e.severity() >= indicator.SeverityLow && e.severity() <= indicator.SeverityCritical &&
		e.confidence() <= maxConfidence
}

const maxConfidence indicator.Confidence = 100
