package index

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/FastFilter/xorfilter"
	"github.com/zeebo/xxh3"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// SlowEntry is an entry of a feed for [SlowBuild]. The feed vetoes all if its id starts
// with "allow".
type SlowEntry struct {
	Feed indicator.FeedID
	indicator.Indicator
}

// SlowBuild builds an index file plainly, by the description of the format: with maps and
// sorts of strings, one step after the other. It is the oracle of [Builder].
func SlowBuild(entries []SlowEntry, o Options) ([]byte, error) {
	s := slowBuild{names: map[string][]entry{}, blocks: map[netip.Prefix][]entry{}}
	s.collect(entries)

	h := &header{Generation: o.Generation, Seed: o.Seed, Names: bounded(len(s.names))}
	sections := new([sectionCount][]byte)
	sections[sectionFeeds] = encodeFeeds(s.feeds)
	sections[sectionCategories] = encodeCategories(s.categories)
	s.encodeGroups(sections)
	s.encodeNames(sections)
	s.encodeBlocks(sections)
	if err := s.encodeFilters(h, sections); err != nil {
		return nil, err
	}
	h.ContentHash = contentHash(sections)
	return encodeFile(h, sections)
}

type slowBuild struct {
	feeds      []FeedInfo
	categories []indicator.Category
	names      map[string][]entry // by key
	blocks     map[netip.Prefix][]entry
	groups     map[string]uint32 // by [groupText]
}

// collect numbers feeds and categories and gathers the merged entries on each name and block.
func (s *slowBuild) collect(entries []SlowEntry) {
	type identity struct {
		feed indicator.FeedID
		key  indicator.Key
	}
	merged := map[identity]indicator.Indicator{}
	ids := map[indicator.FeedID]bool{}
	for _, e := range entries {
		ids[e.Feed] = true
		if e.Block.IsValid() {
			e.Block = normalBlock(e.Block)
		}
		id := identity{e.Feed, e.Key()}
		if first, known := merged[id]; known {
			first.Merge(&e.Indicator)
			e.Indicator = first
		}
		merged[id] = e.Indicator
	}

	used := map[indicator.Category]bool{}
	for _, i := range merged {
		used[i.Category] = true
	}
	s.categories = slices.Sorted(maps.Keys(used))
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		s.feeds = append(s.feeds, FeedInfo{ID: id, VetoesAll: strings.HasPrefix(string(id), "allow")})
	}

	for id, i := range merged {
		feed := slices.IndexFunc(s.feeds, func(f FeedInfo) bool { return f.ID == id.feed })
		e := newEntry(feed, slices.Index(s.categories, i.Category), &i)
		if i.Block.IsValid() {
			s.blocks[i.Block] = append(s.blocks[i.Block], e)
			s.feeds[feed].Addresses++
			continue
		}
		labels := strings.Split(i.Name.String(), ".")
		slices.Reverse(labels)
		key := strings.Join(labels, "\x00")
		s.names[key] = append(s.names[key], e)
		s.feeds[feed].Names++
	}
}

// groupText identifies a set of entries.
func groupText(list []entry) string {
	slices.Sort(list)
	return fmt.Sprintf("%020d", list)
}

func (s *slowBuild) encodeGroups(sections *[sectionCount][]byte) {
	uses, lists := map[string]int{}, map[string][]entry{}
	count := func(list []entry) {
		text := groupText(list)
		uses[text]++
		lists[text] = list
	}
	for _, list := range s.names {
		count(list)
	}
	for _, list := range s.blocks {
		count(list)
	}

	order := slices.SortedFunc(maps.Keys(uses), func(a, b string) int {
		return cmp.Or(cmp.Compare(uses[b], uses[a]), slices.Compare(lists[a], lists[b]))
	})
	s.groups = map[string]uint32{}
	total := uint32(0)
	for number, text := range order {
		s.groups[text] = uint32(number)
		sections[sectionGroupOffsets] = binary.LittleEndian.AppendUint32(sections[sectionGroupOffsets], total)
		for _, e := range lists[text] {
			sections[sectionGroupEntries] = binary.LittleEndian.AppendUint64(sections[sectionGroupEntries], uint64(e))
			total++
		}
	}
	sections[sectionGroupOffsets] = binary.LittleEndian.AppendUint32(sections[sectionGroupOffsets], total)
}

