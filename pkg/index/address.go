package index

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// addressTable maps blocks of one address family to groups: a sorted array of
// addresses for each prefix length.
type addressTable struct {
	width   int // bytes per address
	section []byte
	lengths []uint8 // prefix lengths that have blocks, longest first
}

// encodeAddresses returns the section of blocks, which must be of one family, masked, and
// sorted by prefix length, then by address.
func encodeAddresses(blocks []netip.Prefix, groups []uint32) []byte {
	if len(blocks) == 0 {
		return nil
	}

	var section []byte
	next := 0
	for length := range blocks[0].Addr().BitLen() + 1 {
		section = binary.LittleEndian.AppendUint32(section, bounded(next))
		for next < len(blocks) && blocks[next].Bits() == length {
			next++
		}
	}

	section = binary.LittleEndian.AppendUint32(section, bounded(next))

	for _, block := range blocks {
		section = append(section, block.Addr().AsSlice()...)
	}

	for _, group := range groups {
		section = binary.LittleEndian.AppendUint32(section, group)
	}
	return section
}

// newAddressTable reads the section of the family whose addresses have width bytes.
func newAddressTable(section []byte, width int) (addressTable, bool) {
	t := addressTable{width: width, section: section}
	if len(section) == 0 {
		return t, true
	}

	if len(section) < t.directory() {
		return addressTable{}, false
	}

	count, blocks := t.len(), len(section)-t.directory()
	if blocks%(width+4) != 0 || blocks/(width+4) != count || !rising(section[:t.directory()], count) {
		return addressTable{}, false
	}

	for length := 8 * width; length >= 0; length-- {
		if start, end := t.blocks(length); start < end {
			t.lengths = append(t.lengths, uint8(length)) //nolint:gosec // at most 128
		}
	}
	return t, true
}

// directory returns the size of the block numbers in front of the addresses.
func (t *addressTable) directory() int { return 4 * (8*t.width + 2) }

func (t *addressTable) len() int {
	if len(t.section) == 0 {
		return 0
	}
	_, end := t.blocks(8 * t.width)
	return end
}

// blocks returns the range of block numbers of a prefix length. end is exclusive.
func (t *addressTable) blocks(length int) (start, end int) {
	bounds := t.section[4*length : 4*length+8]
	return int(binary.LittleEndian.Uint32(bounds)), int(binary.LittleEndian.Uint32(bounds[4:]))
}

// count returns the number of blocks of a prefix length.
func (t *addressTable) count(length int) uint64 {
	if len(t.section) == 0 {
		return 0
	}
	start, end := t.blocks(length)
	return uint64(end - start) //nolint:gosec // not negative
}

func (t *addressTable) address(i int) []byte {
	start := t.directory() + i*t.width
	return t.section[start : start+t.width]
}

func (t *addressTable) group(i int) uint32 {
	return binary.LittleEndian.Uint32(t.section[t.directory()+t.len()*t.width+4*i:])
}

// find appends a hit for each block that contains a, longest prefix first. a must be of
// the table's family.
func (t *addressTable) find(hits []hit, a netip.Addr) []hit {
	for _, length := range t.lengths {
		prefix, err := a.Prefix(int(length))
		if err != nil {
			return hits
		}
		octets := prefix.Addr().As16()
		if i, found := t.search(int(length), octets[16-t.width:]); found {
			hits = append(hits, hit{int(length), t.group(i)})
		}
	}
	return hits
}

// search finds the block with this prefix length that starts at address.
func (t *addressTable) search(length int, address []byte) (number int, found bool) {
	low, high := t.blocks(length)
	end := high
	for low < high {
		middle := int(uint(low+high) >> 1)
		if bytes.Compare(t.address(middle), address) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < end && bytes.Equal(t.address(low), address)
}

// all yields every block with its group, by prefix length, then by address. It returns
// false if yield does.
func (t *addressTable) all(yield func(block netip.Prefix, group uint32) bool) bool {
	if len(t.section) == 0 {
		return true
	}

	for length := range 8*t.width + 1 {
		start, end := t.blocks(length)
		for i := start; i < end; i++ {
			address, _ := netip.AddrFromSlice(t.address(i))
			if !yield(netip.PrefixFrom(address, length), t.group(i)) {
				return false
			}
		}
	}
	return true
}
