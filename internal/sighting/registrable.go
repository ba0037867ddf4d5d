package sighting

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// splitter splits query names at their registrable domain. It follows the rule of the named
// queries, not the Public Suffix List, so that both count the same.
type splitter struct{ text []byte }

// splitName is a query name in lower case, without empty labels. It is valid until the next
// split.
type splitName struct {
	name   []byte
	domain []byte // the registrable domain
	below  []byte // the labels below the domain; may be empty
}

// secondLevels are the labels below which names are registered in the domains of countries.
var secondLevels = []string{"co", "com", "net", "org", "gov", "ac", "edu", "or", "ne", "go", "gob", "mil"}

// localDomains are the top labels of names that nobody can register. With arpa, these are
// also the names of reverse look-ups.
var localDomains = []string{"arpa", "internal", "local", "lan", "home", "corp"}

// split splits a decoded query name. ok is false if it has no registrable domain.
func (s *splitter) split(raw []byte) (parts splitName, ok bool) {
	name := s.normalise(raw)
	last := bytes.LastIndexByte(name, '.')
	if last < 0 || slices.Contains(localDomains, string(name[last+1:])) {
		return splitName{}, false
	}

	start := bytes.LastIndexByte(name[:last], '.') + 1
	if start > 0 && utf8.RuneCount(name[last+1:]) == 2 && slices.Contains(secondLevels, string(name[start:last])) {
		start = bytes.LastIndexByte(name[:start-1], '.') + 1
	}
	return splitName{name: name, domain: name[start:], below: name[:max(start-1, 0)]}, true
}

// normalise lowers ASCII letters, and leaves out empty labels.
func (s *splitter) normalise(raw []byte) []byte {
	text, last := s.text[:0], byte('.')
	for _, c := range raw {
		switch {
		case c == '.' && last == '.':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		text, last = append(text, c), c
	}
	s.text = text
	return bytes.TrimSuffix(text, []byte{'.'})
}

// characters returns the number of characters of a name, without the dots.
func characters(name []byte) int { return utf8.RuneCount(name) - bytes.Count(name, []byte{'.'}) }

// hashName returns the hash that decides whether a name is in a sample. It is the same in
// every run. The account keeps equal names of accounts apart; it may be empty.
func hashName(account, name []byte) uint64 {
	const offset, prime = 14695981039346656037, 0x9e3779b97f4a7c15
	hash := uint64(offset)
	for _, text := range [][]byte{account, name} {
		for ; len(text) >= wordBytes; text = text[wordBytes:] {
			hash = mix(hash ^ binary.LittleEndian.Uint64(text)*prime)
		}
		var last [wordBytes]byte
		last[wordBytes-1] = byte(1 + copy(last[:], text)) //nolint:gosec // the length, at most 8, keeps texts apart
		hash = mix(hash ^ binary.LittleEndian.Uint64(last[:])*prime)
	}
	return mix(hash)
}

// mix spreads every bit of a word over all bits.
func mix(word uint64) uint64 {
	word = (word ^ word>>33) * 0xff51afd7ed558ccd
	word = (word ^ word>>33) * 0xc4ceb9fe1a85ec53
	return word ^ word>>33
}
