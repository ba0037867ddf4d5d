// Package slowlog is a test oracle. It reads the log objects of a record by the rules of
// pkg/resolverlog, but slowly and simply with encoding/json. The tests of pkg/resolverlog
// and pkg/verdict compare their results with it.
package slowlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth is the maximum nesting depth of a record.
const maxDepth = 64

// ErrUnsure reports a record that the oracle cannot read, because it has an escape for one of
// the runes that [protect] uses.
var ErrUnsure = errors.New("record contains runes that the oracle uses")

// Errors of records that are not logs.
var (
	errDepth     = errors.New("nested too deep")
	errNoObject  = errors.New("not an object")
	errNoMessage = errors.New("log event without a message")
	errSetAside  = errors.New("record that Firehose set aside")
	errTable     = errors.New("answer of a query of Logs Insights")
)

// Object is a log object with the values that marking needs. A text is nil if its
// member is missing or not a string.
type Object struct {
	Bytes    []byte
	Members  int
	Texts    map[string]*string // last value of each top-level member, by name
	Answers  []Answer
	Instance *string
	OCSF     bool // the name is in query.hostname; Texts has it under query_name
	Delayed  bool
	Reserved bool // the object has a member with one of our names
	Clash    bool // the object has such a member twice or in another case
	// OddAnswers reports that a member `answers`, in upper or lower case, is or contains a
	// scalar.
	OddAnswers bool
}

// Answer is an answer that is an object.
type Answer struct {
	Index       int
	Type, Rdata *string
}

// member is one member of an object.
type member struct {
	name  string
	value json.RawMessage // protected
}

// Parse returns the log objects of a record.
func Parse(record []byte) ([]Object, error) {
	texts, err := split(record)
	if err != nil {
		return nil, err
	}

	var objects []Object
	for _, text := range texts {
		members, err := membersOf(text)
		if err != nil {
			return nil, err
		}
		inner, enveloped, err := open(members)
		if err != nil {
			return nil, err
		}
		if !enveloped {
			inner = []json.RawMessage{text}
		}
		for _, text := range inner {
			object, err := newObject(text)
			if err != nil {
				return nil, err
			}
			objects = append(objects, object)
		}
	}
	return objects, nil
}

// open returns the objects in an envelope.
func open(members []member) (inner []json.RawMessage, enveloped bool, err error) {
	texts := textsOf(members)
	if reserved, _ := ours(members); reserved || isRecord(members) {
		return nil, false, nil
	}

	if events := last(members, "logEvents"); isArray(events) && texts["messageType"] != nil {
		switch *texts["messageType"] {
		case "CONTROL_MESSAGE":
			return nil, true, nil
		case "DATA_MESSAGE":
			inner, err = openEvents(events)
			return inner, true, err
		}
	}
	for _, list := range []json.RawMessage{last(members, "events"), lastOf(members, "Records", "records")} {
		if all := elements(list); isArray(list) && len(all) > 0 && has(all[0], "message", "query_name", "query") {
			inner, err = openEvents(list)
			return inner, true, err
		}
	}
	if texts["rawData"] != nil {
		return nil, true, errSetAside
	}
	if rows := elements(last(members, "results")); len(rows) > 0 {
		if cells := elements(rows[0]); len(cells) > 0 && has(cells[0], "field") {
			return nil, true, errTable
		}
	}

	message := last(members, "message")
	switch {
	case message != nil && message[0] == '{' && has(message, "query_name", "query"):
		return []json.RawMessage{message}, true, nil
	case texts["message"] == nil || !strings.HasPrefix(strings.TrimLeft(*texts["message"], " \t\r\n"), "{"):
		return nil, false, nil
	}
	inner, err = split([]byte(*texts["message"]))
	return inner, true, err
}

// isRecord reports whether an object has a query name.
func isRecord(members []member) bool {
	if textsOf(members)["query_name"] != nil {
		return true
	}
	query, err := membersOf(last(members, "query"))
	return err == nil && textsOf(query)["hostname"] != nil
}

// has reports whether a value is an object with a member of one of these names.
func has(object json.RawMessage, names ...string) bool {
	members, err := membersOf(object)
	return err == nil && slices.ContainsFunc(members, func(m member) bool { return slices.Contains(names, m.name) })
}

func isArray(value json.RawMessage) bool { return len(value) > 0 && value[0] == '[' }

// openEvents returns the objects in log events.
func openEvents(events json.RawMessage) (inner []json.RawMessage, err error) {
	for _, event := range elements(events) {
		members, err := membersOf(event)
		if err != nil {
			return nil, err
		}
		message := last(members, "message")
		switch text := text(message); {
		case text != nil:
			texts, err := split([]byte(*text))
			if err != nil {
				return nil, err
			}
			inner = append(inner, texts...)
		case message != nil && message[0] == '{':
			inner = append(inner, message)
		case isRecord(members):
			inner = append(inner, event)
		default:
			return nil, errNoMessage
		}
	}
	return inner, nil
}

func newObject(text json.RawMessage) (Object, error) {
	members, err := membersOf(text)
	if err != nil {
		return Object{}, err
	}
	o := Object{Bytes: restore(text), Members: len(members), Texts: textsOf(members)}
	o.Answers = answers(last(members, "answers"))
	o.Instance = instance(last(members, "srcids"))
	delayed := last(object(last(members, "additional_properties")), "is_delayed")
	o.Delayed = string(delayed) == "true" || strings.EqualFold(string(delayed), `"true"`)
	if o.Texts["query_name"] == nil && isRecord(members) {
		o.fillOCSF(members)
	}
	o.Reserved, o.Clash = ours(members)
	for _, m := range members {
		o.OddAnswers = o.OddAnswers || len(m.name) == len("answers") && strings.EqualFold(m.name, "answers") && hasScalar(m.value)
	}
	return o, nil
}