// encodeNames front-codes the keys in blocks, and a directory of the blocks.
func (s *slowBuild) encodeNames(sections *[sectionCount][]byte) {
	var names, directory, offsets []byte
	keys, separators := slices.Sorted(maps.Keys(s.names)), []string(nil)
	for number, key := range keys {
		if number%namesPerBlock == 0 {
			if len(separators)%separatorsPerBlock == 0 {
				offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(directory)))
			}
			before := ""
			if number > 0 {
				before = keys[number-1]
			}
			separators = append(separators, key[:slowPrefix(before, key)+1])
			directory = append(directory, slowCode(separators, len(separators)-1, separatorsPerBlock, len(names))...)
		}
		names = append(names, slowCode(keys, number, namesPerBlock, int(s.groups[groupText(s.names[key])]))...)
	}
	offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(directory)))
	sections[sectionOffsets], sections[sectionDirectory], sections[sectionNames] = offsets, directory, names
}

// slowCode returns the code of keys[i] with its value.
func slowCode(keys []string, i, perBlock, value int) string {
	uvarint := string(binary.AppendUvarint(nil, uint64(value)))
	if i%perBlock == 0 {
		return string([]byte{byte(len(keys[i]))}) + keys[i] + uvarint
	}
	sharedBefore := 0
	if (i-1)%perBlock != 0 {
		sharedBefore = slowPrefix(keys[i-2], keys[i-1])
	}
	shared := slowPrefix(keys[i-1], keys[i])
	rest, change := keys[i][shared:], shared-sharedBefore+7
	if change >= 0 && change <= 14 && len(rest) >= 1 && len(rest) <= 16 {
		return string([]byte{byte(change<<4 | (len(rest) - 1))}) + rest + uvarint
	}
	return string([]byte{0xF0, byte(shared), byte(len(rest))}) + rest + uvarint
}

func slowPrefix(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func (s *slowBuild) encodeBlocks(sections *[sectionCount][]byte) {
	blocks := slices.SortedFunc(maps.Keys(s.blocks), func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(a.Bits(), b.Bits()), a.Addr().Compare(b.Addr()))
	})
	sets := reachSets{feeds: make([]reach.Set, len(s.feeds))}
	encode := func(ofFamily func(netip.Addr) bool) []byte {
		var family []netip.Prefix
		var groups []uint32
		for _, block := range blocks {
			if !ofFamily(block.Addr()) {
				continue
			}
			family, groups = append(family, block), append(groups, s.groups[groupText(s.blocks[block])])
			for _, e := range s.blocks[block] {
				sets.add(block, e)
			}
		}
		return encodeAddresses(family, groups)
	}
	sections[sectionIPv4], sections[sectionIPv6] = encode(netip.Addr.Is4), encode(netip.Addr.Is6)
	if len(blocks) > 0 {
		sections[sectionReach] = sets.measure().encode()
	}
}

// encodeFilters hashes every suffix of two or more labels once, and every name.
func (s *slowBuild) encodeFilters(h *header, sections *[sectionCount][]byte) (err error) {
	var listed, suffixes []uint64
	seen := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(s.names)) {
		labels := strings.Split(key, "\x00")
		slices.Reverse(labels)
		listed = append(listed, xxh3.HashStringSeed(strings.Join(labels, "."), h.Seed))
		if len(labels) == 1 {
			h.SingleLabels++
		}
		for count := 2; count <= len(labels); count++ {
			suffix := strings.Join(labels[len(labels)-count:], ".")
			if !seen[suffix] {
				seen[suffix] = true
				suffixes = append(suffixes, xxh3.HashStringSeed(suffix, h.Seed))
			}
		}
	}
	if sections[sectionSuffixes], err = encodeFilter(new(xorfilter.BinaryFuseBuilder), suffixes); err != nil {
		return err
	}
	sections[sectionListed], err = encodeFilter(new(xorfilter.BinaryFuseBuilder), listed)
	return err
}
