package feed

import (
	"bytes"
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	// maxHeldAttributes and maxHeldText bound what is kept of an object of a MISP event
	// until its end, where it may say that it is deleted. Real objects have hundreds of
	// attributes at most.
	maxHeldAttributes = 4 << 10
	maxHeldText       = 1 << 20 // bytes
)

// mispReader reads what MISP exports, by the MISP core format: events with their
// wrapper or without, the answers of its API, attributes alone, arrays and sequences of
// all these, and warninglists. Events are walked, so that one may be of any size.
//
// An entry is an attribute, of the event itself or of an object in it. It counts if its
// type is one of [mispTypes], unless `to_ids` is false; without the member it counts,
// since that is MISP's own default for these types. `deleted` attributes, and those of
// deleted objects, do not.
type mispReader struct {
	*jsonReader
	attributes []mispAttribute // of the current object, or the current one alone
	arena      []byte          // for the texts of these
	current    *fields
	visit      func(name []byte) error // r.attributeMember, made once
}

type mispAttribute struct {
	line int
	fields
}

func readMISP(in *window, c *collector) error {
	r := &mispReader{jsonReader: newJSONReader(in, c)}
	r.visit = r.attributeMember
	return r.finish(r.in.values(func(byte) error { return r.container(false) }))
}

// mispContainer is an object that holds attributes, or something that does.
type mispContainer struct {
	fields            // if it is an attribute or a warninglist itself
	arena    []byte   // for its texts
	names    []string // of its first members
	known    []string // members that hold something, to find repeats
	matching bool     // there is a member `matching_attributes`
	held     heldList // the entries of a warninglist, until its type is known
}

// container reads an event, what wraps one, or an array of these. isEvent says that it
// is an event even if there is nothing in it.
func (r *mispReader) container(isEvent bool) error {
	first, err := r.in.peek()
	switch {
	case err != nil:
		return err
	case first == '[':
		return r.in.elements(func() error { return r.container(isEvent) })
	case first != '{':
		return r.odd()
	}
	line := r.in.line
	var m mispContainer
	err = r.in.members(func(name []byte) error { return r.member(&m, name) })
	if err != nil {
		return err
	}
	r.c.line = line
	switch {
	case m.isKnown("list"):
		err = r.endList(&m)
	case len(m.known) > 0 || isEvent:
	case m.seen[fieldType] && m.seen[fieldValue] || m.seen[fieldDetection]:
		r.judge(&mispAttribute{line, m.fields})
	default:
		r.noShape(m.names)
	}
	if err == nil {
		err = r.c.err
	}
	return err
}

// member reads one member of a container.
func (r *mispReader) member(m *mispContainer, name []byte) error {
	if len(m.names) < shownMembers {
		m.names = append(m.names, shown(name))
	}
	switch string(name) {
	case "response", "Event", "Attribute", "Object":
		return r.content(m, string(name))
	case "list":
		if r.in.depth == 1 { // a warninglist stands alone
			return r.list(m)
		}
		return r.in.skip()
	case "matching_attributes":
		m.matching = true
		return r.in.skip()
	}
	of, found := mispFields[string(name)]
	if !found {
		return r.in.skip()
	}
	return m.read(r.in, of, name, &m.arena)
}

// content reads a member that holds attributes.
func (r *mispReader) content(m *mispContainer, name string) error {
	if err := m.once(name, r.in.line); err != nil {
		return err
	}
	switch name {
	case "Attribute":
		return r.each(func() error {
			r.release()
			if err := r.attribute(); err != nil {
				return err
			}
			r.judgeAll()
			return r.c.err
		})
	case "Object":
		return r.each(r.object)
	}
	if empty, err := r.null(); empty || err != nil {
		return err
	}
	return r.container(name == "Event")
}

func (m *mispContainer) isKnown(name string) bool {
	for _, known := range m.known {
		if known == name {
			return true
		}
	}
	return false
}

// once refuses a list in which readers would see different entries.
func (m *mispContainer) once(name string, line int) error {
	if m.isKnown(name) {
		return refuse(ErrBadJSON, line, "member %q twice", name)
	}
	m.known = append(m.known, name)
	return nil
}

var (
	errNoObject  = errors.New("no object")
	errComposite = errors.New("value whose second part is not what its type says")
)

// mispFields are the members of an attribute that count, and of the object around it.
// `category` is that of MISP, such as "Network activity".
var mispFields = map[string]field{
	"type":       fieldType,
	"value":      fieldValue,
	"category":   fieldCategory,
	"first_seen": fieldFirstSeen,
	"timestamp":  fieldChanged,
	"deleted":    fieldWithdrawn,
	"to_ids":     fieldDetection,
}

// mispType says how the value of an attribute is read.
type mispType struct {
	kind  valueType
	scope indicator.Scope
	// second checks what stands behind a bar in the value, nil if there is no bar. It is
	// no entry: an address beside a name is where the name pointed once.
	second func([]byte) bool
}

