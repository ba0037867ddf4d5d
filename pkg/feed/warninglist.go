package feed

import (
	"encoding/binary"
	"strconv"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// matching is how a MISP warninglist compares its entries with a value.
type matching uint8

const (
	matchUnknown   matching = iota // not declared; the list is not one of MISP's
	matchString                    // the value equals the entry: the name alone
	matchHostname                  // the value equals the entry or is under it
	matchCIDR                      // the value is in the block
	matchSubstring                 // refused, like everything that follows
	matchRegex
	matchOther
)

// parseMatching reads the type of a warninglist.
func parseMatching(word []byte) matching {
	switch string(word) {
	case "string":
		return matchString
	case "hostname":
		return matchHostname
	case "cidr":
		return matchCIDR
	case "substring":
		return matchSubstring
	case "regex":
		return matchRegex
	}
	return matchOther
}

// readWarninglist reads the member `list` of a warninglist. If the type is not known yet, it
// holds the entries until the end of the object.
func (r *mispReader) readWarninglist(m *mispContainer) error {
	if err := m.addContent("list", r.in.line); err != nil {
		return err
	}
	typeKnown, how := m.seen[fieldType], matchUnknown
	if typeKnown {
		var err error
		if how, err = r.chooseMatching(m); err != nil {
			return err
		}
	}
	if first, err := r.in.peek(); err != nil || first != '[' {
		return r.in.skipValue()
	}

	return r.in.eachElement(func() error {
		if _, err := r.in.peek(); err != nil {
			return err
		}
		line := r.in.line
		text, err := r.in.readValue()
		if err != nil {
			return err
		}
		if !typeKnown {
			return m.held.add(line, text)
		}
		r.addListed(line, text, how)
		return r.c.err
	})
}

// addHeld adds the entries of a warninglist that were held until its type was known.
func (r *mispReader) addHeld(m *mispContainer) error {
	how, err := r.chooseMatching(m)
	if err != nil {
		return err
	}
	m.held.drain(func(line int, text []byte) bool {
		r.addListed(line, text, how)
		return r.c.err == nil
	})
	return nil
}

// chooseMatching returns how the entries of a warninglist are read. A list that matches parts
// of names is refused, because its entries would cover more as indicators.
func (r *mispReader) chooseMatching(m *mispContainer) (matching, error) {
	switch {
	case m.err != nil:
		return 0, refuseFor(ErrBadJSON, r.in.line, m.err)
	case len(m.texts[fieldType]) == 0 && m.matching:
		return matchString, nil // MISP's default
	case len(m.texts[fieldType]) == 0:
		return matchUnknown, nil
	}

	word := m.texts[fieldType]
	how := parseMatching(word)
	if how == matchSubstring || how == matchRegex {
		return 0, refuse(ErrWidens, r.in.line, "its type is %s", word)
	}
	if how == matchOther {
		return 0, refuse(ErrUnknownJSON, r.in.line, "a warninglist of type %q", shown(word))
	}
	return how, nil
}

// addListed adds one entry of a warninglist.
func (r *mispReader) addListed(line int, text []byte, how matching) {
	r.c.line = line
	if how == matchUnknown {
		r.rows.addEntry(text)
		return
	}
	if text[0] != '"' {
		r.rejectUnknown(text, errNotString, []string{strconv.Quote(shown(text))})
		return
	}
	cursor := jsonscan.New(text)
	value, err := scalarText(&cursor)
	switch {
	case err != nil:
		r.c.reject(text, err)
		return
	case len(value) == 0:
		r.c.skip(text, SkipNoValue)
		return
	}

	r.c.describe(&cells{})
	switch {
	case how == matchCIDR:
		r.c.addValue(value, column.TypeAddress, 0)
	case how == matchHostname:
		r.c.addValue(value, column.TypeAny, indicator.ScopeSubtree)
	case value[0] == '*' || value[0] == '.': // cannot equal a name
		r.c.skip(value, SkipPattern)
	default:
		r.c.addValue(value, column.TypeAny, indicator.ScopeName)
	}
}

const (
	// maxHeldBytes limits the entries of a warninglist whose type comes after them, as it
	// does in all of MISP's own. The largest of those, with a million names, take 25 MB.
	maxHeldBytes = 64 << 20
	// heldPiece is the size of one allocation of a heldList.
	heldPiece = 1 << 20
)

// heldList keeps JSON values and their line numbers in large pieces of memory.
type heldList struct {
	pieces [][]byte
	size   int
	line   int // of the last value
}

func (h *heldList) add(line int, text []byte) error {
	if h.size += len(text); h.size > maxHeldBytes {
		return refuse(ErrTooLarge, line,
			"a list of over %d bytes that comes before its type; put the type first", maxHeldBytes)
	}
	need := 2*binary.MaxVarintLen64 + len(text)
	last := len(h.pieces) - 1
	if last < 0 || cap(h.pieces[last])-len(h.pieces[last]) < need {
		h.pieces = append(h.pieces, make([]byte, 0, max(heldPiece, need)))
		last++
	}
	piece := binary.AppendUvarint(h.pieces[last], uint64(line-h.line)) //nolint:gosec // lines only increase
	piece = binary.AppendUvarint(piece, uint64(len(text)))
	h.pieces[last] = append(piece, text...)
	h.line = line
	return nil
}

// drain calls visit for each value until it returns false, and frees the pieces on the way.
func (h *heldList) drain(visit func(line int, text []byte) bool) {
	line := 0
	for i, piece := range h.pieces {
		for len(piece) > 0 {
			step, n := binary.Uvarint(piece)
			size, m := binary.Uvarint(piece[n:])
			text := piece[n+m:][:size]
			piece = piece[n+m+len(text):]
			line += int(step) //nolint:gosec // was an int in add
			if !visit(line, text) {
				return
			}
		}
		h.pieces[i] = nil
	}
}
