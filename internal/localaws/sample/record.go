package sample

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
