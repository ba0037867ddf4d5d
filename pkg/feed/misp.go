package feed

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
