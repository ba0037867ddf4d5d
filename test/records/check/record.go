package check

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxExpandedBytes is the most that a compressed record may expand to, and maxDepth how deep
// JSON may be nested.
const (
	maxExpandedBytes = 2 << 20
	maxDepth         = 64
)

// object is one log object of a record.
type object struct {
	bytes   []byte
	members map[string]json.RawMessage // by name; the last one counts
}

// objectsOf returns the log objects of a record. An error means that the record must be
// answered with ProcessingFailed, for no reader could make rows of it.
func objectsOf(record []byte) ([]object, error) {
	if isCompressed(record) {
		var err error
		if record, err = expand(record); err != nil {
			return nil, err
		}
	}

	outer, err := split(record)
	if err != nil {
		return nil, err
	}

	var objects []object
	for _, o := range outer {
		inner, err := o.open()
		if err != nil {
			return nil, err
		}
		objects = append(objects, inner...)
	}

	for i := range objects {
		if err := objects[i].check(); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

func isCompressed(record []byte) bool { return bytes.HasPrefix(record, []byte{0x1f, 0x8b}) }

// reservedFlags are the bits of the fourth byte of gzip that must be zero. "A compliant
// decompressor must give an error indication if any reserved bit is non-zero" (RFC 1952, section
// 2.3.1.2), which the standard library does not.
const reservedFlags = 0b1110_0000

// expand expands each member of a compressed record.
func expand(record []byte) (text []byte, err error) {
	for source := bytes.NewReader(record); source.Len() > 0; {
		const flagsAt = 3
		if head := record[len(record)-source.Len():]; len(head) > flagsAt && head[flagsAt]&reservedFlags != 0 {
			return nil, errors.New("gzip with reserved flags")
		}
		r, err := gzip.NewReader(source)
		if err != nil {
			return nil, err
		}
		r.Multistream(false)
		member, err := io.ReadAll(io.LimitReader(r, int64(maxExpandedBytes+1-len(text))))
		if err != nil {
			return nil, err
		}
		if text = append(text, member...); len(text) > maxExpandedBytes {
			return nil, fmt.Errorf("expands to more than %d bytes", maxExpandedBytes)
		}
	}
	return text, nil
}

// split returns the JSON objects in a text, one after the other with optional white space.
func split(text []byte) ([]object, error) {
	var objects []object
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		o, err := newObject(raw)
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
}

func newObject(raw []byte) (object, error) {
	o := object{bytes: raw}
	switch {
	case len(raw) == 0 || raw[0] != '{':
		return o, errors.New("not an object")
	case depth(raw) > maxDepth:
		return o, fmt.Errorf("more than %d levels", maxDepth)
	}
	return o, json.Unmarshal(raw, &o.members)
}

// depth returns how deep objects and arrays are nested in valid JSON.
func depth(raw []byte) (deepest int) {
	quoted := false
	for i, level := 0, 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// open returns the log objects in an envelope, or the object itself if it is not an envelope.
func (o object) open() ([]object, error) {
	if _, named := o.queryName(); named || len(o.ours()) > 0 {
		return []object{o}, nil
	}

	if o.isArray("logEvents") {
		switch kind, _ := text(o.members["messageType"]); string(kind) {
		case "CONTROL_MESSAGE":
			return nil, nil
		case "DATA_MESSAGE":
			return openEvents(o.members["logEvents"])
		}
	}

	for _, name := range []string{"events", o.lastOf("Records", "records")} {
		if first, ok := o.first(name); ok && (has(first, "message") || has(first, "query_name") || has(first, "query")) {
			return openEvents(o.members[name])
		}
	}

	_, setAside := text(o.members["rawData"])
	message, isText := text(o.members["message"])
	inner, innerErr := newObject(o.members["message"])
	switch {
	case setAside:
		return nil, errors.New("a record that was set aside")
	case o.isTable():
		return nil, errors.New("an answer of Logs Insights")
	case innerErr == nil && (has(inner, "query_name") || has(inner, "query")):
		return []object{inner}, nil
	case isText && strings.HasPrefix(strings.TrimLeft(string(message), " \t\r\n"), "{"):
		return split(message)
	}
	return []object{o}, nil
}

// openEvents returns the log objects in a list of log events.
func openEvents(list []byte) ([]object, error) {
	var events []json.RawMessage
	if err := json.Unmarshal(list, &events); err != nil {
		return nil, err
	}

	var objects []object
	for _, raw := range events {
		event, err := newObject(raw)
		if err != nil {
			return nil, err
		}
		message := event.members["message"]
		words, isText := text(message)
		_, named := event.queryName()
		switch {
		case isText:
			inner, err := split(words)
			if err != nil {
				return nil, err
			}
			objects = append(objects, inner...)
		case len(message) > 0 && message[0] == '{':
			inner, err := newObject(message)
			if err != nil {
				return nil, err
			}
			objects = append(objects, inner)
		case named:
			objects = append(objects, event)
		default:
			return nil, errors.New("a log event without a message")
		}
	}
	return objects, nil
}

func has(o object, name string) bool {
	_, found := o.members[name]
	return found
}

func (o object) isArray(name string) bool {
	raw := o.members[name]
	return len(raw) > 0 && raw[0] == '['
}

// first returns the first element of an array of objects.
func (o object) first(name string) (object, bool) {
	if !o.isArray(name) {
		return object{}, false
	}
	var elements []json.RawMessage
	if json.Unmarshal(o.members[name], &elements) != nil || len(elements) == 0 {
		return object{}, false
	}
	first, err := newObject(elements[0])
	return first, err == nil
}

// isTable reports whether the object is an answer of Logs Insights: rows of cells.
func (o object) isTable() bool {
	var rows [][]map[string]json.RawMessage
	if !o.isArray("results") || json.Unmarshal(o.members["results"], &rows) != nil || len(rows) == 0 || len(rows[0]) == 0 {
		return false
	}
	_, found := rows[0][0]["field"]
	return found
}

// lastOf returns the one of two names that the object has last.
func (o object) lastOf(a, b string) string {
	if !has(o, a) || !has(o, b) {
		if has(o, a) {
			return a
		}
		return b
	}
	last := a
	for _, m := range walk(o.bytes) {
		if m.name == a || m.name == b {
			last = m.name
		}
	}
	return last
}

// queryName returns the query name: `query_name` or, in OCSF, `query.hostname`.
func (o object) queryName() (name []byte, ok bool) {
	if name, ok = text(o.members["query_name"]); ok {
		return name, true
	}
	query, err := newObject(o.members["query"])
	if err != nil {
		return nil, false
	}
	return text(query.members["hostname"])
}
