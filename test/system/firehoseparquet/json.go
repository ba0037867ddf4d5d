package firehoseparquet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// value is a JSON value as the SerDe sees it. Names are in lower case, and the last of duplicate
// members wins. At most one of the fields is set; if none is, the value is null.
type value struct {
	text    *string
	number  json.Number
	truth   *bool
	array   []value
	object  []member
	isArray bool
	isObj   bool
}

type member struct {
	name  string
	value value
}

func (v *value) isNull() bool {
	return v.text == nil && v.number == "" && v.truth == nil && !v.isArray && !v.isObj
}

// find returns the value of a member, or null if there is none.
func (v *value) find(name string) value {
	for i := range v.object {
		if v.object[i].name == name {
			return v.object[i].value
		}
	}
	return value{}
}

// Failures in the words of AWS.
var (
	errEmpty = &Failure{Code: codeMalformed, Message: "The record was empty or contained only whitespace."}
	errTop   = &Failure{Code: codeMalformed, Message: "The input JSON contained a primitive at the top level. " +
		"The top level must be an object or array."}
	// AWS documents this failure without its message.
	errList = &Failure{Code: codeMalformed, Message: "An array of JSON documents is not a valid input."}
)

// parseRecord parses the objects of a record.
func parseRecord(record []byte) (objects []value, failure *Failure) {
	decoder := json.NewDecoder(bytes.NewReader(record))
	for {
		var raw json.RawMessage
		switch err := decoder.Decode(&raw); {
		case errors.Is(err, io.EOF) && len(objects) > 0:
			return objects, nil
		case errors.Is(err, io.EOF):
			return nil, errEmpty
		case err != nil:
			return nil, &Failure{Code: codeParse, Message: "Encountered malformed JSON. " + err.Error()}
		}
		object := parseValue(raw)
		switch {
		case object.isArray:
			return nil, errList
		case !object.isObj:
			return nil, errTop
		}
		objects = append(objects, object)
	}
}

// parseValue parses valid JSON.
func parseValue(raw []byte) value {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return readValue(decoder)
}

func readValue(decoder *json.Decoder) value {
	token, err := decoder.Token()
	if err != nil {
		panic(err) // the caller has validated the JSON
	}
	switch token := token.(type) {
	case string:
		return value{text: &token}
	case json.Number:
		return value{number: token}
	case bool:
		return value{truth: &token}
	case json.Delim:
		v := value{isArray: token == '[', isObj: token == '{', array: []value{}}
		positions := map[string]int{}
		for decoder.More() {
			if v.isArray {
				v.array = append(v.array, readValue(decoder))
				continue
			}
			name := strings.ToLower(*readValue(decoder).text)
			if _, twice := positions[name]; !twice {
				positions[name] = len(v.object)
				v.object = append(v.object, member{name: name})
			}
			v.object[positions[name]].value = readValue(decoder)
		}
		_, _ = decoder.Token() // the closing bracket
		return v
	}
	return value{}
}

// appendJSON appends a value as JSON without spaces. Members keep their order.
func (v *value) appendJSON(dst []byte) []byte {
	switch {
	case v.text != nil:
		return appendText(dst, *v.text)
	case v.number != "":
		return append(dst, v.number...)
	case v.truth != nil && *v.truth:
		return append(dst, "true"...)
	case v.truth != nil:
		return append(dst, "false"...)
	case v.isArray:
		dst = append(dst, '[')
		for i := range v.array {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.array[i].appendJSON(dst)
		}
		return append(dst, ']')
	case v.isObj:
		return v.appendObject(dst)
	}
	return append(dst, "null"...)
}

func (v *value) appendObject(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range v.object {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, v.object[i].name), ':')
		dst = v.object[i].value.appendJSON(dst)
	}
	return append(dst, '}')
}

func appendText(dst []byte, text string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return append(dst, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}
