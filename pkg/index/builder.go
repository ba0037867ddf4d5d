package index

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// ErrBuilt reports that a [Builder] was used after it built its index.
var ErrBuilt = errors.New("index was already built: use a new builder")

// Builder collects the entries of feeds. It takes 13 bytes and the text per name, and 40 bytes
// per block of addresses. While it builds, it takes up to 60 bytes and twice the text per name. It
// is not safe for concurrent use.
type Builder struct {
	feeds       []FeedInfo
	feedNumbers map[indicator.FeedID]int
	invalid     []error // feeds that could not be declared

	categories      []indicator.Category
	categoryNumbers map[indicator.Category]int

	names  nameList
	blocks []blockEntry
	built  bool

	last lastEntry
}

// lastEntry remembers what the last entry had, because most entries have the same.
type lastEntry struct {
	feed           indicator.FeedID
	feedNumber     int
	category       indicator.Category
	categoryNumber int
	hasCategory    bool
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

// Feed declares a feed. It must be called before the first entry of the feed is added.
// With vetoesAll, the allow entries of the feed veto the block entries of every feed,
// otherwise only its own. If a feed is declared twice, the last call counts. An invalid id
// is reported by [Builder.Build].
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

// Add adds an entry of a declared feed. It does not keep i. Entries with the same feed and
// [indicator.Key] are merged, and the order of the calls does not matter. Blocks are
// masked, and blocks of IPv4-mapped addresses become IPv4 blocks.
//
// Reference, FirstSeen and ExpiresAt are not stored, so the caller must leave out expired
// entries.
func (b *Builder) Add(feed indicator.FeedID, i *indicator.Indicator) error {
	if b.built {
		return ErrBuilt
	}

	number, known := b.feedNumber(feed)
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

	if err := b.names.add(i.Name.String(), e); err != nil {
		return fmt.Errorf("adding %q of feed %q: %w", i.Value(), feed, err)
	}
	return nil
}

// feedNumber returns the number of a declared feed.
func (b *Builder) feedNumber(feed indicator.FeedID) (number int, known bool) {
	if feed == b.last.feed && feed != "" {
		return b.last.feedNumber, true
	}
	if number, known = b.feedNumbers[feed]; known {
		b.last.feed, b.last.feedNumber = feed, number
	}
	return number, known
}

// check returns an error if i does not fit the fields of an entry or contradicts itself.
func check(i *indicator.Indicator) error {
	isBlock := i.Block.IsValid()
	switch {
	case isBlock == !i.Name.IsZero():
		return errors.New("must have either a name or a block of addresses")
	case isBlock != (i.Scope == indicator.ScopeCIDR):
		return fmt.Errorf("scope %v: blocks of addresses, and only they, have scope cidr", i.Scope)
	}

	// Feed and category 0 are valid here, so this checks the other fields.
	if i.Severity > 0xF || i.Action > 0xF || i.Scope > 0xF || !newEntry(0, 0, i).valid(1, 1) {
		return fmt.Errorf("scope %v, action %v, severity %v, confidence %d: at least one of them is invalid",
			i.Scope, i.Action, i.Severity, i.Confidence)
	}
	return nil
}

// category returns the number of a category, which it adds if it is new.
func (b *Builder) category(c indicator.Category) (number int, err error) {
	if b.last.hasCategory && c == b.last.category {
		return b.last.categoryNumber, nil
	}
	number, known := b.categoryNumbers[c]
	if !known {
		if number, err = b.addCategory(c); err != nil {
			return 0, err
		}
	}
	b.last.category, b.last.categoryNumber, b.last.hasCategory = c, number, true
	return number, nil
}

func (b *Builder) addCategory(c indicator.Category) (number int, err error) {
	if len(b.categories) == maxCategories || len(c) > math.MaxUint8 {
		return 0, fmt.Errorf("category %.64q: longer than %d bytes, or more than %d categories",
			c, math.MaxUint8, maxCategories)
	}
	number = len(b.categories)
	b.categoryNumbers[c] = number
	b.categories = append(b.categories, c)
	return number, nil
}

// normalBlock returns a block in the form that addresses are looked up in.
func normalBlock(block netip.Prefix) netip.Prefix {
	const mappedBits = 96
	if block.Addr().Is4In6() && block.Bits() >= mappedBits {
		block = netip.PrefixFrom(block.Addr().Unmap(), block.Bits()-mappedBits)
	}
	return block.Masked()
}

// Options set the header fields of an index file.
type Options struct {
	Generation uint64
	// Seed is the seed of the hashes. 0 means a random seed, so that nobody can choose
	// names whose hashes collide. Two builds with the same entries and seed give the same
	// bytes.
	Seed uint64
	// BuiltAt is the build time, stored in seconds. Zero means that it is not known.
	BuiltAt time.Time
}

// Build returns the index file with all entries that were added. The builder cannot be
// used afterwards: a second call returns [ErrBuilt].
func (b *Builder) Build(o Options) ([]byte, error) {
	if b.built {
		return nil, ErrBuilt
	}

	b.built = true
	if err := errors.Join(b.invalid...); err != nil {
		return nil, fmt.Errorf("building an index: %w", err)
	}

	h := &header{Generation: o.Generation, Seed: o.Seed}
	if h.Seed == 0 {
		h.Seed = randomSeed()
	}

	if !o.BuiltAt.IsZero() {
		h.BuiltAt = o.BuiltAt.Unix()
	}

	sections, err := b.sections(h)
	if err != nil {
		return nil, fmt.Errorf("building an index: %w", err)
	}
	return encodeFile(h, sections)
}

func randomSeed() (seed uint64) {
	var random [8]byte
	for seed == 0 {
		rand.Read(random[:]) // never fails
		seed = binary.LittleEndian.Uint64(random[:])
	}
	return seed
}

// keyGroup is a name and the number of its group.
type keyGroup struct{ key, group uint32 }

// sections encodes all entries, and sets the counts of names and the content hash in h. One
// goroutine encodes the names while another one builds the filters.
func (b *Builder) sections(h *header) (*[sectionCount][]byte, error) {
	if err := b.names.sortPending(); err != nil {
		return nil, err
	}
	if total := b.names.len() + len(b.blocks); total > math.MaxUint32 {
		return nil, fmt.Errorf("%d entries, at most %d", total, math.MaxUint32)
	}

	sections := new([sectionCount][]byte)
	names, numbers := b.encodeEntries(sections)
	keys := &b.names.sorted
	h.Names = bounded(len(names))
	if len(names) >= manyNames {
		runtime.GC()
	}

	var filters sync.WaitGroup
	var filtersErr error
	filters.Go(func() { filtersErr = encodeFilters(h, keys, names, sections) })
	encodeNames(keys, names, numbers, sections)
	h.ContentHash = contentHash(sections)
	filters.Wait()

	if len(sections[sectionNames]) > math.MaxUint32 {
		return nil, errTooManyNames
	}
	return sections, filtersErr
}

// manyNames is the number of names from which the builder collects garbage before it builds
// the filters. The entries were just freed, and the filters need about as much memory again. A
// collection takes little time, because the arrays of a builder have no pointers.
const manyNames = 1 << 20

// encodeEntries encodes feeds, categories, groups and blocks. It returns the names with the
// numbers of their groups, and the final numbers of the groups.
func (b *Builder) encodeEntries(sections *[sectionCount][]byte) (names []keyGroup, numbers []uint32) {
	feeds, categories := b.renumber()
	var groups groupSet
	names = b.groupNames(&groups, feeds, categories)
	blocks, blockGroups := b.groupBlocks(&groups, feeds, categories)
	if len(b.blocks) > 0 {
		sections[sectionReach] = b.measureReach().encode()
	}
	b.blocks = nil // frees its memory for the rest of the build

	numbers = groups.sort()
	b.categories = dropUnused(b.categories, groups.lists)
	for i := range blockGroups {
		blockGroups[i] = numbers[blockGroups[i]]
	}

	sections[sectionFeeds] = encodeFeeds(b.feeds)
	sections[sectionCategories] = encodeCategories(b.categories)
	sections[sectionGroupOffsets], sections[sectionGroupEntries] = groups.encode()

	firstIPv6 := len(blocks)
	if i := slices.IndexFunc(blocks, isIPv6); i >= 0 {
		firstIPv6 = i
	}
	sections[sectionIPv4] = encodeAddresses(blocks[:firstIPv6], blockGroups[:firstIPv6])
	sections[sectionIPv6] = encodeAddresses(blocks[firstIPv6:], blockGroups[firstIPv6:])
	return names, numbers
}

func isIPv6(block netip.Prefix) bool { return block.Addr().Is6() }

// renumber sorts feeds and categories, so that the file does not depend on the order in which
// they were added. It returns their new numbers by their old ones.
func (b *Builder) renumber() (feeds, categories []int) {
	feeds = sortNumbered(b.feeds, func(x, y FeedInfo) int {
		return strings.Compare(string(x.ID), string(y.ID))
	})
	return feeds, sortNumbered(b.categories, cmp.Compare)
}

// sortNumbered sorts items and returns the new index of each item by its old index.
func sortNumbered[T any](items []T, compare func(x, y T) int) []int {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return compare(items[x], items[y]) })
	sorted, numbers := make([]T, len(items)), make([]int, len(items))
	for number, old := range order {
		sorted[number], numbers[old] = items[old], number
	}
	copy(items, sorted)
	return numbers
}

