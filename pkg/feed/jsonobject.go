package feed

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	errFlag    = errors.New("neither true nor false")
	errNoType  = errors.New("no type")
	errNoValue = errors.New("no value")
)

// field is what a member of a MISP attribute or a STIX object holds. Their names are
// fixed, unlike the headings of tables, and matched in exact case.
type field uint8

const (
	fieldType field = iota
	fieldValue
	fieldCategory
	fieldLabel // the category if there is no other
	fieldConfidence
	fieldReference
	fieldFirstSeen
	fieldChanged // the first seen if there is no other
	fieldExpires
	fieldWithdrawn
	fieldDetection
	fieldPattern
	fieldPatternType
	fieldMore
	fieldCount
)

// fields are the texts of one object. An object with a member that stands twice, or
// that holds an object where text is wanted, can be read in two ways: err says so.
type fields struct {
	texts [fieldCount][]byte
	seen  [fieldCount]bool
	err   error
}

// mark notes that a member is there, and reports whether it is there for the first time.
func (f *fields) mark(of field, name []byte) bool {
	if f.seen[of] && f.err == nil {
		f.err = fmt.Errorf("member %q twice: readers disagree which counts", shown(name))
	}
	first := !f.seen[of]
	f.seen[of] = true
	return first
}

// read consumes the value of a member and keeps its text in arena, for as long as the
// arena is not reused.
func (f *fields) read(in *jsonScanner, of field, name []byte, arena *[]byte) error {
	first, err := in.peek()
	if err != nil {
		return err
	}
	isNew := f.mark(of, name)
	if nested := first == '{' || first == '['; nested && f.err == nil {
		f.err = fmt.Errorf("member %q: an object or array where text is wanted", shown(name))
	}
	text, err := in.scalar()
	if err == nil && isNew {
		f.keep(of, text, arena)
	}
	return err
}

func (f *fields) keep(of field, text []byte, arena *[]byte) {
	start := len(*arena)
	*arena = append(*arena, text...)
	f.texts[of] = (*arena)[start:len(*arena):len(*arena)]
}

// flag reads a boolean, which some exports write as text or number; fallback is for a
// member that is not there or null.
func (f *fields) flag(of field, fallback bool) (bool, error) {
	switch string(f.texts[of]) {
	case "":
		return fallback, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, errFlag
}

// describeFields is describe for an object whose members have fixed names.
func (c *collector) describeFields(f *fields) {
	row := cells{
		roleCategory:   firstText(f.texts[fieldCategory], f.texts[fieldLabel]),
		roleConfidence: f.texts[fieldConfidence],
		roleReference:  f.texts[fieldReference],
		roleFirstSeen:  firstText(f.texts[fieldFirstSeen], f.texts[fieldChanged]),
		roleExpires:    f.texts[fieldExpires],
	}
	c.describe(&row)
}

func firstText(preferred, other []byte) []byte {
	if len(preferred) > 0 {
		return preferred
	}
	return other
}

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
