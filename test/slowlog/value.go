package slowlog

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// firstRune is the rune that stands for the octet 0. It lies in a private plane that
// no name comes from.
const firstRune = 0x10FF00

// protect replaces each byte from 0x80 on by a rune of its own, so that encoding/json
// does not replace those that are no UTF-8.
func protect(text []byte) ([]byte, error) {
	if strings.Contains(strings.ToLower(string(text)), `\udbff`) {
		return nil, ErrUnsure
	}
	var out []byte
	for _, b := range text {
		if b < 0x80 {
			out = append(out, b)
		} else {
			out = utf8.AppendRune(out, firstRune+rune(b))
		}
	}
	return out, nil
}

// restore is the inverse of [protect].
func restore(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		if r >= firstRune+0x80 {
			out = append(out, byte(r-firstRune)) //nolint:gosec // at most 0x10FFFF
		} else {
			out = append(out, string(r)...)
		}
	}
	return out
}

// membersOf returns the members of an object.
func membersOf(object json.RawMessage) (members []member, err error) {
	if len(object) == 0 || object[0] != '{' {
		return nil, errNoObject
	}
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		members = append(members, member{string(restore([]byte(name.(string)))), value})
	}
	return members, nil
}

// elements returns the elements of an array, none for any other value.
func elements(value json.RawMessage) (values []json.RawMessage) {
	if json.Unmarshal(value, &values) != nil {
		return nil
	}
	return values
}

// last returns the value of the last member of a name, nil if there is none.
func last(members []member, name string) (value json.RawMessage) {
	for _, m := range members {
		if m.name == name {
			value = m.value
		}
	}
	return value
}

// textsOf returns the strings among the last values of each name.
func textsOf(members []member) map[string]*string {
	texts := map[string]*string{}
	for _, m := range members {
		texts[m.name] = text(m.value)
	}
	return texts
}

// text returns a string, nil for any other value.
func text(value json.RawMessage) *string {
	var s *string
	if json.Unmarshal(value, &s) != nil || s == nil {
		return nil
	}
	restored := string(restore([]byte(*s)))
	return &restored
}

// depth returns how deep a value nests.
func depth(value json.RawMessage) (deepest int) {
	level := 0
	for decoder := json.NewDecoder(bytes.NewReader(value)); ; {
		decoder.UseNumber()
		token, err := decoder.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			level++
			deepest = max(deepest, level)
		case json.Delim('}'), json.Delim(']'):
			level--
		}
	}
}
