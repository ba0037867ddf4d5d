package transformer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// errEvent reports an invocation with something other than a Firehose event.
var errEvent = errors.New("not a Firehose transformation event")

// record is one record of an event. Its fields point into the event.
type record struct {
	id   []byte // a JSON string with its quotes
	data []byte // base64
	bad  bool   // data is missing or not a string
	want int    // room in the response that is kept for the record, see [wantedRoom]
}

// envelope is an event with its records in order. The case of member names matters, and if a
// member is repeated, the last one counts.
type envelope struct {
	records []record
	members jsonscan.Shape // of records
}

// Tags of the members of a record.
const (
	otherMember jsonscan.Tag = iota
	recordIDMember
	dataMember
)

func memberTag(name []byte) jsonscan.Tag {
	switch string(name) {
	case "recordId":
		return recordIDMember
	case "data":
		return dataMember
	default:
		return otherMember
	}
}

// parse reads an event. The records point into it. The error wraps errEvent if the event has
// no list of records or a record has no id. Firehose would accept no answer to such an
// event.
func (e *envelope) parse(event []byte) error {
	e.records = e.records[:0]
	if e.scan(event) == nil {
		return nil
	}
	e.records = e.records[:0]
	return e.decode(event)
}

// errUnusual reports that scan cannot read an event, so that decode must read it.
var errUnusual = errors.New("unusual event")

// scan reads the events that Firehose sends. It returns an error for anything that Firehose
// would not send: an escape in a name or an id, a repeated member, or a value of another
// type.
func (e *envelope) scan(event []byte) error {
	c := jsonscan.New(event)
	if err := c.Open('{'); err != nil {
		return err
	}

	for found := false; ; {
		name, more, err := c.Member()
		switch {
		case err != nil:
			return err
		case !more && found && c.AtEnd():
			return nil
		case !more || name.Escaped():
			return errUnusual
		case string(name.Raw()) != "records":
			err = c.Skip()
		case found:
			return errUnusual
		default:
			found = true
			err = e.scanRecords(&c)
		}
		if err != nil {
			return err
		}
	}
}

func (e *envelope) scanRecords(c *jsonscan.Cursor) error {
	if err := c.Open('['); err != nil {
		return err
	}
	for {
		if more, err := c.Element(); !more {
			return err
		}
		if err := e.scanRecord(c); err != nil {
			return err
		}
	}
}

func (e *envelope) scanRecord(c *jsonscan.Cursor) error {
	if err := e.members.Open(c); err != nil {
		return err
	}

	var r record
	for {
		name, tag, more, err := e.members.Member(c, memberTag)
		switch {
		case err != nil:
			return err
		case name.Escaped():
			return errUnusual
		}
		if !more {
			break
		}
		switch tag {
		case recordIDMember:
			r.id, err = scanText(c, r.id)
		case dataMember:
			r.data, err = scanText(c, r.data)
		default:
			err = c.Skip()
		}
		if err != nil {
			return err
		}
	}

	if r.id == nil || r.data == nil {
		return errUnusual
	}

	r.data = r.data[1 : len(r.data)-1]
	r.want = wantedRoom(r.data) // now, while the data are in the cache of the processor
	e.records = append(e.records, r)
	return nil
}

// scanText returns a string with its quotes. It returns an error if the string is not plain
// or if the member already has the value earlier.
func scanText(c *jsonscan.Cursor, earlier []byte) ([]byte, error) {
	c.Next()
	start := c.Pos()
	if _, plain := c.Plain(); !plain || earlier != nil {
		return nil, errUnusual
	}
	return c.Since(start), nil
}

// decode reads any event, but slowly.
func (e *envelope) decode(event []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(event, &members); err != nil {
		return fmt.Errorf("%w: %w", errEvent, err)
	}

	var records []map[string]json.RawMessage
	if err := json.Unmarshal(members["records"], &records); err != nil || records == nil {
		return fmt.Errorf("%w: it has no list of records", errEvent)
	}

	for i, members := range records {
		var id, data *string
		if err := json.Unmarshal(members["recordId"], &id); err != nil || id == nil {
			return fmt.Errorf("%w: record %d has no recordId", errEvent, i)
		}
		r := record{id: quote(*id)}
		if err := json.Unmarshal(members["data"], &data); err != nil || data == nil {
			r.bad = true
		} else {
			r.data = []byte(*data)
			r.want = wantedRoom(r.data)
		}
		e.records = append(e.records, r)
	}
	return nil
}

// quote returns text as a JSON string. Plain text is not changed.
func quote(text string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) //nolint:errchkjson // encoding a string into memory cannot fail
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'})
}
