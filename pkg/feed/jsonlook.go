package feed

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// formatOfJSON tells MISP and STIX from other JSON by the members of the first object,
// as far as head shows them. What is known by one member alone is decided there.
func formatOfJSON(head []byte) Format {
	cursor := jsonscan.New(head)
	if cursor.Next() != '[' {
		return lookOfObject(&cursor, true)
	}
	if err := cursor.Open('['); err != nil {
		return JSON
	}
	if more, err := cursor.Element(); err != nil || !more {
		return JSON
	}
	return lookOfObject(&cursor, false)
}

// objectLook is what is seen of an object.
type objectLook struct {
	kind, id []byte // `type` and `id`
	list     bool   // there is an array `list`
	titled   bool   // there is a member that MISP has beside it
	other    bool   // there is a member that a warninglist does not have
}

// lookOfObject looks at the members of an object. alone says that nothing is around it,
// so that it may be a warninglist.
func lookOfObject(cursor *jsonscan.Cursor, alone bool) Format {
	if cursor.Next() != '{' || cursor.Open('{') != nil {
		return JSON
	}
	var look objectLook
	for {
		name, more, err := cursor.Member()
		if err != nil || !more {
			return look.decide(alone, err != nil)
		}
		if format := look.member(name.Raw(), cursor); format != "" {
			return format
		}
	}
}

// member looks at one member and returns the format if it decides. Behind the last one
// that head shows, the cursor fails at the next.
func (l *objectLook) member(name []byte, cursor *jsonscan.Cursor) Format {
	first := cursor.Next()
	nested := first == '{' || first == '['
	defer func() { _ = cursor.Skip() }() // an error shows at the next member
	switch string(name) {
	case "Event", "response", "Attribute", "Object":
		if nested {
			return MISP
		}
		l.other = true
	case "Orgc", "threat_level_id", "to_ids", "matching_attributes":
		return MISP
	case "spec_version", "pattern_type":
		return STIX
	case "objects":
		if first == '[' && isSTIXArray(*cursor) {
			return STIX
		}
		l.other = true
	case "type", "id":
		return l.word(name, *cursor)
	case "list":
		l.list = first == '['
	case "name", "description", "version":
		l.titled = true
	default:
		l.other = true
	}
	return ""
}

// word looks at the type and the id of an object. In STIX the id begins with the type.
func (l *objectLook) word(name []byte, cursor jsonscan.Cursor) Format {
	text, err := cursor.Text()
	if err != nil {
		return ""
	}
	if string(name) == "id" {
		l.id = text.Raw()
		l.other = true
	} else {
		l.kind = text.Raw()
	}
	if before, _, found := bytes.Cut(l.id, []byte("--")); found && (string(before) == "bundle" || bytes.Equal(before, l.kind)) {
		return STIX
	}
	if string(l.kind) == "bundle" {
		return STIX
	}
	return ""
}

// isSTIXArray reports whether the first object of an array is one of STIX.
func isSTIXArray(cursor jsonscan.Cursor) bool {
	if cursor.Open('[') != nil {
		return false
	}
	more, err := cursor.Element()
	return err == nil && more && lookOfObject(&cursor, false) == STIX
}

// decide is for objects in which no member decided. Of a warninglist the list may be all
// that head shows, because it stands before the type.
func (l *objectLook) decide(alone, cut bool) Format {
	switch {
	case !alone || !l.list:
		return JSON
	case len(l.kind) > 0 && matchingOf(l.kind) != matchOther:
		return MISP
	case cut && len(l.kind) == 0 && l.titled && !l.other:
		return MISP
	}
	return JSON
}
