package transformer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// ErrEvent reports an invocation with something else than a Firehose event.
var ErrEvent = errors.New("no Firehose transformation event")

// record is one record of an event, as places in it.
type record struct {
	id   []byte // as a JSON string, with its quotes
	data []byte // in base64
	bad  bool   // data is missing, or no string
}

// envelope is an event with its records in their order. Member names count in exact
// case, and of a repeated member the last counts.
type envelope struct{ records []record }

// parse reads an event; the records point into it. It returns an error that wraps
// [ErrEvent] if the event has no list of records, or a record has no id: no answer
// to such an event would be taken.
func (e *envelope) parse(event []byte) error {
	e.records = e.records[:0]
	if e.scan(event) == nil {
		return nil
	}
	e.records = e.records[:0]
	return e.decode(event)
}

// errOdd is why a scan stops. Whatever it is, decoding knows better.
var errOdd = errors.New("odd event")

// scan reads the events that Firehose sends. At anything that it would not send (an
// escape in a name or an id, a repeated member, another type) it stops.
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
			return errOdd
		case string(name.Raw()) != "records":
			err = c.Skip()
		case found:
			return errOdd
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
	if err := c.Open('{'); err != nil {
		return err
	}
	var r record
	for {
		name, more, err := c.Member()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch string(name.Raw()) {
		case "recordId":
			r.id, err = scanText(c, r.id)
		case "data":
			r.data, err = scanText(c, r.data)
		default:
			if name.Escaped() {
				return errOdd
			}
			err = c.Skip()
		}
		if err != nil {
			return err
		}
	}
	if r.id == nil || r.data == nil {
		return errOdd
	}
	r.data = r.data[1 : len(r.data)-1]
	e.records = append(e.records, r)
	return nil
}

// scanText returns a string with its quotes, if it is plain and the first of its name.
func scanText(c *jsonscan.Cursor, before []byte) ([]byte, error) {
	c.Next()
	start := c.Pos()
	if _, plain := c.Plain(); !plain || before != nil {
		return nil, errOdd
	}
	return c.Since(start), nil
}

// decode reads any event, slowly.
func (e *envelope) decode(event []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(event, &members); err != nil {
		return fmt.Errorf("%w: %w", ErrEvent, err)
	}
	var records []map[string]json.RawMessage
	if err := json.Unmarshal(members["records"], &records); err != nil || records == nil {
		return fmt.Errorf("%w: it has no list of records", ErrEvent)
	}
	for i, members := range records {
		var id, data *string
		if err := json.Unmarshal(members["recordId"], &id); err != nil || id == nil {
			return fmt.Errorf("%w: record %d has no recordId", ErrEvent, i)
		}
		r := record{id: quote(*id)}
		if err := json.Unmarshal(members["data"], &data); err != nil || data == nil {
			r.bad = true
		} else {
			r.data = []byte(*data)
		}
		e.records = append(e.records, r)
	}
	return nil
}

// quote returns text as a JSON string; plain text stays as it is.
func quote(text string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) //nolint:errchkjson // a string into memory: nothing can fail
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'})
}
