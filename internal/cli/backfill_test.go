package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// The dry run says what would be marked, and what that costs.
func TestBackfillOptions_printPlan(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := backfillOptions{form: formText}
	if err := b.printPlan(&out, &backfill.Plan{Tasks: 25, Objects: 2500, Bytes: 25<<20 + 1, Marked: 3, NotLogs: 1}); err != nil {
		t.Fatal(err)
	}
	want := `dry run: 2500 objects with 26 MiB would be marked, in 25 tasks
cost, without storage: about 0.02 dollars (2500 objects: S3 requests 0.01, state machine 0.00, functions 0.00; list prices of us-east-1, 2026-11-30)
3 objects are marked already
1 objects are not logs of Resolver
`
	if out.String() != want {
		t.Errorf("got %s", &out)
	}
}

// The same days and VPCs are the same backfill, so that a second command follows it.
func TestBackfillOptions_defaultRun(t *testing.T) {
	t.Parallel()
	request := &backfill.Request{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 1, 6, 30, 0, 0, time.UTC)}
	for want, b := range map[string]backfillOptions{
		"20261001T0000-20261101T0630":              {},
		"20261001T0000-20261101T0630-vpc-0a":       {vpcs: []string{"vpc-0a"}},
		"20261001T0000-20261101T0630-2-vpcs-alert": {vpcs: []string{"vpc-0a", "vpc-0b"}, alert: true},
	} {
		if got := b.defaultRun(request); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The first objects that could not be marked are named, without anything that a terminal obeys.
func TestPrintFailed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	printFailed(&out, &backfill.Tally{Failed: 12, First: []marker.ObjectError{
		{Key: "AWSLogs/a.log.gz", Error: "the object is not gzip"}, {Key: "AWSLogs/\x1b[31mb", Error: "not\na log"},
	}})
	const want = "AWSLogs/a.log.gz: the object is not gzip\nAWSLogs/\\x1b[31mb: not\\na log\nand 10 more objects\n"
	if out.String() != want {
		t.Errorf("got %q", &out)
	}
}
