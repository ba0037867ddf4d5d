package index

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// ErrBuilt reports a second use of a [Builder] that has built its index.
var ErrBuilt = errors.New("index is built: use a new builder")

// Builder collects the entries of feeds. It takes about 36 bytes a name and 40 a
// block of addresses, and about as much again while it builds. It is not safe for
// concurrent use.
type Builder struct {
	feeds       []FeedInfo
	feedNumbers map[indicator.FeedID]int
	invalid     []error // feeds that were declared wrongly

	categories      []indicator.Category
	categoryNumbers map[indicator.Category]int

	arena  arena
	names  []nameEntry
	blocks []blockEntry
	built  bool
}

// blockEntry is an entry on a block of addresses while an index is built.
type blockEntry struct {
	block netip.Prefix
	entry entry
}

// NewBuilder returns a builder without feeds.
func NewBuilder() *Builder {
	return &Builder{
		feedNumbers:     map[indicator.FeedID]int{},
		categoryNumbers: map[indicator.Category]int{},
	}
}

// Feed declares a feed, before its first entry is added. With vetoesAll its allow
// entries veto block entries of every feed, else only its own. Declared again, the
// last word counts. That id is no feed id is reported by [Builder.Build].
func (b *Builder) Feed(id indicator.FeedID, vetoesAll bool) {
	if number, known := b.feedNumbers[id]; known {
		b.feeds[number].VetoesAll = vetoesAll
		return
	}
	if _, err := indicator.NewFeedID(string(id)); err != nil {
		b.invalid = append(b.invalid, err)
		return
	}
	if len(b.feeds) == maxFeeds {
		b.invalid = append(b.invalid, fmt.Errorf("feed %q: more than %d feeds", id, maxFeeds))
		return
	}
	b.feedNumbers[id] = len(b.feeds)
	b.feeds = append(b.feeds, FeedInfo{ID: id, VetoesAll: vetoesAll})
}

// Add adds an entry of a declared feed; i is not kept. Entries of one feed and one
// [indicator.Key] are merged, in whatever order they come. Blocks are masked, and
// blocks of IPv4-mapped addresses become IPv4 blocks.
//
// Reference, FirstSeen and ExpiresAt are not stored: the caller leaves out what has
// expired.
func (b *Builder) Add(feed indicator.FeedID, i *indicator.Indicator) error {
	if b.built {
		return ErrBuilt
	}
	number, known := b.feedNumbers[feed]
	if !known {
		return fmt.Errorf("adding %q: feed %q is not declared", i.Value(), feed)
	}
	if err := check(i); err != nil {
		return fmt.Errorf("adding %q of feed %q: %w", i.Value(), feed, err)
	}
	category, err := b.category(i.Category)
	if err != nil {
		return fmt.Errorf("adding %q of feed %q: %w", i.Value(), feed, err)
	}
	e := newEntry(number, category, i)
	if i.Block.IsValid() {
		b.blocks = append(b.blocks, blockEntry{normalBlock(i.Block), e})
		return nil
	}
	key, err := b.arena.add(i.Name.String())
	if err != nil {
		return fmt.Errorf("adding %q of feed %q: %w", i.Value(), feed, err)
	}
	b.names = append(b.names, nameEntry{key, e})
	return nil
}

// check refuses what the fields of an entry cannot hold or what contradicts itself.
func check(i *indicator.Indicator) error {
	isBlock := i.Block.IsValid()
	switch {
	case isBlock == !i.Name.IsZero():
		return errors.New("must have a name or a block of addresses, and not both")
	case isBlock != (i.Scope == indicator.ScopeCIDR):
		return fmt.Errorf("scope %v: cidr belongs to blocks of addresses, and only there", i.Scope)
	}
	// With feed and category 0, what is left to judge are the other fields.
	if i.Severity > 0xF || i.Action > 0xF || i.Scope > 0xF || !newEntry(0, 0, i).valid(1, 1) {
		return fmt.Errorf("scope %v, action %v, severity %v, confidence %d: one of them is no such thing",
			i.Scope, i.Action, i.Severity, i.Confidence)
	}
	return nil
}

func (b *Builder) category(c indicator.Category) (number int, err error) {
	number, known := b.categoryNumbers[c]
	if known {
		return number, nil
	}
	if len(b.categories) == maxCategories || len(c) > math.MaxUint8 {
		return 0, fmt.Errorf("category %.64q: longer than %d bytes, or more than %d categories",
			c, math.MaxUint8, maxCategories)
	}
	number = len(b.categories)
	b.categoryNumbers[c] = number
	b.categories = append(b.categories, c)
	return number, nil
}

// normalBlock gives a block the form in which addresses are looked up.
func normalBlock(block netip.Prefix) netip.Prefix {
	const mappedBits = 96
	if block.Addr().Is4In6() && block.Bits() >= mappedBits {
		block = netip.PrefixFrom(block.Addr().Unmap(), block.Bits()-mappedBits)
	}
	return block.Masked()
}
