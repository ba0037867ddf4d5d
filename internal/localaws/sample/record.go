package sample

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Words of verdicts, as they stand in marked records.
const (
	Malicious = "malicious"
	Allowed   = "allowed"
	Clean     = "clean"
	Unknown   = "unknown"
)

// Host is who asked.
type Host struct {
	AccountID, VPCID, SrcAddr string
	Instance                  string
}

// Want is what a query must be marked with.
type Want struct {
	Verdict   string
	Reason    string   // of unknown
	Indicator string   // of malicious and allowed
	Part      string   // "query_name" or "answers[i]", of malicious and allowed
	Feeds     []string // sorted
}

// Line is one log object that must be delivered.
type Line struct {
	// Key tells the object from all others: its time stamp and source port.
	Key    string
	Object []byte // as it was before marking
	Marked bool   // it came marked, and must be delivered as it is
	Host   Host
	Query  string // the query name as the log has it
	Want   Want
}

// Record is one Firehose record with what must become of it: its lines are
// delivered, or it fails, or it is dropped.
type Record struct {
	Data   []byte
	Lines  []Line
	Failed string // why it cannot be marked, in words; "" if it can
}

// Dropped reports whether nothing of the record is to be delivered.
func (r *Record) Dropped() bool { return len(r.Lines) == 0 && r.Failed == "" }

// Ledger is the sum of what must come out.
type Ledger struct {
	Records, Dropped int
	Lines            map[string]Line   // by key
	Failed           map[string]string // why, by the record's data
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{Lines: map[string]Line{}, Failed: map[string]string{}}
}

// Add notes what must become of a record.
func (l *Ledger) Add(r *Record) {
	l.Records++
	switch {
	case r.Failed != "":
		l.Failed[string(r.Data)] = r.Failed
	case r.Dropped():
		l.Dropped++
	}
	for _, line := range r.Lines {
		l.Lines[line.Key] = line
	}
}

// Verdicts counts lines by verdict.
func (l *Ledger) Verdicts() map[string]int {
	counts := map[string]int{}
	for _, line := range l.Lines {
		counts[line.Want.Verdict]++
	}
	return counts
}

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
