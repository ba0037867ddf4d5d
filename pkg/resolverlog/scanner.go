package resolverlog

import (
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// Scanner returns the log objects of a record one by one:
//
//	for scanner.Reset(record); scanner.Next(); {
//		use(scanner.Object())
//	}
//	return scanner.Err()
//
// White space between objects is optional. Each object is one of these:
//
//   - a log object of version 1.100000, of version 1.000000 (`srcids` is missing, or has a
//     hyphen in its names), or of the preview (`Address` in answers, `srcids` as an array)
//   - `{"message":"<log objects>"}`, an object without `query_name`
//   - the CloudWatch Logs envelope, an object with `messageType` and `logEvents`; the
//     `message` of each event contains log objects. A control message contains none.
//
// Envelopes do not nest. Any other object is returned unchanged, without a query name. The
// zero Scanner is empty and ready for [Scanner.Reset]. Reusing a Scanner allocates nothing.
// It is not safe for concurrent use.
type Scanner struct {
	record  jsonscan.Cursor // the record, whose objects can be envelopes
	events  jsonscan.Cursor // the rest of the log events of a CloudWatch envelope
	message jsonscan.Cursor // the rest of the log objects of an envelope
	inside  bool            // events is in use

	object Object
	err    error

	name []byte // buffer for a member name without escapes
	text []byte // buffer for a message without escapes; objects point into it
}

// Reset starts a new record. The scanner keeps the record until the next Reset.
func (s *Scanner) Reset(record []byte) {
	s.record = jsonscan.New(record)
	s.message = jsonscan.Cursor{}
	s.inside = false
	s.err = nil
}

// Next moves to the next object. It returns false at the end of the record or at an error,
// which [Scanner.Err] returns.
func (s *Scanner) Next() bool {
	more, err := s.next()
	s.err = err
	return more
}

// Object returns the current object. It is valid until the next call of [Scanner.Next].
func (s *Scanner) Object() *Object { return &s.object }

// More reports whether the record or its envelope continues after the current object. If it
// does, the rest of the record may still be malformed.
func (s *Scanner) More() bool {
	return s.inside || !s.message.AtEnd() || !s.record.AtEnd()
}

// Err returns the error that ended the scan early, usually a [*jsonscan.SyntaxError], or nil
// if the record was read to its end.
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
			if enveloped, err := s.openEnvelope(); !enveloped {
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
		if err := s.readValue(c, name.Decode(&s.name)); err != nil {
			return err
		}
	}
}

// errNoMessage reports a log event without a message.
var errNoMessage = errors.New("no message")

// Message types of the CloudWatch Logs envelope, see
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
const (
	dataMessage    = "DATA_MESSAGE"
	controlMessage = "CONTROL_MESSAGE"
)

// openEnvelope enters the current object if it is an envelope. An object that has one of our
// members was already marked, so it is not an envelope.
func (s *Scanner) openEnvelope() (enveloped bool, err error) {
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
	if s.message.Next() != '{' { // a message in plain text
		s.message = jsonscan.Cursor{}
		return false, nil
	}
	return true, nil
}

// nextEvent moves to the objects of the next log event, or leaves the envelope.
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

// unwrap makes the scanner read the text of a message next.
func (s *Scanner) unwrap(message jsonscan.Text) {
	s.message = jsonscan.New(message.Decode(&s.text))
}
