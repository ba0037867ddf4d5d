package feed

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// jsonMembers are the members of an object by role. Of several with one role that are
// not empty the preferred counts, whatever their order.
type jsonMembers struct {
	cells cells
	rank  [roleCount]int
	known bool // some member can hold an indicator
	names []string
}

func (m *jsonMembers) reset() {
	m.cells, m.known, m.names = cells{}, false, m.names[:0]
}

func (m *jsonMembers) add(h heading, value []byte) {
	if h.role == roleNone {
		return
	}
	m.known = m.known || h.role.isIndicator()
	old := m.cells[h.role]
	preferred := h.rank < m.rank[h.role] || h.rank == m.rank[h.role] && bytes.Compare(value, old) < 0
	if len(value) > 0 && (old == nil || preferred) {
		m.cells[h.role], m.rank[h.role] = value, h.rank
	}
}

// isVague reports whether the indicator is under "name" alone. Of a document that is one
// object and nothing else, that is more likely what the document is called.
func (m *jsonMembers) isVague() bool {
	return m.known && m.cells[roleURL] == nil && m.cells[roleAddress] == nil && m.rank[roleName] == vagueRank
}

// scalar reads a string, number or boolean as text; anything else is empty.
func scalar(cursor *jsonscan.Cursor) ([]byte, error) {
	first, start := cursor.Next(), cursor.Pos()
	if first == '"' {
		text, err := cursor.Text()
		if err != nil || !text.Escaped() {
			return trim(text.Raw()), err
		}
		return trim(text.Append(nil)), nil
	}
	if err := cursor.Skip(); err != nil || first == '{' || first == '[' || first == 'n' {
		return nil, err
	}
	return cursor.Since(start), nil
}
