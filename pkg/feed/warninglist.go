package feed

import (
	"encoding/binary"
	"strconv"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// maxHeldBytes bounds the entries of a warninglist whose type stands behind them, as it
// does in all of MISP's own. The largest of those, of a million names, take 25 MB.
const maxHeldBytes = 64 << 20

// matching is how a warninglist compares its entries with a value.
type matching uint8

const (
	matchUnsaid    matching = iota // it is a list of somebody else's
	matchString                    // the value is the entry: the name alone
	matchHostname                  // the value is the entry or lies under it
	matchCIDR                      // the value lies in the block
	matchSubstring                 // refused, as all that follow
	matchRegex
	matchOther
)

// matchingOf knows the words of MISP for its warninglists.
func matchingOf(word []byte) matching {
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

// list reads the member `list` of a warninglist: at once if its type is known by now,
// else at its end.
func (r *mispReader) list(m *mispContainer) error {
	if err := m.once("list", r.in.line); err != nil {
		return err
	}
	streams, how := m.seen[fieldType], matchUnsaid
	if streams {
		var err error
		if how, err = r.matching(m); err != nil {
			return err
		}
	}
	if first, err := r.in.peek(); err != nil || first != '[' {
		return r.in.skip()
	}
	return r.in.elements(func() error {
		if _, err := r.in.peek(); err != nil {
			return err
		}
		line := r.in.line
		text, err := r.in.value()
		if err != nil {
			return err
		}
		if !streams {
			return m.held.add(line, text)
		}
		r.listed(line, text, how)
		return r.c.err
	})
}

// endList takes the entries that were held back.
func (r *mispReader) endList(m *mispContainer) error {
	how, err := r.matching(m)
	if err != nil {
		return err
	}
	m.held.each(func(line int, text []byte) bool {
		r.listed(line, text, how)
		return r.c.err == nil
	})
	return nil
}

// matching decides how the entries are read. What matches parts of names would widen as
// an indicator, so that such a list is refused.
func (r *mispReader) matching(m *mispContainer) (matching, error) {
	switch {
	case m.err != nil:
		return 0, refuseFor(ErrBadJSON, r.in.line, m.err)
	case len(m.texts[fieldType]) == 0 && m.matching:
		return matchString, nil // the default of MISP
	case len(m.texts[fieldType]) == 0:
		return matchUnsaid, nil
	}
	word := m.texts[fieldType]
	how := matchingOf(word)
	if how == matchSubstring || how == matchRegex {
		return 0, refuse(ErrWidens, r.in.line, "its type is %s", word)
	}
	if how == matchOther {
		return 0, refuse(ErrUnknownJSON, r.in.line, "a warninglist of type %q", shown(word))
	}
	return how, nil
}

// listed takes one entry.
func (r *mispReader) listed(line int, text []byte, how matching) {
	r.c.line = line
	if how == matchUnsaid {
		r.take(text)
		return
	}
	if text[0] != '"' {
		r.unknown(text, errNoString, []string{strconv.Quote(shown(text))})
		return
	}
	cursor := jsonscan.New(text)
	value, err := scalar(&cursor)
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
		r.c.value(value, typeAddress, 0)
	case how == matchHostname:
		r.c.value(value, typeAny, indicator.ScopeSubtree)
	case value[0] == '*' || value[0] == '.': // which no name is
		r.c.skip(value, SkipPattern)
	default:
		r.c.value(value, typeAny, indicator.ScopeName)
	}
}

// heldList keeps JSON values, with their lines, in pieces of memory of about a MiB.
type heldList struct {
	pieces [][]byte
	size   int
	line   int // of the last one
}

const heldPiece = 1 << 20

func (h *heldList) add(line int, text []byte) error {
	if h.size += len(text); h.size > maxHeldBytes {
		return refuse(ErrTooLarge, line, "a list of over %d bytes that stands before its type; put the type first", maxHeldBytes)
	}
	need := 2*binary.MaxVarintLen64 + len(text)
	last := len(h.pieces) - 1
	if last < 0 || cap(h.pieces[last])-len(h.pieces[last]) < need {
		h.pieces = append(h.pieces, make([]byte, 0, max(heldPiece, need)))
		last++
	}
	piece := binary.AppendUvarint(h.pieces[last], uint64(line-h.line)) //nolint:gosec // lines go up
	piece = binary.AppendUvarint(piece, uint64(len(text)))
	h.pieces[last] = append(piece, text...)
	h.line = line
	return nil
}

// each calls visit for every value until it returns false. The list is gone then.
func (h *heldList) each(visit func(line int, text []byte) bool) {
	line := 0
	for i, piece := range h.pieces {
		for len(piece) > 0 {
			step, n := binary.Uvarint(piece)
			size, m := binary.Uvarint(piece[n:])
			text := piece[n+m:][:size]
			piece = piece[n+m+len(text):]
			line += int(step) //nolint:gosec // of an int
			if !visit(line, text) {
				return
			}
		}
		h.pieces[i] = nil
	}
}