// groupNames groups the entries on the same name, in the order of their keys. It takes the
// entries out of the builder.
func (b *Builder) groupNames(groups *groupSet, feeds, categories []int) []keyGroup {
	names := make([]keyGroup, 0, b.names.len())
	var list []entry
	b.names.each(func(key uint32, entries []entry) {
		list = list[:0]
		for _, e := range entries {
			list = append(list, e.renumbered(feeds, categories))
		}
		if len(list) > 1 {
			list = mergeRepeats(list)
		}
		for _, e := range list {
			b.feeds[e.feed()].Names++
		}
		names = append(names, keyGroup{key, groups.add(list)})
	})
	return names
}

// groupBlocks does the same for blocks of addresses.
func (b *Builder) groupBlocks(groups *groupSet, feeds, categories []int) (blocks []netip.Prefix, numbers []uint32) {
	for i := range b.blocks {
		b.blocks[i].entry = b.blocks[i].entry.renumbered(feeds, categories)
	}
	slices.SortFunc(b.blocks, func(x, y blockEntry) int {
		return cmp.Or(
			cmp.Compare(x.block.Addr().BitLen(), y.block.Addr().BitLen()),
			cmp.Compare(x.block.Bits(), y.block.Bits()),
			x.block.Addr().Compare(y.block.Addr()),
		)
	})

	var list []entry
	for start := 0; start < len(b.blocks); {
		block := b.blocks[start].block
		list = list[:0]
		next := start
		for next < len(b.blocks) && b.blocks[next].block == block {
			list = append(list, b.blocks[next].entry)
			next++
		}
		list = mergeRepeats(list)
		for _, e := range list {
			b.feeds[e.feed()].Addresses++
		}
		blocks, numbers = append(blocks, block), append(numbers, groups.add(list))
		start = next
	}
	return blocks, numbers
}

// mergeRepeats sorts the entries on one name or block and merges those with the same key.
func mergeRepeats(list []entry) []entry {
	slices.Sort(list)
	merged := list[:0]
	for _, e := range list {
		if last := len(merged) - 1; last >= 0 && merged[last].key() == e.key() {
			merged[last] = merge(merged[last], e)
			continue
		}
		merged = append(merged, e)
	}
	return merged
}

// dropUnused returns the categories that are still in use after merging, and renumbers the
// entries. The order of categories, and so of entries, does not change.
func dropUnused(categories []indicator.Category, lists [][]entry) (used []indicator.Category) {
	numbers := make([]int, len(categories))
	for _, list := range lists {
		for _, e := range list {
			numbers[e.category()] = 1
		}
	}

	for old, c := range categories {
		if numbers[old] == 1 {
			numbers[old] = len(used)
			used = append(used, c)
		}
	}

	for _, list := range lists {
		for i, e := range list {
			list[i] = e - entry(e.category()) + entry(numbers[e.category()]) //nolint:gosec // a category number
		}
	}
	return used
}
