package index

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/FastFilter/xorfilter"
	"github.com/zeebo/xxh3"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// ErrBuilt reports that a [Builder] was used after it built its index.
var ErrBuilt = errors.New("index was already built: use a new builder")

// Builder collects the entries of feeds. It takes about 36 bytes per name and 40 per
// block of addresses, and about as much again while it builds. It is not safe for
// concurrent use.
type Builder struct {
	feeds       []FeedInfo
	feedNumbers map[indicator.FeedID]int
	invalid     []error // feeds that could not be declared

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

// sections encodes all entries and sets the counts of names in h.
func (b *Builder) sections(h *header) (*[sectionCount][]byte, error) {
	if len(b.names)+len(b.blocks) > math.MaxUint32 {
		return nil, fmt.Errorf("%d entries, at most %d", len(b.names)+len(b.blocks), math.MaxUint32)
	}

	b.renumber()
	var groups groupSet
	names := b.groupNames(&groups)
	blocks, blockGroups := b.groupBlocks(&groups)
	sections := new([sectionCount][]byte)
	if len(b.blocks) > 0 {
		sections[sectionReach] = b.measureReach().encode()
	}
	b.names, b.blocks = nil, nil // free their memory for the rest of the build

	numbers := groups.sort()
	b.categories = dropUnused(b.categories, groups.lists)
	for i := range blockGroups {
		blockGroups[i] = numbers[blockGroups[i]]
	}

	sections[sectionFeeds] = encodeFeeds(b.feeds)
	sections[sectionCategories] = encodeCategories(b.categories)
	sections[sectionGroupOffsets], sections[sectionGroupEntries] = groups.encode()
	b.encodeNames(names, numbers, sections)
	if len(sections[sectionNames]) > math.MaxUint32 {
		return nil, errTooManyNames
	}

	firstIPv6 := len(blocks)
	if i := slices.IndexFunc(blocks, isIPv6); i >= 0 {
		firstIPv6 = i
	}
	sections[sectionIPv4] = encodeAddresses(blocks[:firstIPv6], blockGroups[:firstIPv6])
	sections[sectionIPv6] = encodeAddresses(blocks[firstIPv6:], blockGroups[firstIPv6:])

	h.Names = bounded(len(names))
	return sections, b.encodeFilters(h, names, sections)
}

func isIPv6(block netip.Prefix) bool { return block.Addr().Is6() }

// renumber sorts feeds and categories and numbers them in that order, so that the file does
// not depend on the order in which they were added.
func (b *Builder) renumber() {
	feeds := sortNumbered(b.feeds, func(x, y FeedInfo) int {
		return strings.Compare(string(x.ID), string(y.ID))
	})
	categories := sortNumbered(b.categories, cmp.Compare)
	for i := range b.names {
		b.names[i].entry = b.names[i].entry.renumbered(feeds, categories)
	}
	for i := range b.blocks {
		b.blocks[i].entry = b.blocks[i].entry.renumbered(feeds, categories)
	}
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

// groupNames sorts the entries on names and groups the entries on the same name.
func (b *Builder) groupNames(groups *groupSet) []keyGroup {
	b.arena.sort(b.names)
	names := make([]keyGroup, 0, len(b.names))
	var list []entry
	for start := 0; start < len(b.names); {
		key := b.names[start].key
		list = list[:0]
		next := start
		for next < len(b.names) && bytes.Equal(b.arena.key(b.names[next].key), b.arena.key(key)) {
			list = appendMerged(list, b.names[next].entry)
			next++
		}
		for _, e := range list {
			b.feeds[e.feed()].Names++
		}
		names = append(names, keyGroup{key, groups.add(list)})
		start = next
	}
	return names
}

// groupBlocks does the same for blocks of addresses.
func (b *Builder) groupBlocks(groups *groupSet) (blocks []netip.Prefix, numbers []uint32) {
	slices.SortFunc(b.blocks, func(x, y blockEntry) int {
		return cmp.Or(
			cmp.Compare(x.block.Addr().BitLen(), y.block.Addr().BitLen()),
			cmp.Compare(x.block.Bits(), y.block.Bits()),
			x.block.Addr().Compare(y.block.Addr()),
			cmp.Compare(x.entry, y.entry),
		)
	})
	var list []entry
	for start := 0; start < len(b.blocks); {
		block := b.blocks[start].block
		list = list[:0]
		next := start
		for next < len(b.blocks) && b.blocks[next].block == block {
			list = appendMerged(list, b.blocks[next].entry)
			next++
		}
		for _, e := range list {
			b.feeds[e.feed()].Addresses++
		}
		blocks, numbers = append(blocks, block), append(numbers, groups.add(list))
		start = next
	}
	return blocks, numbers
}

// appendMerged appends e, or merges it into the last entry if both have the same key.
func appendMerged(list []entry, e entry) []entry {
	if last := len(list) - 1; last >= 0 && list[last].key() == e.key() {
		list[last] = merge(list[last], e)
		return list
	}
	return append(list, e)
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

// encodeNames writes the sections of the names store.
func (b *Builder) encodeNames(names []keyGroup, numbers []uint32, sections *[sectionCount][]byte) {
	w := newStoreWriter()
	for _, name := range names {
		w.add(b.arena.key(name.key), numbers[name.group])
	}
	w.endBlock()
	sections[sectionOffsets], sections[sectionDirectory] = w.offsets, w.directory.data
	sections[sectionNames] = w.names.data
}

// encodeFilters writes the filters over the names and over their suffixes, and
// counts the names with one label.
func (b *Builder) encodeFilters(h *header, names []keyGroup, sections *[sectionCount][]byte) error {
	listed := make([]uint64, 0, len(names))
	suffixes := make([]uint64, 0, len(names)+len(names)/8)
	var text, previous []byte
	for _, name := range names {
		key := b.arena.key(name.key)
		text = appendText(text[:0], key)
		listed = append(listed, xxh3.HashSeed(text, h.Seed))
		if bytes.IndexByte(key, separator) < 0 {
			h.SingleLabels++
		}
		suffixes = appendSuffixes(suffixes, h.Seed, previous, key, text)
		previous = key
	}

	var builder xorfilter.BinaryFuseBuilder
	var err error
	if sections[sectionSuffixes], err = encodeFilter(&builder, suffixes); err != nil {
		return err
	}

	sections[sectionListed], err = encodeFilter(&builder, listed)
	return err
}

// appendSuffixes appends a hash for each suffix of a name that has two or more labels, unless the
// previous name in key order has the same suffix. The keys of a subtree are adjacent, so each
// suffix is appended once.
func appendSuffixes(dst []uint64, seed uint64, previous, key, text []byte) []uint64 {
	shared, labels := commonPrefix(previous, key), 0
	for i := 0; i <= len(key); i++ {
		if i < len(key) && key[i] != separator {
			continue
		}
		labels++
		known := i <= shared && (i == len(previous) || previous[i] == separator)
		if labels >= 2 && !known {
			dst = append(dst, xxh3.HashSeed(text[len(text)-i:], seed))
		}
	}
	return dst
}

// A builder stores keys in chunks that never move, so that adding a key copies nothing else
// and the place of a key takes four bytes.
const (
	chunkBits  = 20
	chunkBytes = 1 << chunkBits
	maxChunks  = 1 << (32 - chunkBits)
)

var errTooManyNames = errors.New("more than 4 GiB of names")

// arena holds keys. The length of each key precedes it.
type arena struct {
	chunks [][]byte
}

// add stores the key of a name and returns its place.
func (a *arena) add(name string) (place uint32, err error) {
	last := len(a.chunks) - 1
	if last < 0 || len(a.chunks[last])+1+len(name) > chunkBytes {
		if len(a.chunks) == maxChunks {
			return 0, errTooManyNames
		}
		a.chunks = append(a.chunks, make([]byte, 0, chunkBytes))
		last++
	}

	chunk := a.chunks[last]
	place = bounded(last<<chunkBits | len(chunk))
	chunk = append(chunk, byte(len(name))) //nolint:gosec // a name has at most 253 octets
	a.chunks[last] = appendKey(chunk, name)
	return place, nil
}

// key returns the key at a place.
func (a *arena) key(place uint32) []byte {
	chunk := a.chunks[place>>chunkBits][place&(chunkBytes-1):]
	return chunk[1 : 1+int(chunk[0])]
}

// nameEntry is an entry on a name while an index is built.
type nameEntry struct {
	key   uint32 // its place in the arena
	entry entry
}

// sort sorts entries by key, then by entry.
func (a *arena) sort(entries []nameEntry) {
	slices.SortFunc(entries, func(x, y nameEntry) int {
		if c := bytes.Compare(a.key(x.key), a.key(y.key)); c != 0 {
			return c
		}
		return cmp.Compare(x.entry, y.entry)
	})
}
