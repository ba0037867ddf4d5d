package feed

import (
	"errors"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	// maxHeldAttributes and maxHeldText limit how much of an object of an event is held
	// until its end, where it may turn out to be deleted. Real objects have hundreds of
	// attributes at most.
	maxHeldAttributes = 4 << 10
	maxHeldText       = 1 << 20 // bytes
)

var errComposite = errors.New("second part of the value does not match its type")

// mispReader reads MISP exports: events with or without their wrapper, responses of the API,
// single attributes, arrays and sequences of all of these, and warninglists. Events are
// walked, so they may be of any size.
//
// An entry is an attribute, either of the event itself or of an object in it. It is an
// indicator if its type is one of [mispTypes] and `to_ids` is not false. An attribute without
// `to_ids` counts, because MISP's default for these types is true. `deleted` attributes, and
// the attributes of deleted objects, are skipped.
type mispReader struct {
	*jsonEntries
	rows       *jsonReader // for warninglists that do not say what they match
	attributes []mispAttribute
	arena      []byte // for the texts of attributes
	current    *fields
	visit      func(name []byte) error // r.readAttributeMember, allocated once
}

type mispAttribute struct {
	line int
	fields
}

// mispFields are the members of an attribute, or of the object around it, that are read.
// `category` is MISP's own, such as "Network activity".
var mispFields = map[string]field{
	"type":       fieldType,
	"value":      fieldValue,
	"category":   fieldCategory,
	"first_seen": fieldFirstSeen,
	"timestamp":  fieldChanged,
	"deleted":    fieldWithdrawn,
	"to_ids":     fieldDetection,
}

// mispType describes how the value of an attribute is read.
type mispType struct {
	kind  column.ValueType
	scope indicator.Scope
}

// mispTypes are the types whose values are names, addresses or URLs. All others, such as
// hashes, are skipped. An address type must have an address.
var mispTypes = map[string]mispType{
	"domain":        {column.TypeName, indicator.ScopeSubtree},
	"hostname":      {column.TypeName, indicator.ScopeSubtree},
	"domain|ip":     {column.TypeNameAddress, indicator.ScopeSubtree},
	"hostname|port": {column.TypeNamePort, indicator.ScopeName},
	"url":           {column.TypeURL, indicator.ScopeName},
	"uri":           {column.TypeURL, indicator.ScopeName},
	"ip-src":        {column.TypeAddress, 0},
	"ip-dst":        {column.TypeAddress, 0},
	"ip-src|port":   {column.TypeAddressPair, 0},
	"ip-dst|port":   {column.TypeAddressPair, 0},
}

func readMISP(in *window, c *collector) error {
	entries := newJSONEntries(in, c)
	r := &mispReader{jsonEntries: entries, rows: newJSONReader(entries, &memberPlan{members: map[string]column.Heading{}})}
	r.visit = r.readAttributeMember
	return r.finish(r.in.eachValue(func(byte) error { return r.readContainer(false) }))
}

// mispContainer is an object that contains attributes, or contains another container.
type mispContainer struct {
	fields            // of the object itself, which may be an attribute or a warninglist
	arena    []byte   // for the texts of fields
	names    []string // of its first members
	contents []string // the members that contain entries
	matching bool     // it has a member `matching_attributes`
	held     heldList // the entries of a warninglist whose type is not known yet
}

func (m *mispContainer) has(content string) bool { return slices.Contains(m.contents, content) }

// addContent records a member that contains entries. A second one with the same name is
// refused, because readers would disagree on the entries.
func (m *mispContainer) addContent(name string, line int) error {
	if m.has(name) {
		return refuse(ErrBadJSON, line, "duplicate member %q", name)
	}
	m.contents = append(m.contents, name)
	return nil
}

// readContainer reads an event, a wrapper of events, or an array of these. isEvent reports
// whether the value must be an event, which is then valid even if it is empty.
func (r *mispReader) readContainer(isEvent bool) error {
	first, err := r.in.peek()
	switch {
	case err != nil:
		return err
	case first == '[':
		return r.in.eachElement(func() error { return r.readContainer(isEvent) })
	case first != '{':
		return r.rejectNonObject()
	}

	line := r.in.line
	var m mispContainer
	err = r.in.eachMember(func(name []byte) error { return r.readMember(&m, name) })
	if err != nil {
		return err
	}

	r.c.line = line
	switch {
	case m.has("list"):
		err = r.addHeld(&m)
	case len(m.contents) > 0 || isEvent:
	case m.seen[fieldType] && m.seen[fieldValue] || m.seen[fieldDetection]:
		r.addAttribute(&mispAttribute{line, m.fields})
	default:
		r.rejectMembers(m.names)
	}
	if err == nil {
		err = r.c.err
	}
	return err
}

