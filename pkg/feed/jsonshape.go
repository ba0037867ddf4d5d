package feed

import (
	"strconv"
	"strings"
)

// each calls visit at each element of an array, or at the value if it is no array.
func (r *jsonReader) each(visit func() error) error {
	if empty, err := r.null(); empty || err != nil {
		return err
	}
	first, err := r.in.peek()
	switch {
	case err != nil:
		return err
	case first == '[':
		return r.in.elements(visit)
	}
	return visit()
}

// null consumes a null.
func (r *jsonReader) null() (bool, error) {
	first, err := r.in.peek()
	if err != nil || first != 'n' {
		return false, err
	}
	return true, r.in.skip()
}

// odd rejects a value that should be an object.
func (r *jsonReader) odd() error {
	r.c.line = r.in.line
	text, err := r.in.value()
	if err != nil {
		return err
	}
	r.unknown(text, errNoObject, []string{strconv.Quote(shown(text))})
	return r.c.err
}

// unknown rejects an entry of no known shape.
func (r *jsonReader) unknown(text []byte, err error, members []string) {
	if r.shapeless == 0 {
		r.members = members[:min(len(members), shownMembers)]
	}
	r.shapeless++
	r.c.reject(text, err)
}

// noShape rejects an object of no known shape.
func (r *jsonReader) noShape(names []string) { r.unknown(textOf(names), errNoMember, names) }

// textOf shows an object whose text is gone by the names of its members.
func textOf(names []string) []byte { return []byte("{" + strings.Join(names, ", ") + "}") }