// mispTypes are the types whose values are names, addresses or URLs. All others, such
// as hashes, are skipped.
var mispTypes = map[string]mispType{
	"domain":        {typeAny, indicator.ScopeSubtree, nil},
	"hostname":      {typeAny, indicator.ScopeSubtree, nil},
	"domain|ip":     {typeAny, indicator.ScopeSubtree, isAddress},
	"hostname|port": {typeAny, indicator.ScopeName, isPort},
	"url":           {typeURL, indicator.ScopeName, nil},
	"uri":           {typeURL, indicator.ScopeName, nil},
	"ip-src":        {typeAddress, 0, nil},
	"ip-dst":        {typeAddress, 0, nil},
	"ip-src|port":   {typeAddress, 0, isPort},
	"ip-dst|port":   {typeAddress, 0, isPort},
}

// object reads an object of an event: the attributes in it, unless it is deleted.
func (r *mispReader) object() error {
	first, err := r.in.peek()
	if err != nil {
		return err
	}
	if first != '{' {
		return r.odd()
	}
	var o mispContainer
	released := false
	hold := func() error {
		if len(r.attributes) == maxHeldAttributes || len(r.arena) > maxHeldText {
			r.judgeAll()
			r.release()
			released = true
		}
		if r.c.err != nil {
			return r.c.err
		}
		return r.attribute()
	}
	r.release()
	err = r.in.members(func(name []byte) error {
		switch string(name) {
		case "Attribute":
			if err := o.once("Attribute", r.in.line); err != nil {
				return err
			}
			return r.each(hold)
		case "deleted":
			return o.read(r.in, fieldWithdrawn, name, &o.arena)
		}
		return r.in.skip()
	})
	if err != nil {
		return err
	}
	return r.endObject(&o, released)
}

// endObject judges the attributes of an object by what the object says of itself.
func (r *mispReader) endObject(o *mispContainer, released bool) error {
	deleted, err := o.flag(fieldWithdrawn, false)
	if o.err != nil {
		err = o.err
	}
	if released && (deleted || err != nil) {
		return refuse(ErrTooLarge, r.in.line, "a MISP object of over %d attributes that says at its end that it is deleted", maxHeldAttributes)
	}
	for i := range r.attributes {
		a := &r.attributes[i]
		switch {
		case a.err != nil: // it says so itself
		case err != nil:
			a.err = err
		case deleted:
			a.texts[fieldWithdrawn] = []byte("true")
		}
	}
	r.judgeAll()
	return r.c.err
}

// attribute reads one attribute and holds it.
func (r *mispReader) attribute() error {
	first, err := r.in.peek()
	if err != nil {
		return err
	}
	if first != '{' {
		return r.odd()
	}
	r.attributes = append(r.attributes, mispAttribute{line: r.in.line})
	r.current = &r.attributes[len(r.attributes)-1].fields
	return r.in.members(r.visit)
}

func (r *mispReader) attributeMember(name []byte) error {
	of, found := mispFields[string(name)]
	if !found {
		return r.in.skip()
	}
	return r.current.read(r.in, of, name, &r.arena)
}

// release forgets the attributes that are held.
func (r *mispReader) release() { r.attributes, r.arena = r.attributes[:0], r.arena[:0] }

func (r *mispReader) judgeAll() {
	for i := range r.attributes {
		r.judge(&r.attributes[i])
	}
}

// judge takes an attribute, or says why not.
func (r *mispReader) judge(a *mispAttribute) {
	r.c.line = a.line
	value := a.texts[fieldValue]
	known, found := mispTypes[string(a.texts[fieldType])]
	deleted, deletedErr := a.flag(fieldWithdrawn, false)
	detects, detectsErr := a.flag(fieldDetection, true)
	switch {
	case a.err != nil:
		r.c.reject(firstText(value, a.texts[fieldType]), a.err)
	case len(a.texts[fieldType]) == 0:
		r.c.reject(value, errNoType)
	case len(value) == 0:
		r.c.reject(a.texts[fieldType], errNoValue)
	case deletedErr != nil || detectsErr != nil:
		r.c.reject(value, errors.Join(deletedErr, detectsErr))
	case deleted:
		r.c.skip(value, SkipWithdrawn)
	case !found:
		r.c.skip(value, SkipOtherType)
	case !detects:
		r.c.skip(value, SkipNotDetection)
	default:
		r.c.describeFields(&a.fields)
		r.value(value, known)
	}
}

func (r *mispReader) value(value []byte, of mispType) {
	if of.second != nil {
		first, second, found := bytes.Cut(value, []byte{'|'})
		if first = trim(first); !found || len(first) == 0 || !of.second(trim(second)) {
			r.c.reject(value, errComposite)
			return
		}
		value = first
	}
	r.c.value(value, of.kind, of.scope)
}
