// Package index turns indicators into one immutable object that answers which of
// them cover a queried name or an observed address.
//
// Indicators go into a [Builder], bytes come out; [Open] verifies such bytes and
// serves from them without copying; [Index.Match] and [Index.MatchAddr] give the
// verdict on one part of a record. An [Index] never changes and is safe for any
// number of goroutines. [Current] is the small pointer that says which index file
// serves.
//
// # What a match means
//
// An entry matches a name if its scope covers it: `name` the name alone, `subtree`
// it and everything under it, `under` only what lies under it. A CIDR entry matches
// the addresses in its block. Only label boundaries count.
//
// An allow entry vetoes a block entry if both match and it has at least as many
// labels (or bits), whatever the scopes. It vetoes the entries of its own feed, or,
// if its feed was declared with vetoesAll, those of every feed. The veto is one of
// entries, not of names: where feeds A and B list a name and A takes it back, it is
// still a hit, by B, with what B says of it.
//
// # What the answers rest on
//
// Two binary fuse filters stand in front of an exact store: one over every label
// suffix (of two labels or more) of the listed names, one over the listed names
// themselves. A walk goes from the two-label suffix down for as long as the first
// says yes; where the second says yes too, the store is asked. Filters never decide
// alone, so there are no false hits; they have no false negatives, so nothing is
// missed. Most names that nobody lists end after one hash and three loads.
//
// # File format, version 1
//
// All numbers are little-endian. A file is a header of 176 bytes, eleven sections, and
// a checksum. Each section starts at the next multiple of 64 after the one before
// it; the bytes between are zero.
//
//	offset  size  header
//	     0     8  magic: 89 'R' 'W' 'X' 0D 0A 1A 0A
//	     8     4  format version
//	    12     4  zero
//	    16     8  length of the file
//	    24     8  generation
//	    32     8  seed of the hashes
//	    40     8  when it was built, Unix seconds; 0 = not said
//	    48     4  number of names
//	    52     4  number of names of one label
//	    56    32  content hash: SHA-256 over the length (8 bytes) and the bytes of
//	              each of the first nine sections
//	    88  11*8  length of each section
//
// The sections, in order:
//
//   - feeds: for each feed, ordered by id: flags (1 byte, 1 = vetoes all), length of
//     the id (1), number of name entries (4), of address entries (4), the id.
//   - categories: number (4), that many + 1 offsets into the text (4 each), the text;
//     ordered.
//   - group offsets: for each group and the end, an entry number (4).
//   - group entries: 8 bytes each, from the highest bit: feed (16 bits), action (4),
//     scope (4), severity (4), confidence (8), category (28). A group is the ordered
//     set of entries on one name or block. Groups are ordered by how many names and
//     blocks have them, most first, then by their entries.
//   - directory offsets: for each block of the directory and the end, an offset into
//     the next section (4).
//   - directory: for each block of names the shortest start of its first key that is
//     after the last key of the block before, with the block's offset in the next
//     section as value; in blocks of 16.
//   - names: the key of each name with the number of its group as value; in blocks
//     of 32. A key is the name with its labels reversed and a zero byte between them.
//   - IPv4 blocks: empty if there are none, else: for each prefix length 0 to 32 and
//     the end, the number of the first block (4); the addresses, big-endian, ordered
//     within their prefix length (4 each); their groups (4 each).
//   - IPv6 blocks: the same with prefix lengths 0 to 128 and 16 bytes an address.
//   - suffix filter, name filter: empty if there are no keys, else: seed (8), segment
//     length (4), length of all segments but the last two (4), then the fingerprints
//     of a 3-wise binary fuse filter with 8 bits. Keys are XXH3-64 of the text with
//     the file's seed.
//
// A block of keys, which are in byte order, is front-coded. Its first key is: length
// (1), key, value (unsigned LEB128). Each other one is: a header, the octets behind
// those it shares with the key before, value. The header is one byte, (shared - shared
// of the key before + 7) << 4 | (length of the rest - 1), if the halves are at most 14
// and 15; else F0, shared (1), length of the rest (1). The first key shares 0.
//
// The last 16 bytes are the XXH3-128 of everything before them, high half first as
// big-endian. Everything but the seed, the generation, the time and the filters
// follows from the entries alone, in whatever order they were added.
package index
