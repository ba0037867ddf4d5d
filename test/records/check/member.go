package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// member is a member of an object, in the order in which it was written.
type member struct {
	name string
	raw  json.RawMessage
}

// walk returns all members of a valid object, including repeated ones.
func walk(raw []byte) []member {
	var all []member
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return all
		}
		m := member{name: fmt.Sprint(name)}
		if d.Decode(&m.raw) != nil {
			return all
		}
		all = append(all, m)
	}
	return all
}

// ourNames are the members of a mark.
var ourNames = []string{"verdict", "verdict_reason", "index_generation", "threat"}

// ours returns the members that have the name of a member of a mark, in any case.
func (o object) ours() []member {
	found := false
	for name := range o.members {
		found = found || isOurs(name)
	}
	if !found {
		return nil
	}

	var list []member
	for _, m := range walk(o.bytes) {
		if isOurs(m.name) {
			list = append(list, m)
		}
	}
	return list
}

func isOurs(name string) bool {
	for _, ours := range ourNames {
		if strings.EqualFold(name, ours) {
			return true
		}
	}
	return false
}

// verdict returns the verdict that the object came with, or "".
func (o object) verdict() string {
	switch raw := string(o.members["verdict"]); raw {
	case `"malicious"`, `"allowed"`, `"clean"`, `"unknown"`:
		return strings.Trim(raw, `"`)
	default:
		return ""
	}
}

// check returns an error if no query could read the object with a mark.
func (o object) check() error {
	seen := map[string]bool{}
	list := o.ours()
	for _, m := range list {
		lower := strings.ToLower(m.name)
		if seen[lower] || m.name != lower {
			return fmt.Errorf("member %q is there twice or in another case", m.name)
		}
		seen[lower] = true
	}

	if err := o.checkAnswers(); err != nil {
		return err
	}
	if len(list) == 0 {
		return nil
	}
	if o.verdict() == "" {
		return errors.New("members of a mark without a verdict")
	}
	return o.checkMark()
}

// checkMark returns an error if a number of a mark does not fit its column.
func (o object) checkMark() error {
	if !isInteger(o.members["index_generation"], 64) {
		return errors.New("the generation is not a number")
	}
	raw := o.members["threat"]
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	threat, err := newObject(raw)
	if err != nil || !isInteger(threat.members["confidence"], 32) {
		return errors.New("the threat is not one")
	}
	return nil
}

func isInteger(raw []byte, bits int) bool {
	if len(raw) == 0 || string(raw) == "null" {
		return true
	}
	_, err := strconv.ParseInt(string(raw), 10, bits)
	return err == nil
}

// checkAnswers returns an error if `answers` is or contains a text, a number or a boolean.
func (o object) checkAnswers() error {
	for name := range o.members {
		if name != "answers" && !strings.EqualFold(name, "answers") {
			continue
		}
		for _, m := range o.named(name) {
			if isScalar(m) {
				return errors.New("the answers are not objects")
			}
			var elements []json.RawMessage
			if m[0] == '[' && json.Unmarshal(m, &elements) != nil {
				return errors.New("the answers cannot be read")
			}
			for _, e := range elements {
				if isScalar(e) {
					return errors.New("an answer is not an object")
				}
			}
		}
	}
	return nil
}

// named returns the values of all members with a name. Few objects repeat a member, so they are
// walked only if the text of the name is there twice.
func (o object) named(name string) []json.RawMessage {
	if bytes.Count(o.bytes, []byte(`nswers`)) < 2 && !bytes.Contains(o.bytes, []byte(`\u`)) {
		return []json.RawMessage{o.members[name]}
	}
	var values []json.RawMessage
	for _, m := range walk(o.bytes) {
		if m.name == name {
			values = append(values, m.raw)
		}
	}
	return values
}

func isScalar(raw []byte) bool {
	return len(raw) > 0 && raw[0] != '{' && raw[0] != '[' && raw[0] != 'n'
}

// text returns the value of a JSON string. Unlike encoding/json, it keeps bytes that are not
// UTF-8, as a resolver would have seen them.
func text(raw []byte) (value []byte, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, false
	}
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, true
	}

	value = make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			value = append(value, raw[i])
			continue
		}
		i++
		if raw[i] != 'u' {
			value = append(value, escapes[raw[i]])
			continue
		}
		r := unit(raw[i:])
		i += 4
		if next := unit(bytes.TrimPrefix(raw[i+1:], []byte{'\\'})); utf16.IsSurrogate(r) {
			joined := utf16.DecodeRune(r, next)
			if bytes.HasPrefix(raw[i+1:], []byte(`\u`)) && joined != utf8.RuneError {
				i += len(`\uXXXX`)
				r = joined
			}
		}
		value = utf8.AppendRune(value, r)
	}
	return value, true
}

// escapes are the values of the escapes of one letter.
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unit returns the number in `uXXXX`, or 0.
func unit(raw []byte) rune {
	if len(raw) < 5 || raw[0] != 'u' {
		return 0
	}
	number, err := strconv.ParseUint(string(raw[1:5]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(number)
}
