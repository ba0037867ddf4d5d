package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Errors of [Decode] that are about a message as a whole.
var (
	errVersion  = errors.New("unknown version of a message") // a newer program wrote it
	errTooLarge = errors.New("message is too large")         // or a list or a text in it
)

// Decode reads a message. Members that it does not know pass, because a newer program may
// write them. A message of another version is an error, as is one that is larger than
// [Message.Encode] writes any. The error says which member is wrong, and never contains a text
// of the message.
func Decode(body []byte) (*Message, error) {
	if len(body) > maxBytes {
		return nil, fmt.Errorf("decoding a message of %d bytes: %w: at most %d bytes", len(body), errTooLarge, maxBytes)
	}

	var version struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(body, &version); err != nil {
		return nil, fmt.Errorf("decoding a message: %w", explain(err))
	}
	switch {
	case version.Version == nil:
		return nil, errors.New(`decoding a message: the member "version" is missing`)
	case *version.Version != Version:
		return nil, fmt.Errorf("decoding a message: %w: %d, but this program reads version %d; update it",
			errVersion, *version.Version, Version)
	}

	m := &Message{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("decoding a message: %w", explain(err))
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("decoding a message: %w", err)
	}
	m.unify()
	return m, nil
}

// explain returns an error of the decoder without texts of the message.
func explain(err error) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: must be of type %s", wrong.Field, wrong.Type)
	case errors.As(err, &syntax):
		return fmt.Errorf("byte %d: not valid JSON", syntax.Offset)
	default:
		return errors.New("a member has a value that cannot be read, such as a time that is not RFC 3339")
	}
}

// unify gives values that can be written in several ways the form that this package writes:
// severities in lower case, and times in UTC.
func (m *Message) unify() {
	for i := range m.Rows {
		r := &m.Rows[i]
		r.Severity = severityOf(r.Severity).String()
		r.FirstSeen, r.LastSeen = r.FirstSeen.UTC(), r.LastSeen.UTC()
	}
}

// validate returns what is wrong with a message.
func (m *Message) validate() error {
	origins := []Origin{OriginFirehose, OriginS3, OriginBackfill, OriginHunt}
	switch {
	case !slices.Contains(origins, m.Origin):
		return fmt.Errorf("origin: must be one of %v", origins)
	case m.Origin == OriginHunt && m.Query == "" && m.Test == "":
		return errors.New("query: a hunt must have one")
	case m.Test != "" && !isID(m.Test):
		return fmt.Errorf("test: must be %d hexadecimal digits", idDigits)
	case m.TruncatedRows < 0:
		return errors.New("truncated_rows: must not be negative")
	case m.TruncatedRecords < 0:
		return errors.New("truncated_records: must not be negative")
	case len(m.Rows) > MaxRows:
		return fmt.Errorf("rows: %w: %d, at most %d", errTooLarge, len(m.Rows), MaxRows)
	case len(m.Stack) > MaxWordBytes:
		return tooLong("stack", MaxWordBytes)
	case len(m.Query) > MaxWordBytes:
		return tooLong("query", MaxWordBytes)
	}
	for i := range m.Rows {
		if err := m.Rows[i].validate(); err != nil {
			return fmt.Errorf("rows[%d].%w", i, err)
		}
	}
	return nil
}

// isID reports whether text is an id: 32 hexadecimal digits in lower case.
func isID(text string) bool {
	if len(text) != idDigits {
		return false
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func tooLong(member string, limit int) error {
	return fmt.Errorf("%s: %w: at most %d bytes", member, errTooLarge, limit)
}

// validate returns what is wrong with a row.
func (r *Row) validate() error {
	for _, text := range []struct {
		member, text string
		limit        int
	}{
		{"account_id", r.AccountID, MaxWordBytes},
		{"region", r.Region, MaxWordBytes},
		{"vpc_id", r.VPCID, MaxWordBytes},
		{"srcaddr", r.SrcAddr, MaxWordBytes},
		{"instance", r.Instance, MaxWordBytes},
		{"indicator", r.Indicator, MaxNameBytes},
		{"scope", r.Scope, MaxWordBytes},
		{"matched", r.Matched, MaxNameBytes},
		{"part", r.Part, MaxWordBytes},
		{"category", r.Category, MaxWordBytes},
	} {
		if len(text.text) > text.limit {
			return tooLong(text.member, text.limit)
		}
	}

	switch {
	case severityOf(r.Severity) == 0:
		return errors.New("severity: must be low, medium, high or critical")
	case r.Confidence < 0 || r.Confidence > 100:
		return errors.New("confidence: must be in [0, 100]")
	case r.Firewall != "" && r.Firewall != FirewallAlert && r.Firewall != FirewallBlock:
		return errors.New("firewall: must be ALERT or BLOCK, or absent")
	case r.Records < 0:
		return errors.New("records: must not be negative")
	}
	return r.validateLists()
}

// validateLists returns what is wrong with the feeds and the details of a row.
func (r *Row) validateLists() error {
	if len(r.Feeds) > MaxFeeds {
		return fmt.Errorf("feeds: %w: at most %d", errTooLarge, MaxFeeds)
	}
	for _, feed := range r.Feeds {
		if len(feed) > MaxWordBytes {
			return tooLong("feeds", MaxWordBytes)
		}
	}

	if len(r.Details) > maxDetails {
		return fmt.Errorf("details: %w: at most %d", errTooLarge, maxDetails)
	}
	for name, value := range r.Details {
		if len(name) > MaxWordBytes || len(value) > maxDetailBytes {
			return tooLong("details", maxDetailBytes)
		}
	}
	return nil
}
