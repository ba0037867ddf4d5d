// Package index turns indicators into one immutable file that answers which of them
// cover a queried name or an observed address.
//
// A [Builder] takes indicators and returns the bytes of a file. [Open] verifies such
// bytes and serves from them without copying. [Index.Match] and [Index.MatchAddr] look
// up one part of a record. An [Index] never changes and is safe for concurrent use.
// [Current] is the small pointer that names the index file in service.
//
// # What a match means
//
// An entry matches a name if its scope covers the name: `name` covers the name alone,
// `subtree` the name and everything under it, `under` only what is under it. A CIDR
// entry matches the addresses in its block. Matches stop at label boundaries.
//
// An allow entry vetoes a block entry if both match and the allow entry has at least as
// many labels (or bits), whatever their scopes are. It vetoes the block entries of its
// own feed, or those of every feed if its feed was declared with vetoesAll. A veto
// removes entries, not names: if feeds A and B both list a name and A allows it, the
// name still matches through B, with the metadata of B.
//
// # How a lookup works
//
// Two binary fuse filters guard an exact store: one holds every suffix of two or more
// labels of the listed names, the other holds the listed names themselves. A lookup
// starts with the last two labels of a name and adds labels while the first filter
// reports a possible hit. Where the second filter does too, the lookup reads the store.
// The store confirms every hit, so there are no false positives, and filters have no
// false negatives, so no listed name is missed. Most unlisted names are settled after
// one hash and three loads.
//
// # File format, version 1
//
// All numbers are little-endian. A file is a header of 184 bytes, twelve sections, and
// a checksum. Each section starts at the next multiple of 64 after the previous one;
// the bytes between are zero.
//
//	offset  size  header
//	     0     8  magic: 89 'R' 'W' 'X' 0D 0A 1A 0A
//	     8     4  format version
//	    12     4  zero
//	    16     8  length of the file
//	    24     8  generation
//	    32     8  seed of the hashes
//	    40     8  build time, Unix seconds; 0 if it is not known
//	    48     4  number of names
//	    52     4  number of names with one label
//	    56    32  content hash: SHA-256 over the length (8 bytes) and the bytes of
//	              each of the first nine sections
//	    88  12*8  length of each section
//
// The sections, in order:
//
//   - feeds: for each feed, ordered by id: flags (1 byte, 1 = vetoes all), length of
//     the id (1), number of name entries (4), number of address entries (4), the id.
//   - categories: their number (4), that number + 1 offsets into the text (4 each), the
//     text. Categories are sorted.
//   - group offsets: for each group and the end, an entry number (4).
//   - group entries: 8 bytes each, from the highest bit: feed (16 bits), action (4),
//     scope (4), severity (4), confidence (8), category (28). A group is the sorted set
//     of entries on one name or block. Groups are sorted by the number of names and
//     blocks that use them, highest first, then by their entries.
//   - directory offsets: for each block of the directory and the end, an offset into
//     the next section (4).
//   - directory: for each block of names, the shortest prefix of its first key that
//     sorts after the last key of the previous block, with the offset of the block in
//     the next section as value; in blocks of 16.
//   - names: the key of each name, with the number of its group as value; in blocks
//     of 32. A key is the name with its labels reversed and a zero byte between them.
//   - IPv4 blocks: empty if there are none, else: for each prefix length 0 to 32 and
//     the end, the number of the first block (4); the addresses, big-endian, sorted
//     within their prefix length (4 each); their groups (4 each).
//   - IPv6 blocks: the same with prefix lengths 0 to 128 and 16 bytes per address.
//   - suffix filter, name filter: empty if there are no keys, else: seed (8), segment
//     length (4), length of all segments but the last two (4), then the fingerprints
//     of a 3-wise binary fuse filter with 8 bits. Keys are XXH3-64 of the text with
//     the seed of the file.
//   - reach: empty if there are no blocks, else how much of the public address space the
//     block entries cover ([reach.Reach]): IPv4 addresses (8), IPv6 networks (8); first of
//     all feeds together, then of each feed.
//
// Earlier writers of version 1 had no reach and a header of 176 bytes, which ended with the
// length of the name filter. Their files are valid: the next 8 bytes were zero, so the
// section is empty. Earlier readers ignore both the length and the section.
//
// A block holds keys in byte order and front-codes them. Its first key is: length
// (1), key, value (unsigned LEB128). Every other key is: a header, the bytes that follow
// the prefix it shares with the previous key, value. The header is one byte, (shared -
// shared of the previous key + 7) << 4 | (length of the rest - 1), if the high half is
// at most 14 and the low half at most 15; else F0, shared (1), length of the rest (1).
// The first key shares 0.
//
// The last 16 bytes are the XXH3-128 of everything before them, high half first as
// big-endian. Everything except the seed, the generation, the time and the filters
// depends only on the entries, not on the order in which they were added.
package index