// fillOCSF sets the texts that a DNS Activity has under other names.
func (o *Object) fillOCSF(members []member) {
	o.OCSF = true
	query, source, cloud := object(last(members, "query")), object(last(members, "src_endpoint")), object(last(members, "cloud"))
	account := textsOf(cloud)["account_uid"]
	for _, m := range cloud { // the last of the two members counts
		switch m.name {
		case "account":
			if uid := last(object(m.value), "uid"); uid != nil {
				account = text(uid)
			}
		case "account_uid":
			account = text(m.value)
		}
	}
	var action *string
	if disposition, did := o.Texts["disposition"], o.Texts["action"]; did != nil && strings.EqualFold(*did, "Denied") ||
		disposition != nil && strings.EqualFold(*disposition, "Blocked") {
		action = new("BLOCK")
	} else if disposition != nil && strings.EqualFold(*disposition, "Alert") {
		action = new("ALERT")
	}
	for name, value := range map[string]*string{
		"query_name": textsOf(query)["hostname"], "query_type": textsOf(query)["type"],
		"query_timestamp": o.Texts["time_dt"], "account_id": account, "region": textsOf(cloud)["region"],
		"vpc_id": textsOf(source)["vpc_uid"], "srcaddr": textsOf(source)["ip"], "firewall_rule_action": action,
	} {
		if o.Texts[name] == nil {
			o.Texts[name] = value
		}
	}
	if o.Instance == nil {
		o.Instance = textsOf(source)["instance_uid"]
	}
}

// object returns the members of an object, or nil for any other value.
func object(value json.RawMessage) []member {
	members, err := membersOf(value)
	if err != nil {
		return nil
	}
	return members
}

// hasScalar reports whether a value, or an element of it, is a string, a number or a
// boolean.
func hasScalar(value json.RawMessage) bool {
	isScalar := func(value json.RawMessage) bool { return !strings.ContainsRune("{[n", rune(value[0])) }
	return isScalar(value) || slices.ContainsFunc(elements(value), isScalar)
}

func answers(value json.RawMessage) (list []Answer) {
	values := elements(value)
	if len(value) > 0 && value[0] == '{' {
		values = []json.RawMessage{value}
	}

	for i, value := range values {
		members, err := membersOf(value)
		if err != nil {
			continue
		}
		a := Answer{Index: i, Type: folded(members, "type"), Rdata: folded(members, "rdata")}
		if a.Rdata == nil {
			a.Rdata = folded(members, "address")
		}
		list = append(list, a)
	}
	return list
}

// folded returns the last text with a name in any case, or nil.
func folded(members []member, name string) (value *string) {
	for _, m := range members {
		if len(m.name) == len(name) && strings.EqualFold(m.name, name) {
			value = text(m.value)
		}
	}
	return value
}

func instance(value json.RawMessage) *string {
	if members, err := membersOf(value); err == nil {
		return textsOf(members)["instance"]
	}
	for _, value := range elements(value) {
		if id := text(value); id != nil && strings.HasPrefix(*id, "i-") {
			return id
		}
	}
	return nil
}

// ours reports whether there is a member with one of our names, and whether Athena would see
// one of them twice or under another name.
func ours(members []member) (reserved, clash bool) {
	for _, name := range []string{"verdict", "verdict_reason", "index_generation", "threat"} {
		count := 0
		for _, m := range members {
			if strings.EqualFold(m.name, name) {
				count++
				clash = clash || count > 1 || m.name != name
			}
		}
		reserved = reserved || count > 0
	}
	return reserved, clash
}

// split returns the objects of a record, protected.
func split(record []byte) (objects []json.RawMessage, err error) {
	protected, err := protect(record)
	if err != nil {
		return nil, err
	}

	for decoder := json.NewDecoder(bytes.NewReader(protected)); ; {
		var value json.RawMessage
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		if depth(value) > maxDepth {
			return nil, errDepth
		}
		if value[0] != '{' {
			return nil, errNoObject
		}
		objects = append(objects, value)
	}
}

// firstRune is the rune that stands for the byte 0. It is in a private plane that no name
// uses.
const firstRune = 0x10FF00

// protect replaces each byte from 0x80 on with a rune that stands for it, so that
// encoding/json does not replace bytes that are not UTF-8.
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
			out = append(out, byte(r-firstRune))
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

// elements returns the elements of an array, or nil for any other value.
func elements(value json.RawMessage) (values []json.RawMessage) {
	if json.Unmarshal(value, &values) != nil {
		return nil
	}
	return values
}

// last returns the value of the last member with a name, or nil if there is none.
func last(members []member, name string) json.RawMessage { return lastOf(members, name) }

// lastOf returns the value of the last member with one of the names.
func lastOf(members []member, names ...string) (value json.RawMessage) {
	for _, m := range members {
		if slices.Contains(names, m.name) {
			value = m.value
		}
	}
	return value
}

// textsOf returns the last value of each name, or nil if it is not a string.
func textsOf(members []member) map[string]*string {
	texts := map[string]*string{}
	for _, m := range members {
		texts[m.name] = text(m.value)
	}
	return texts
}

// text returns the value of a string, or nil for any other value.
func text(value json.RawMessage) *string {
	var s *string
	if json.Unmarshal(value, &s) != nil || s == nil {
		return nil
	}
	restored := string(restore([]byte(*s)))
	return &restored
}

// depth returns the nesting depth of a value.
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
