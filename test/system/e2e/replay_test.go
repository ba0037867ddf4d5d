//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
)

// replayed is what `replay -o json` prints.
type replayed struct {
	Objects, Records, Changed, Quarantined int
	DoneBefore                             int `json:"done_before"`
	ChangedAway                            int `json:"changed_away"`
}

// bringBack has a broken transformer fail everything, and brings it back with the command: through
// the stream and as objects. Then it has unknown records marked again. It returns a summary.
func (m *machine) bringBack(t *testing.T, ledger *sample.Ledger) string {
	t.Helper()
	said := "records came back: "
	if m.hasStream() {
		said += fmt.Sprintf("%d through the stream, ", m.comeBack(t, ledger, 2, "stream"))
		said += fmt.Sprintf("%d as objects, ", m.comeBack(t, ledger, 3, "objects"))
	} else {
		m.quarantineAll(t, ledger)
	}
	return said + fmt.Sprintf("%d unknown", m.markUnknown(t, ledger))
}

// divertedRecords is how many records a broken transformer fails: enough for each scenario, shape
// and envelope, and for several batches of a replay.
const divertedRecords = 1200

// comeBack diverts records and replays them. All of them must come back marked, none twice, but
// those that nobody can mark: these must be kept. So do records that failed without an index.
func (m *machine) comeBack(t *testing.T, ledger *sample.Ledger, seed uint64, to string) (records int) {
	t.Helper()
	generator, all := sample.New(seed, time.Now().Add(-time.Duration(seed)*time.Hour)), []sample.Record{}
	var want replayed
	for range divertedRecords {
		record := generator.Next()
		if _, known := ledger.Failed[string(record.Data)]; known { // some say only their number
			continue
		}
		all = append(all, record)
		if record.Failed != "" {
			want.Quarantined++
			ledger.Add(&record)
		} else {
			want.Records++
			m.diverted[string(record.Data)] = true
		}
	}
	m.sendThrough(t, m.brokenTransformer(), all)
	m.audit(t, ledger)  // nothing has come through
	if to == "stream" { // it is the first replay
		want.Records += m.comeBackEarly(ledger)
		want.Quarantined = len(ledger.Failed)
	}
	for _, record := range all {
		if record.Failed == "" {
			record.Lines = unmarked(record.Lines)
			ledger.Add(&record)
		}
	}
	m.replayTo(t, to, want)
	m.audit(t, ledger)
	return want.Records
}

// mark is how the sample marks an object before it is sent.
var mark = []byte(`,"verdict":"clean","index_generation":1}`)

// unmarked returns lines as they are when a replay has taken the marks off with which they came.
func unmarked(lines []sample.Line) (all []sample.Line) {
	for _, line := range lines {
		if object, marked := bytes.CutSuffix(line.Object, mark); marked {
			line = sample.Line{Key: line.Key, Object: append(bytes.Clone(object), '}'), Host: line.Host, Query: line.Query, Want: line.Want}
		}
		all = append(all, line)
	}
	return all
}

// replayTo runs the command: without effect, in fact, and again with nothing left to do.
func (m *machine) replayTo(t *testing.T, to string, want replayed) {
	t.Helper()
	if m.hasStream() {
		stream := m.openStream(t, m.transformer)
		m.stand.set(func() { m.stand.streams = newStreams(firehose.API{m.outputs["DeliveryStreamName"]: stream}) })
		defer m.close(t, stream)
	}
	var dry, done, again replayed
	m.operate(t, &dry, "replay", "--to", to, "--dry-run")
	m.operate(t, &done, "replay", "--to", to, "--rate", "0")
	m.operate(t, &again, "replay", "--to", to)
	for name, got := range map[string]replayed{"a dry run": dry, "a replay": done} {
		if got.Records != want.Records || got.Quarantined != want.Quarantined || got.Objects == 0 {
			t.Errorf("%s to the %s does %+v, want %d records and %d in the quarantine", name, to, got, want.Records, want.Quarantined)
		}
	}
	if again.Objects != 0 || again.DoneBefore != done.Objects+done.DoneBefore {
		t.Errorf("a second replay does %+v after %+v", again, done)
	}
}

// brokenTransformer returns the transformer without its settings: it cannot start.
func (m *machine) brokenTransformer() functionConfig {
	broken := m.transformer
	broken.Environment.Variables = nil
	return broken
}

// comeBackEarly expects the record to come back that failed because there was no index.
func (m *machine) comeBackEarly(ledger *sample.Ledger) (n int) {
	if m.early == nil {
		return 0
	}
	delete(ledger.Failed, string(m.early.Data))
	m.diverted[string(m.early.Data)] = true
	ledger.Add(m.early)
	return 1
}

// quarantineAll replays the lines that the marker set aside: no marker can read them.
func (m *machine) quarantineAll(t *testing.T, ledger *sample.Ledger) {
	t.Helper()
	m.replayTo(t, "objects", replayed{Quarantined: len(ledger.Failed)})
	m.audit(t, ledger)
}

// markUnknown marks records again that came before the first index. The marked objects are
// replaced, so no record is there twice, and an event about the log object changes nothing.
func (m *machine) markUnknown(t *testing.T, ledger *sample.Ledger) (n int) {
	t.Helper()
	for key, line := range ledger.Lines {
		if line.Want.Reason == "no_index" {
			line.Want = sample.Want{Verdict: sample.Clean}
			ledger.Lines[key] = line
			n++
		}
	}
	var done, again replayed
	m.operate(t, &done, "replay", "--what", "unknown")
	m.operate(t, &again, "replay", "--what", "unknown")
	replaced := done.Changed + done.ChangedAway // the client may repeat a call, which then finds its own object
	if done.Records != n || replaced != n || again.Records != 0 || again.Changed != 0 {
		t.Errorf("unknown records came back in %+v and %+v, want %d in as many objects, and none again", done, again, n)
	}
	m.audit(t, ledger)
	if m.hasLogBucket() {
		m.tell(t, m.eventOf(m.logs.first.key, m.logs.first.etag, ""))
		if back := m.poll(t); back > 0 {
			t.Errorf("the marker gives back %d messages", back)
		}
		m.audit(t, ledger)
	}
	return n
}
