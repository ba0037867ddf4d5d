package sighting

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// loggedRecord is a record and its verdict.
type loggedRecord struct {
	vpc, address, time, rcode, firewall string
	verdict                             verdict.Verdict
}

// itemise counts records in summaries of `each` records and merges these.
func itemise(t *testing.T, records []loggedRecord, each int) string {
	t.Helper()
	whole, part := NewSummary(), NewSummary()
	for i, r := range records {
		text, err := json.Marshal(map[string]string{
			"account_id": "1", "vpc_id": r.vpc, "srcaddr": r.address, "query_timestamp": r.time, "rcode": r.rcode, "firewall_rule_action": r.firewall,
		})
		if err != nil {
			t.Fatal(err)
		}
		var scanner resolverlog.Scanner
		scanner.Reset(text)
		if !scanner.Next() {
			t.Fatalf("record %d: %v", i, scanner.Err())
		}
		part.Itemise(scanner.Object(), r.verdict)
		if (i+1)%each == 0 || i == len(records)-1 {
			whole.Merge(part)
			part = NewSummary()
		}
	}
	var out strings.Builder
	whole.Print(&out)
	_, tables, _ := strings.Cut(out.String(), "\n\n")
	return tables
}

// activityLog returns the records of a busy host, a host with many NXDOMAIN answers, and VPCs
// with days without logs.
func activityLog() []loggedRecord {
	var log []loggedRecord
	for i := range 200 {
		log = append(log, loggedRecord{"vpc-1", "192.0.2.1", fmt.Sprintf("2026-01-01T%02d:30:00Z", i%2), "NOERROR", "", verdict.Clean})
		if i < 120 {
			log[i].rcode = "NXDOMAIN"
		}
	}
	for i := range 100 {
		log = append(log, loggedRecord{"vpc-2", "192.0.2.1", "2026-01-05T00:00:00+02:00", []string{"NXDOMAIN", "nxdomain", "SERVFAIL"}[min(i, 2)], "", verdict.Unknown})
	}
	return append(log,
		loggedRecord{"vpc-1", "192.0.2.7", "2026-01-02T10:00:00Z", "NOERROR", "BLOCK", verdict.Malicious},
		loggedRecord{"vpc-1", "192.0.2.7", "2026-01-02T10:59:59.9Z", "NOERROR", "block", verdict.Malicious},
		loggedRecord{"vpc-1", "192.0.2.8", "2026-01-02T10:59:59Z", "NXDOMAIN", "", verdict.Malicious},
		loggedRecord{"vpc-1", "192.0.2.8", "yesterday", "NXDOMAIN", "", verdict.Allowed},
		loggedRecord{"vpc-1", "192.0.2.8", "2026-01-08T23:59:59Z", "NXDOMAIN", "\x1b[0m", verdict.Clean},
	)
}

const activityTables = `NXDOMAIN rate by host (100 or more queries)
HOST       VPC    QUERIES  NXDOMAIN  PERCENT
192.0.2.1  vpc-1      200       120     60.0
192.0.2.1  vpc-2      100         2      2.0

DNS Firewall actions and verdicts
ACTION   VERDICT    QUERIES  HOSTS
\x1b[0M  clean            1      1
BLOCK    malicious        2      1
none     clean          200      1
none     unknown        100      1
none     allowed          1      1
none     malicious        1      1

Queries by hour and VPC
TIME               VPC    QUERIES  MALICIOUS  ALLOWED  UNKNOWN  MALICIOUS HOSTS
2026-01-01T00:00Z  vpc-1      100          0        0        0                0
2026-01-01T01:00Z  vpc-1      100          0        0        0                0
2026-01-02T10:00Z  vpc-1        3          3        0        0                2
2026-01-04T22:00Z  vpc-2      100          0        0      100                0
2026-01-08T23:00Z  vpc-1        1          0        0        0                0

Days without logs (* means all VPCs together)
FROM        TO          DAYS  VPC
2026-01-01  2026-01-03     3  vpc-2
2026-01-03  2026-01-03     1  *
2026-01-03  2026-01-07     5  vpc-1
2026-01-05  2026-01-07     3  *
2026-01-05  2026-01-08     4  vpc-2

1 logged queries have no readable query_timestamp and are left out of hours and days
`

// The tables do not depend on how the log is cut into parts.
func TestSummary_Itemise(t *testing.T) {
	for _, each := range []int{1, 7, 1000} {
		if diff := cmp.Diff(activityTables, itemise(t, activityLog(), each)); diff != "" {
			t.Errorf("parts of %d records (-want +got):\n%s", each, diff)
		}
	}
}

// A long period is shown by day. Without records nothing is shown.
func TestSummary_Itemise_long(t *testing.T) {
	var log []loggedRecord
	for hour := range 72 {
		log = append(log, loggedRecord{"vpc-1", "192.0.2.1", fmt.Sprintf("2026-01-%02dT%02d:00:00Z", 1+hour/24, hour%24), "NOERROR", "", verdict.Clean})
	}
	want := `Queries by day and VPC
TIME        VPC    QUERIES  MALICIOUS  ALLOWED  UNKNOWN  MALICIOUS HOSTS
2026-01-01  vpc-1       24          0        0        0                0
2026-01-02  vpc-1       24          0        0        0                0
2026-01-03  vpc-1       24          0        0        0                0
`
	if diff := cmp.Diff(want, itemise(t, log, 10)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := itemise(t, nil, 1); got != "" {
		t.Errorf("without records: %s", got)
	}
}

// An indicator counts for each feed that lists it. At most ten are shown for each feed and
// category.
func TestSummary_indicators(t *testing.T) {
	summary := NewSummary()
	for i := range 12 {
		record := seen("192.0.2.1", "x", "2026-01-01T00:00:00Z")
		record.threat.indicator, record.threat.category = fmt.Sprintf("n%02d.example", i), "phishing"
		summary.Add(record, "")
	}
	for i := range 3 {
		record := seen(fmt.Sprintf("192.0.2.%d", i%2), "x", fmt.Sprintf("2026-01-0%dT00:00:00Z", 3-i))
		record.threat.feeds = "alpha, beta"
		summary.Add(record, "")
	}
	veto := seen("192.0.2.9", "x", "2026-01-01T00:00:00Z")
	veto.threat.allowedBy = "evil.example (ours)"
	summary.Add(veto, "")
	var out strings.Builder
	summary.Print(&out)
	_, table, _ := strings.Cut(out.String(), "Top indicators")
	rows := strings.Split(strings.TrimSpace(table), "\n")[2:]
	if len(rows) != 12 || strings.Fields(rows[0])[0] != "alpha" {
		t.Fatalf("%d rows:\n%s", len(rows), table)
	}
	for at, want := range map[int]string{
		0:  "alpha evil.example subtree 3 2 2026-01-01T00:00:00Z 2026-01-03T00:00:00Z",
		10: "alpha phishing n09.example subtree 1 1 2026-01-01T00:00:00Z 2026-01-01T00:00:00Z",
		11: "beta evil.example subtree 3 2 2026-01-01T00:00:00Z 2026-01-03T00:00:00Z",
	} {
		if got := strings.Join(strings.Fields(rows[at]), " "); got != want {
			t.Errorf("row %d: %s, want %s", at, got, want)
		}
	}
}
