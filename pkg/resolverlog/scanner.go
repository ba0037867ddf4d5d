package resolverlog

import (
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// Scanner gives the log objects of a record one by one:
//
//	for scanner.Reset(record); scanner.Next(); {
//		use(scanner.Object())
//	}
//	return scanner.Err()
//
// Objects may follow each other with or without white space. Each is one of:
//
//   - the log object of version 1.100000, of 1.000000 (`srcids` with a hyphen in its
//     names, or none), or of the preview (`Address` in answers, `srcids` an array);
//   - `{"message":"<log objects>"}`, an object without `query_name`;
//   - the CloudWatch Logs envelope, an object with `messageType` and `logEvents`, each
//     event with log objects as its `message`. A control message holds none.
//
// Envelopes do not nest. An object that is none of these is given as it is, without
// a query name. The zero Scanner is empty and ready for [Scanner.Reset]; reusing one
// costs no allocation. It is not safe for concurrent use.
type Scanner struct {
	record  jsonscan.Cursor // whose objects may be envelopes
	events  jsonscan.Cursor // log events left of a CloudWatch envelope
	message jsonscan.Cursor // log objects left of an envelope
	inside  bool            // events is in use

	object Object
	err    error

	name []byte // a member name without its escapes
	text []byte // a message without its escapes; objects point into it
}

// Reset begins with another record. It keeps the record until the next Reset.
func (s *Scanner) Reset(record []byte) {
	s.record = jsonscan.New(record)
	s.message = jsonscan.Cursor{}
	s.inside = false
	s.err = nil
}

// Next moves to the next object. It returns false at the end of the record and at the
// first thing that is no JSON object: see [Scanner.Err].
func (s *Scanner) Next() bool {
	more, err := s.next()
	s.err = err
	return more
}

// Object returns the object that [Scanner.Next] moved to, valid until its next call.
func (s *Scanner) Object() *Object { return &s.object }

// More reports whether there is anything behind the object, of this record or its
// envelope. Only if not is it certain that the record can be read to its end.
func (s *Scanner) More() bool {
	return s.inside || !s.message.AtEnd() || !s.record.AtEnd()
}

// Err returns what ended the record early, usually a [*jsonscan.SyntaxError]; nil at
// its proper end.
func (s *Scanner) Err() error { return s.err }

func (s *Scanner) next() (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	for {
		switch {
		case !s.message.AtEnd():
			if err := s.read(&s.message); err != nil {
				return false, fmt.Errorf("reading a message: %w", err)
			}
			return true, nil
		case s.inside:
			if err := s.nextEvent(); err != nil {
				return false, err
			}
		case s.record.AtEnd():
			return false, nil
		default:
			if err := s.read(&s.record); err != nil {
				return false, err
			}
			if enveloped, err := s.open(); !enveloped {
				return err == nil, err
			}
		}
	}
}

// read reads one object.
func (s *Scanner) read(c *jsonscan.Cursor) error {
	s.object = Object{Answers: s.object.Answers[:0]}
	if err := c.Open('{'); err != nil {
		return err
	}
	start := c.Pos() - 1
	for s.object.Empty = true; ; s.object.Empty = false {
		name, more, err := c.Member()
		if err != nil {
			return err
		}
		if !more {
			s.object.Bytes = c.Since(start)
			return nil
		}
		if err := s.value(c, name.Decode(&s.name)); err != nil {
			return err
		}
	}
}

// errNoMessage reports a log event that carries nothing.
var errNoMessage = errors.New("no message")

// Message types of the CloudWatch Logs envelope, as of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
const (
	dataMessage    = "DATA_MESSAGE"
	controlMessage = "CONTROL_MESSAGE"
)

// open goes into the object just read, if it is an envelope. One that has a member of
// ours was marked as it stands, so it is none.
func (s *Scanner) open() (enveloped bool, err error) {
	o := &s.object
	if o.QueryName.IsSet() || o.Reserved != "" {
		return false, nil
	}
	if len(o.logEvents) > 0 && o.logEvents[0] == '[' {
		switch string(o.messageType.Decode(&s.name)) {
		case controlMessage:
			return true, nil
		case dataMessage:
			s.events = jsonscan.New(o.logEvents)
			s.inside = true
			return true, s.events.Open('[')
		}
	}
	s.unwrap(o.message)
	if s.message.Next() != '{' { // a message in words
		s.message = jsonscan.Cursor{}
		return false, nil
	}
	return true, nil
}

// nextEvent goes to the objects of the next log event, or out of the envelope.
func (s *Scanner) nextEvent() error {
	more, err := s.events.Element()
	if !more {
		s.inside = false
		return err
	}
	if err := s.read(&s.events); err != nil {
		return fmt.Errorf("reading a log event: %w", err)
	}
	if !s.object.message.IsSet() {
		return fmt.Errorf("reading a log event: %w", errNoMessage)
	}
	s.unwrap(s.object.message)
	return nil
}

// unwrap makes the text of a message the next to be read.
func (s *Scanner) unwrap(message jsonscan.Text) {
	s.message = jsonscan.New(message.Decode(&s.text))
}
