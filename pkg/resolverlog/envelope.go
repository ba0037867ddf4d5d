package resolverlog

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// errSetAside reports an object in which Firehose keeps a record that it could not process:
// the record is in its member `rawData`, in base64. [Messages] returns it.
var errSetAside = errors.New("record that Firehose set aside, in base64")

// errTable reports the answer of a query of CloudWatch Logs Insights, which has a row of cells
// for each record. [Messages] returns the records.
var errTable = errors.New("answer of a query of Logs Insights")

// errNoMessage reports a log event without a message.
var errNoMessage = errors.New("no message")

// maxSetAside is the maximum size of an expanded record that Firehose set aside. A Firehose
// record has at most 1,000 KiB, and log text does not compress better than 1:64.
const maxSetAside = 64 << 20

// Message types of the CloudWatch Logs envelope, see
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
const (
	dataMessage    = "DATA_MESSAGE"
	controlMessage = "CONTROL_MESSAGE"
)

// envelope has the members of an object that say whether it is an envelope.
type envelope struct {
	used        bool // the object has one of the members
	message     jsonscan.Text
	object      []byte // the value of `message`, if it is an object
	messageType jsonscan.Text
	logEvents   []byte // the value of `logEvents`, and so on
	events      []byte
	records     []byte
	results     []byte
	rawData     jsonscan.Text

	list []byte // the array of events, set by kind
}

// envelopeKind is what an object is an envelope of.
type envelopeKind int

const (
	notEnvelope envelopeKind = iota
	envelopeControl
	envelopeEvents
	envelopeMessage
	envelopeSetAside
	envelopeTable
)

func (e *envelope) reset() {
	if e.used {
		*e = envelope{}
	}
}

// read reads the value of the member with this name.
func (e *envelope) read(c *jsonscan.Cursor, name []byte) error {
	e.used = true
	switch string(name) {
	case "message":
		e.object = nil
		if c.Next() == '{' {
			e.message = jsonscan.Text{}
			return value(c, &e.object)
		}
		return text(c, &e.message)
	case "messageType":
		return text(c, &e.messageType)
	case "logEvents":
		return value(c, &e.logEvents)
	case "events":
		return value(c, &e.events)
	case "Records", "records":
		return value(c, &e.records)
	case "results":
		return value(c, &e.results)
	default:
		return text(c, &e.rawData)
	}
}

// value reads a value of any type.
func value(c *jsonscan.Cursor, dst *[]byte) error {
	c.Next()
	start := c.Pos()
	err := c.Skip()
	*dst = c.Since(start)
	return err
}

// kind returns what the object is an envelope of. Lists that have other events than records
// are not envelopes, so that the object is kept as a whole.
func (e *envelope) kind(scratch *[]byte) envelopeKind {
	if isArray(e.logEvents) {
		switch string(e.messageType.Decode(scratch)) {
		case controlMessage:
			return envelopeControl
		case dataMessage:
			e.list = e.logEvents
			return envelopeEvents
		}
	}

	for _, list := range [...][]byte{e.events, e.records} {
		if isArray(list) && holdsRecords(list) {
			e.list = list
			return envelopeEvents
		}
	}

	switch {
	case e.rawData.IsSet():
		return envelopeSetAside
	case isArray(e.results) && holdsCells(e.results):
		return envelopeTable
	case e.object != nil && isRecord(e.object):
		return envelopeMessage
	case e.message.IsSet():
		return envelopeMessage
	default:
		return notEnvelope
	}
}

// hasMessage reports whether there is a message, as text or as an object.
func (e *envelope) hasMessage() bool { return e.message.IsSet() || e.object != nil }

// open returns a cursor at the start of the message, which may be plain text.
func (e *envelope) open(scratch *[]byte) jsonscan.Cursor {
	if e.object != nil {
		return jsonscan.New(e.object)
	}
	return jsonscan.New(e.message.Decode(scratch))
}

func isArray(value []byte) bool { return len(value) > 0 && value[0] == '[' }

// holdsRecords reports whether the first element of an array is a log object or an event
// with a message.
func holdsRecords(list []byte) bool {
	c := jsonscan.New(list)
	if c.Open('[') != nil {
		return false
	}
	if more, err := c.Element(); !more || err != nil || c.Next() != '{' {
		return false
	}
	var element []byte
	return value(&c, &element) == nil && hasMember(element, "message", "query_name", "query")
}

