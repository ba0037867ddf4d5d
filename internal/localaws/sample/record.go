package sample

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Verdicts, as written in marked records.
const (
	Malicious = "malicious"
	Allowed   = "allowed"
	Clean     = "clean"
	Unknown   = "unknown"
)

// Host is the machine that sent a query.
type Host struct {
	VPCID, SrcAddr string
	Instance       string
	accountID      string
}

// Want is the expected result of a query.
type Want struct {
	Verdict   string
	Reason    string   // if the verdict is unknown
	Indicator string   // if the verdict is malicious or allowed
	Part      string   // "query_name" or "answers[i]", if the verdict is malicious or allowed
	Feeds     []string // sorted
}

// Line is a log object that must be delivered.
type Line struct {
	// Key identifies the object by its time stamp and source port.
	Key    string
	Object []byte // before marking
	marked bool   // already marked, so it must be delivered unchanged
	Host   Host
	Query  string // query name as written in the log
	Want   Want
}

// Record is a Firehose record with its expected result: its lines are delivered, or it fails, or
// it is dropped.
type Record struct {
	Data   []byte
	Lines  []Line
	Failed string // why it cannot be marked, or "" if it can
}

// isDropped reports whether the record must be dropped.
func (r *Record) isDropped() bool { return len(r.Lines) == 0 && r.Failed == "" }

// Ledger collects the expected results of records.
type Ledger struct {
	Records, Dropped int
	Lines            map[string]Line   // by key
	Failed           map[string]string // reasons, by the data of the record
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{Lines: map[string]Line{}, Failed: map[string]string{}}
}

// Add adds the expected result of a record.
func (l *Ledger) Add(r *Record) {
	l.Records++
	switch {
	case r.Failed != "":
		l.Failed[string(r.Data)] = r.Failed
	case r.isDropped():
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

// MarkedRecord contains the members of a marked log object that checks compare.
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

// Key returns the key of the [Line] with this object.
func (m *MarkedRecord) Key() string { return m.Time + "/" + m.Port }

// Check returns an error unless marked consists of the unchanged bytes of the object and the
// expected mark.
func (l *Line) Check(marked []byte) error {
	object := l.Object
	if !l.marked {
		object = object[:len(object)-1] // the mark replaces the closing brace
	}

	if !bytes.HasPrefix(marked, object) || !bytes.HasSuffix(marked, []byte("}\n")) {
		return fmt.Errorf("query %q: the bytes of the record changed to %s", l.Query, marked)
	}
	got, err := Read(marked)
	if err != nil {
		return fmt.Errorf("query %q: decoding the marked JSON: %w", l.Query, err)
	}
	return l.CheckMark(&got)
}

// CheckMark returns an error unless the record has the expected mark.
func (l *Line) CheckMark(got *MarkedRecord) error {
	have := Want{
		Verdict:   got.Verdict,
		Reason:    got.Reason,
		Indicator: got.Threat.Indicator,
		Part:      got.Threat.Part,
		Feeds:     got.Threat.Feeds,
	}
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
