package feed

import (
	"bytes"
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

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