// holdsCells reports whether the first element of an array is an array of cells, as in the
// answer of GetQueryResults.
func holdsCells(rows []byte) bool {
	c := jsonscan.New(rows)
	if c.Open('[') != nil {
		return false
	}
	if more, err := c.Element(); !more || err != nil || c.Open('[') != nil {
		return false
	}
	if more, err := c.Element(); !more || err != nil {
		return false
	}
	var cell []byte
	return value(&c, &cell) == nil && hasMember(cell, "field")
}

// isRecord reports whether an object has a query name in one of the shapes.
func isRecord(object []byte) bool { return hasMember(object, "query_name", "query") }

// hasMember reports whether an object has a member with one of these names.
func hasMember(object []byte, names ...string) bool {
	c := jsonscan.New(object)
	if c.Open('{') != nil {
		return false
	}

	var scratch []byte
	for {
		name, more, err := c.Member()
		if !more || err != nil {
			return false
		}
		for _, want := range names {
			if string(name.Decode(&scratch)) == want {
				return true
			}
		}
		if c.Skip() != nil {
			return false
		}
	}
}

// Messages returns the messages of an envelope one by one, each as its own record. It is for
// readers that can continue if one of them is not a record; a [Scanner] stops there. ok is
// false if the object is not an envelope. The result does not share memory with the object
// if it had to be decoded.
//
// Messages also returns the record that Firehose set aside, expanded if it is gzip.
func Messages(object []byte) (messages [][]byte, ok bool, err error) {
	var s Scanner
	c := jsonscan.New(object)
	mayBeEnvelope := s.read(&c) == nil && s.envelope.used && s.object.Shape == ShapeOther && s.object.Reserved == ""
	if !mayBeEnvelope {
		return nil, false, nil
	}

	e := &s.envelope
	switch e.kind(&s.name) {
	case envelopeControl:
		return nil, true, nil
	case envelopeSetAside:
		record, err := setAside(e.rawData)
		return [][]byte{record}, true, err
	case envelopeTable:
		messages, err = rowMessages(e.results)
		return messages, true, err
	case envelopeEvents:
		messages, err = eventMessages(e.list)
		return messages, true, err
	case envelopeMessage:
		messages = [][]byte{e.copyMessage()}
		c = jsonscan.New(messages[0])
		if c.Next() == '{' {
			return messages, true, nil
		}
	case notEnvelope:
	}
	return nil, false, nil
}

// copyMessage returns the message, decoded.
func (e *envelope) copyMessage() []byte {
	if e.object != nil {
		return e.object
	}
	return e.message.Append(nil)
}

// setAside decodes a record that Firehose set aside.
func setAside(data jsonscan.Text) ([]byte, error) {
	record, err := base64.StdEncoding.DecodeString(string(data.Append(nil)))
	if err != nil {
		return nil, fmt.Errorf("decoding rawData: %w", err)
	}
	return new(Expander).Expand(record, maxSetAside)
}

// rowMessages returns the cell `@message` of each row. A row without one is returned as it
// is.
func rowMessages(rows []byte) (messages [][]byte, err error) {
	var all []json.RawMessage
	if err := json.Unmarshal(rows, &all); err != nil {
		return nil, fmt.Errorf("reading the rows of a table: %w", err)
	}

	for _, row := range all {
		var cells []struct{ Field, Value string }
		message := []byte(row)
		if json.Unmarshal(row, &cells) == nil {
			for _, cell := range cells {
				if cell.Field == "@message" {
					message = []byte(cell.Value)
				}
			}
		}
		messages = append(messages, message)
	}
	return messages, nil
}

// eventMessages returns the message of each event. An event without one is returned as it
// is.
func eventMessages(list []byte) (messages [][]byte, err error) {
	c := jsonscan.New(list)
	if err := c.Open('['); err != nil {
		return nil, err
	}

	for {
		if more, err := c.Element(); !more {
			return messages, err
		}
		var element []byte
		if err := value(&c, &element); err != nil {
			return messages, err
		}
		messages = append(messages, eventMessage(element))
	}
}

func eventMessage(element []byte) []byte {
	var s Scanner
	c := jsonscan.New(element)
	if s.read(&c) != nil || !s.envelope.hasMessage() {
		return element
	}
	return s.envelope.copyMessage()
}
