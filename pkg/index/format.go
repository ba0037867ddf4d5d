package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"
)

// Versions of the file format. A reader opens the current version and the one before it.
// Version 1 is the first.
const (
	formatVersion = 1
	oldestVersion = 1
)

const (
	headerBytes   = 184
	checksumBytes = 16
	sectionAlign  = 64
)

// The first byte is not ASCII and there are both kinds of line ends, so that a file that
// was damaged by a transfer in text mode is recognised at once.
const magic = "\x89RWX\r\n\x1a\n"

// Errors of [Open], which can also return a [*VersionError].
var (
	ErrNotIndex = errors.New("not an index file")
	ErrCorrupt  = errors.New("corrupt index file")
)

// VersionError reports a file in a format version that this build cannot read.
type VersionError struct{ Version uint32 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("index file has format version %d: this build reads versions %d to %d",
		e.Version, oldestVersion, formatVersion)
}

// section is the number of a section. Sections are in this order in a file.
type section int

const (
	sectionFeeds        section = 0
	sectionCategories   section = 1
	sectionGroupOffsets section = 2
	sectionGroupEntries section = 3
	sectionOffsets      section = 4
	sectionDirectory    section = 5
	sectionNames        section = 6
	sectionIPv4         section = 7
	sectionIPv6         section = 8
	contentSections             = 9 // the sections before it depend only on the entries
	sectionSuffixes     section = 9
	sectionListed       section = 10
	sectionReach        section = 11 // readers before the first release with it ignore it
	sectionCount                = 12
)

var sectionTitles = [sectionCount]string{
	"feeds", "categories", "group offsets", "group entries", "directory offsets", "directory", "names",
	"ipv4", "ipv6", "suffix filter", "name filter", "reach",
}

// header is the start of a file, in the layout of the file.
type header struct {
	Magic        [8]byte
	Version      uint32
	_            uint32
	Length       uint64
	Generation   uint64
	Seed         uint64
	BuiltAt      int64 // Unix seconds
	Names        uint32
	SingleLabels uint32
	ContentHash  [sha256.Size]byte
	Sections     [sectionCount]uint64 // lengths
}

// encodeFile fills in the magic, the version and the lengths in h, and returns the file.
func encodeFile(h *header, sections *[sectionCount][]byte) ([]byte, error) {
	copy(h.Magic[:], magic)
	h.Version = formatVersion
	length := align(headerBytes)
	for i, s := range sections {
		h.Sections[i] = uint64(len(s))
		length = align(length + len(s))
	}

	length += checksumBytes
	h.Length = uint64(length) //nolint:gosec // a length

	file := make([]byte, 0, length)
	file, err := binary.Append(file, binary.LittleEndian, h)
	if err != nil {
		return nil, fmt.Errorf("encoding the index header: %w", err)
	}

	for _, s := range sections {
		file = append(file[:align(len(file))], s...)
	}

	file = file[:align(len(file))]
	sum := xxh3.Hash128(file).Bytes()
	return append(file, sum[:]...), nil
}

// contentHash identifies the content of an index, regardless of its seed, generation and
// build time.
func contentHash(sections *[sectionCount][]byte) (sum [sha256.Size]byte) {
	hash := sha256.New()
	for _, s := range sections[:contentSections] {
		hash.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(s))))
		hash.Write(s)
	}
	hash.Sum(sum[:0])
	return sum
}

// decodeFile verifies the length and checksum of a file and returns its header and sections.
func decodeFile(file []byte) (*header, *[sectionCount][]byte, error) {
	if len(file) < len(magic) || string(file[:len(magic)]) != magic {
		return nil, nil, ErrNotIndex
	}

	h := new(header)
	if _, err := binary.Decode(file, binary.LittleEndian, h); err != nil {
		return nil, nil, fmt.Errorf("%w: the header is truncated", ErrCorrupt)
	}

	if h.Version < oldestVersion || h.Version > formatVersion {
		return nil, nil, &VersionError{h.Version}
	}

	if h.Length != uint64(len(file)) || len(file) < align(headerBytes)+checksumBytes {
		return nil, nil, fmt.Errorf("%w: file has %d bytes, header says %d", ErrCorrupt, len(file), h.Length)
	}

	body := file[:len(file)-checksumBytes]
	if sum := xxh3.Hash128(body).Bytes(); !bytes.Equal(sum[:], file[len(body):]) {
		return nil, nil, fmt.Errorf("%w: checksum does not match", ErrCorrupt)
	}

	sections := new([sectionCount][]byte)
	start := align(headerBytes)
	for i, length := range h.Sections {
		if start > len(body) || length > uint64(len(body)-start) { //nolint:gosec // not negative
			return nil, nil, fmt.Errorf("%w: section %s ends beyond the file", ErrCorrupt, sectionTitles[i])
		}
		end := start + int(length) //nolint:gosec // at most len(body)
		sections[i] = body[start:end:end]
		start = align(end)
	}
	return h, sections, nil
}

func align(n int) int { return (n + sectionAlign - 1) &^ (sectionAlign - 1) }

// bounded converts a number that [Builder.Build] keeps below 2^32.
func bounded(n int) uint32 { return uint32(n) } //nolint:gosec // see above

// rising reports whether offsets, 4 bytes each, start at 0, never decrease, and end at
// last.
func rising(offsets []byte, last int) bool {
	previous := uint32(0)
	for i := 0; i+4 <= len(offsets); i += 4 {
		offset := binary.LittleEndian.Uint32(offsets[i:])
		if offset < previous || i == 0 && offset != 0 {
			return false
		}
		previous = offset
	}
	return len(offsets) > 0 && uint64(previous) == uint64(last) //nolint:gosec // a length
}
