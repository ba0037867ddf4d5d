package resolverlog

import (
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
//   - a DNS Activity of OCSF, as Route 53 Global Resolver and Security Lake write it
//   - `{"message":"<log objects>"}`, an object without a query name; the message can also be
//     a log object itself
//   - the CloudWatch Logs envelope, an object with `messageType` and `logEvents`; the
//     `message` of each event contains log objects. A control message contains none.
//   - the answer of FilterLogEvents or GetLogEvents: `{"events":[{"message":"..."}]}`
//   - `{"Records":[...]}`, with log objects or with events that have a message
//
// Envelopes do not nest. Any other object is returned unchanged, without a query name. The
// zero Scanner is empty and ready for [Scanner.Reset]. Reusing a Scanner allocates nothing.
// It is not safe for concurrent use.
type Scanner struct {
	record  jsonscan.Cursor // the record, whose objects can be envelopes
	events  jsonscan.Cursor // the rest of the log events of an envelope
	message jsonscan.Cursor // the rest of the log objects of an envelope
	inside  bool            // events is in use

	object   Object
	envelope envelope // members of the current object, if it is an envelope
	ocsf     ocsf     // members of the current object, if it is OCSF
	err      error

	members jsonscan.Shape // of objects
	answers jsonscan.Shape // of their answers

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
			if found, err := s.nextEvent(); found || err != nil {
				return found, err
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
	s.envelope.reset()
	s.ocsf.reset()
	if err := s.members.Open(c); err != nil {
		return err
	}

	start := c.Pos() - 1
	for s.object.Empty = true; ; s.object.Empty = false {
		name, tag, more, err := s.members.Member(c, memberTag)
		if err != nil {
			return err
		}
		if !more {
			s.object.Bytes = c.Since(start)
			s.setShape()
			return nil
		}
		if err := s.readValue(c, tag, name.Decode(&s.name)); err != nil {
			return err
		}
	}
}

// setShape sets the shape of an object that was read, and the values of an OCSF object.
func (s *Scanner) setShape() {
	switch {
	case s.object.QueryName.IsSet():
		s.object.Shape = ShapeResolver
	case s.ocsf.hostname.IsSet():
		s.object.Shape = ShapeOCSF
		s.ocsf.fill(&s.object)
	}
}

// openEnvelope enters the current object if it is an envelope. An object that has one of our
// members was already marked, so it is not an envelope.
func (s *Scanner) openEnvelope() (enveloped bool, err error) {
	if !s.envelope.used || s.object.Shape != ShapeOther || s.object.Reserved != "" {
		return false, nil
	}

	switch s.envelope.kind(&s.name) {
	case envelopeControl:
		return true, nil
	case envelopeSetAside:
		return false, errSetAside
	case envelopeTable:
		return false, errTable
	case envelopeEvents:
		s.events = jsonscan.New(s.envelope.list)
		s.inside = true
		return true, s.events.Open('[')
	case envelopeMessage:
		s.message = s.envelope.open(&s.text)
		if s.message.Next() != '{' { // a message in plain text
			s.message = jsonscan.Cursor{}
			return false, nil
		}
		return true, nil
	default:
		return false, nil
	}
}

// nextEvent moves to the objects of the next log event, or leaves the envelope. found means
// that the event is itself a log object, which is then the current object.
func (s *Scanner) nextEvent() (found bool, err error) {
	more, err := s.events.Element()
	if !more {
		s.inside = false
		return false, err
	}

	if err := s.read(&s.events); err != nil {
		return false, fmt.Errorf("reading a log event: %w", err)
	}

	switch {
	case s.envelope.hasMessage():
		s.message = s.envelope.open(&s.text)
		return false, nil
	case s.object.Shape != ShapeOther:
		return true, nil
	default:
		return false, fmt.Errorf("reading a log event: %w", errNoMessage)
	}
}
