package index

import (
	"encoding/binary"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// flagVetoesAll marks a feed whose allow entries veto those of every feed.
const flagVetoesAll = 1

// feedHeader is the size of a feed in its section, without the id.
const feedHeader = 10

// FeedInfo describes a feed of an index.
type FeedInfo struct {
	ID        indicator.FeedID
	VetoesAll bool // its allow entries veto the entries of every feed
	Names     int  // entries on names
	Addresses int  // entries on addresses and blocks
}

func encodeFeeds(feeds []FeedInfo) (section []byte) {
	for _, f := range feeds {
		flags := byte(0)
		if f.VetoesAll {
			flags = flagVetoesAll
		}
		section = append(section, flags, byte(len(f.ID))) //nolint:gosec // at most 64
		section = binary.LittleEndian.AppendUint32(section, bounded(f.Names))
		section = binary.LittleEndian.AppendUint32(section, bounded(f.Addresses))
		section = append(section, f.ID...)
	}
	return section
}

func decodeFeeds(section []byte) (feeds []FeedInfo, ok bool) {
	for len(section) > 0 {
		if len(section) < feedHeader || len(section) < feedHeader+int(section[1]) {
			return nil, false
		}
		end := feedHeader + int(section[1])
		id, err := indicator.NewFeedID(string(section[feedHeader:end]))
		if err != nil || len(feeds) == maxFeeds {
			return nil, false
		}
		feeds = append(feeds, FeedInfo{
			ID:        id,
			VetoesAll: section[0]&flagVetoesAll != 0,
			Names:     int(binary.LittleEndian.Uint32(section[2:])),
			Addresses: int(binary.LittleEndian.Uint32(section[6:])),
		})
		section = section[end:]
	}
	return feeds, true
}

func encodeCategories(categories []indicator.Category) []byte {
	section := binary.LittleEndian.AppendUint32(nil, bounded(len(categories)))
	end := 0
	for _, c := range categories {
		section = binary.LittleEndian.AppendUint32(section, bounded(end))
		end += len(c)
	}
	section = binary.LittleEndian.AppendUint32(section, bounded(end))
	for _, c := range categories {
		section = append(section, c...)
	}
	return section
}

// categoryTable gives categories by number. The text is the one part of an index
// that is copied, so that results can be strings.
type categoryTable struct {
	offsets []byte
	text    string
}

func newCategoryTable(section []byte) (categoryTable, bool) {
	if len(section) < 8 {
		return categoryTable{}, false
	}
	count := uint64(binary.LittleEndian.Uint32(section))
	if count > maxCategories || 4*(count+1) > uint64(len(section)-4) { //nolint:gosec // not negative
		return categoryTable{}, false
	}
	end := 4 + 4*(int(count)+1)
	t := categoryTable{section[4:end], string(section[end:])}
	return t, rising(t.offsets, len(t.text))
}

func (t *categoryTable) len() int { return len(t.offsets)/4 - 1 }

func (t *categoryTable) at(i int) indicator.Category {
	bounds := t.offsets[4*i:]
	return indicator.Category(t.text[binary.LittleEndian.Uint32(bounds):binary.LittleEndian.Uint32(bounds[4:])])
}