// readMember reads one member of a container.
func (r *mispReader) readMember(m *mispContainer, name []byte) error {
	if len(m.names) < shownMembers {
		m.names = append(m.names, shown(name))
	}
	switch string(name) {
	case "response", "Event", "Attribute", "Object":
		return r.readContent(m, string(name))
	case "list":
		if r.in.depth == 1 { // only a top-level object is a warninglist
			return r.readWarninglist(m)
		}
		return r.in.skipValue()
	case "matching_attributes":
		m.matching = true
		return r.in.skipValue()
	}
	key, found := mispFields[string(name)]
	if !found {
		return r.in.skipValue()
	}
	return m.read(r.in, key, name, &m.arena)
}

// readContent reads a member that contains attributes.
func (r *mispReader) readContent(m *mispContainer, name string) error {
	if err := m.addContent(name, r.in.line); err != nil {
		return err
	}
	switch name {
	case "Attribute":
		return r.each(func() error {
			r.release()
			if err := r.readAttribute(); err != nil {
				return err
			}
			r.addAttributes()
			return r.c.err
		})
	case "Object":
		return r.each(r.readObject)
	}
	if skipped, err := r.skipNull(); skipped || err != nil {
		return err
	}
	return r.readContainer(name == "Event")
}

// readObject reads an object of an event, and adds its attributes unless it is deleted.
func (r *mispReader) readObject() error {
	first, err := r.in.peek()
	if err != nil {
		return err
	}
	if first != '{' {
		return r.rejectNonObject()
	}

	var o mispContainer
	released := false // some attributes were added before the end
	hold := func() error {
		if len(r.attributes) == maxHeldAttributes || len(r.arena) > maxHeldText {
			r.addAttributes()
			r.release()
			released = true
		}
		if r.c.err != nil {
			return r.c.err
		}
		return r.readAttribute()
	}
	r.release()
	err = r.in.eachMember(func(name []byte) error {
		switch string(name) {
		case "Attribute":
			if err := o.addContent("Attribute", r.in.line); err != nil {
				return err
			}
			return r.each(hold)
		case "deleted":
			return o.read(r.in, fieldWithdrawn, name, &o.arena)
		}
		return r.in.skipValue()
	})
	if err != nil {
		return err
	}
	return r.endObject(&o, released)
}

// endObject applies the flags of an object to its attributes, and adds them.
func (r *mispReader) endObject(o *mispContainer, released bool) error {
	deleted, err := o.flag(fieldWithdrawn, false)
	if o.err != nil {
		err = o.err
	}
	if released && (deleted || err != nil) {
		return refuse(ErrTooLarge, r.in.line,
			"a MISP object of over %d attributes that is only declared deleted at its end", maxHeldAttributes)
	}

	for i := range r.attributes {
		a := &r.attributes[i]
		switch {
		case a.err != nil: // the attribute is rejected anyway
		case err != nil:
			a.err = err
		case deleted:
			a.texts[fieldWithdrawn] = []byte("true")
		}
	}
	r.addAttributes()
	return r.c.err
}

// readAttribute reads one attribute and holds it.
func (r *mispReader) readAttribute() error {
	first, err := r.in.peek()
	if err != nil {
		return err
	}
	if first != '{' {
		return r.rejectNonObject()
	}
	r.attributes = append(r.attributes, mispAttribute{line: r.in.line})
	r.current = &r.attributes[len(r.attributes)-1].fields
	return r.in.eachMember(r.visit)
}

func (r *mispReader) readAttributeMember(name []byte) error {
	key, found := mispFields[string(name)]
	if !found {
		return r.in.skipValue()
	}
	return r.current.read(r.in, key, name, &r.arena)
}

// release forgets the attributes that are held.
func (r *mispReader) release() { r.attributes, r.arena = r.attributes[:0], r.arena[:0] }

// addAttributes adds the attributes that are held.
func (r *mispReader) addAttributes() {
	for i := range r.attributes {
		r.addAttribute(&r.attributes[i])
	}
}

// addAttribute adds an attribute, or rejects or skips it.
func (r *mispReader) addAttribute(a *mispAttribute) {
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
		r.c.skipType(value, a.texts[fieldType])
	case !detects:
		r.c.skip(value, SkipNotDetection)
	default:
		row := a.row()
		r.c.describe(&row)
		r.c.addTyped(value, known.kind, known.scope)
	}
}
