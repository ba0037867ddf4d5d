package resolverlog

import (
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

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
