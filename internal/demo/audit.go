package demo

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
)

// Keys that objects in the log bucket may have.
var (
	dataKey    = regexp.MustCompile(`^dns-query-logs/\d{4}/\d\d/\d\d/resolverwatch-1-[-0-9a-f]+\.json\.gz$`)
	failureKey = regexp.MustCompile(`^delivery-failures/processing-failed/\d{4}/\d\d/\d\d/resolverwatch-1-[-0-9a-f]+\.json\.gz$`)
)

// failedErrorCode is Firehose's error code for a record that the transformer could not mark.
const failedErrorCode = "Lambda.ProcessingFailedStatus"

// findings is the result of reading all objects in the log bucket.
type findings struct {
	marked   map[string]sample.MarkedRecord // lines by key
	failed   map[string]int                 // records by the reason why they could not be marked
	verdicts map[string]int
	sighted  []sighting
	dropped  int
	objects  int
	bytes    int // compressed
	problems []error
}

// sighting is a host with malicious queries for one indicator.
type sighting struct {
	host      sample.Host
	indicator string
	feeds     string
	queries   int
}

// maxProblems limits the problems that are reported one by one.
const maxProblems = 10

// auditor compares what the pipeline delivered with what was sent.
type auditor struct {
	stack  *localaws.Stack
	ledger *sample.Ledger
}

// audit reads all objects and compares every line and every failed record with the expected
// result.
func (a *auditor) audit(ctx context.Context) (*findings, error) {
	f := &findings{marked: map[string]sample.MarkedRecord{}, failed: map[string]int{}, verdicts: map[string]int{}}
	client := s3.NewFromConfig(a.stack.AWSConfig())
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(localaws.LogBucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			if err := a.auditObject(ctx, client, f, aws.ToString(object.Key)); err != nil {
				return nil, fmt.Errorf("object %s: %w", aws.ToString(object.Key), err)
			}
		}
	}
	f.problems = append(a.auditTotals(f), f.problems...)
	if more := len(f.problems) - maxProblems; more > 0 {
		f.problems = append(f.problems[:maxProblems], fmt.Errorf("and %d more", more))
	}
	return f, errors.Join(f.problems...)
}

func (a *auditor) auditObject(ctx context.Context, client *s3.Client, f *findings, key string) error {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(localaws.LogBucket), Key: &key})
	if err != nil {
		return err
	}
	packed, err := io.ReadAll(out.Body)
	if err := errors.Join(err, out.Body.Close()); err != nil {
		return err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}

	f.objects++
	f.bytes += len(packed)
	check := a.auditLine
	switch {
	case failureKey.MatchString(key):
		check = a.auditFailure
	case !dataKey.MatchString(key):
		return errors.New("unexpected key")
	}
	for line := range bytes.Lines(text) {
		if err := check(f, line); err != nil {
			f.problems = append(f.problems, err)
		}
	}
	return nil
}

// auditLine checks one marked record.
func (a *auditor) auditLine(f *findings, line []byte) error {
	got, err := sample.Read(line)
	if err != nil {
		return fmt.Errorf("delivered line %q: %w", line, err)
	}
	want, known := a.ledger.Lines[got.Key()]
	if !known {
		return fmt.Errorf("delivered line was never sent: %s", bytes.TrimSpace(line))
	}
	if _, twice := f.marked[got.Key()]; twice {
		return fmt.Errorf("delivered twice: %s", bytes.TrimSpace(line))
	}
	f.marked[got.Key()] = got
	f.verdicts[got.Verdict]++
	if got.Verdict == sample.Malicious {
		f.addSighting(want.Host, got.Threat.Indicator, strings.Join(got.Threat.Feeds, ", "))
	}
	return want.Check(line)
}

func (f *findings) addSighting(host sample.Host, indicator, feeds string) {
	at := slices.IndexFunc(f.sighted, func(s sighting) bool { return s.host == host && s.indicator == indicator })
	if at < 0 {
		at = len(f.sighted)
		f.sighted = append(f.sighted, sighting{host: host, indicator: indicator, feeds: feeds})
	}
	f.sighted[at].queries++
}

// sort sorts the sightings by queries, the most first. The order is the same in every run.
func (f *findings) sort() {
	slices.SortFunc(f.sighted, func(a, b sighting) int {
		return cmp.Or(b.queries-a.queries, cmp.Compare(a.host.SrcAddr, b.host.SrcAddr), cmp.Compare(a.indicator, b.indicator))
	})
}

// auditFailure checks one record that could not be marked.
func (a *auditor) auditFailure(f *findings, line []byte) error {
	var got struct {
		AttemptsMade int    `json:"attemptsMade"`
		ErrorCode    string `json:"errorCode"`
		RawData      []byte `json:"rawData"`
	}
	if err := json.Unmarshal(line, &got); err != nil {
		return fmt.Errorf("failed record %q: %w", line, err)
	}
	why, known := a.ledger.Failed[string(got.RawData)]
	switch {
	case !known:
		return fmt.Errorf("valid record failed with %s: %s", got.ErrorCode, got.RawData)
	case got.ErrorCode != failedErrorCode || got.AttemptsMade != 1:
		return fmt.Errorf("record %q failed with %s after %d attempts, want %s after 1",
			got.RawData, got.ErrorCode, got.AttemptsMade, failedErrorCode)
	}
	f.failed[why]++
	return nil
}

// auditTotals checks the totals, so that missing records are found.
func (a *auditor) auditTotals(f *findings) (problems []error) {
	failed := 0
	for _, count := range f.failed {
		failed += count
	}
	metrics := a.stack.Stream.Metrics()
	f.dropped = metrics.DroppedRecords
	for _, sum := range []struct {
		name      string
		got, want int
	}{
		{"records received by Firehose", metrics.IncomingRecords, a.ledger.Records},
		{"delivered lines", len(f.marked), len(a.ledger.Lines)},
		{"failed records", failed, len(a.ledger.Failed)},
		{"dropped records", f.dropped, a.ledger.Dropped},
	} {
		if sum.got != sum.want {
			problems = append(problems, fmt.Errorf("%s: %d, want %d", sum.name, sum.got, sum.want))
		}
	}
	for verdict, want := range a.ledger.Verdicts() {
		if got := f.verdicts[verdict]; got != want {
			problems = append(problems, fmt.Errorf("%s records: %d, want %d", verdict, got, want))
		}
	}
	f.sort()
	return problems
}
