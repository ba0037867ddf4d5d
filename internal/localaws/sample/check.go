package sample

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// MarkedRecord is what a check reads of a marked log object.
type MarkedRecord struct {
	Time       string `json:"query_timestamp"`
	Port       string `json:"srcport"`
	Verdict    string `json:"verdict"`
	Reason     string `json:"verdict_reason"`
	Generation uint64 `json:"index_generation"`
	Threat     struct {
		Indicator string   `json:"indicator"`
		Part      string   `json:"part"`
		Feeds     []string `json:"feeds"`
	} `json:"threat"`
}

// Read decodes a marked log object.
func Read(marked []byte) (MarkedRecord, error) {
	var record MarkedRecord
	err := json.Unmarshal(marked, &record)
	return record, err
}

// Key is the key of the line that the object was.
func (m *MarkedRecord) Key() string { return m.Time + "/" + m.Port }

// Check returns an error if marked is not the line's object, byte for byte, with the
// mark that it must have.
func (l *Line) Check(marked []byte) error {
	object := l.Object
	if !l.Marked {
		object = object[:len(object)-1] // what follows the last member is new
	}
	if !bytes.HasPrefix(marked, object) || !bytes.HasSuffix(marked, []byte("}\n")) {
		return fmt.Errorf("query %q: the bytes of the record were changed to %s", l.Query, marked)
	}
	got, err := Read(marked)
	if err != nil {
		return fmt.Errorf("query %q: is no JSON any more: %w", l.Query, err)
	}
	return l.CheckMark(&got)
}

// CheckMark returns an error if the record has not the mark that the line must have.
func (l *Line) CheckMark(got *MarkedRecord) error {
	have := Want{got.Verdict, got.Reason, got.Threat.Indicator, got.Threat.Part, got.Threat.Feeds}
	want := l.Want
	switch {
	case have.Verdict != want.Verdict || have.Reason != want.Reason:
		return fmt.Errorf("query %q: verdict %s %s, want %s %s",
			l.Query, have.Verdict, have.Reason, want.Verdict, want.Reason)
	case have.Indicator != want.Indicator || have.Part != want.Part:
		return fmt.Errorf("query %q: indicator %q in %s, want %q in %s",
			l.Query, have.Indicator, have.Part, want.Indicator, want.Part)
	case !slices.Equal(have.Feeds, want.Feeds):
		return fmt.Errorf("query %q: feeds %q, want %q", l.Query, have.Feeds, want.Feeds)
	}
	return nil
}
