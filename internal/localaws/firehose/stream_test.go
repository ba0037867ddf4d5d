package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/lambda"
)

// bucket stores the delivered objects. It refuses the first fail tries.
type bucket struct {
	mu      sync.Mutex
	fail    int
	objects map[string][]byte
	at      []time.Time
}

func (b *bucket) Put(_ context.Context, key string, body []byte, encoding string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail > 0 {
		b.fail--
		return errors.New("503 SlowDown")
	}
	if b.objects == nil {
		b.objects = map[string][]byte{}
	}
	if encoding == "gzip" {
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(r); err != nil {
			return err
		}
	}
	b.objects[key], b.at = body, append(b.at, time.Now())
	return nil
}

func (b *bucket) keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.objects))
}

func (b *bucket) failNext(tries int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = tries
}

// times returns the delivery times of the objects.
func (b *bucket) times() []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.at)
}

// under returns the contents of all objects under a prefix.
func (b *bucket) under(prefix string) string {
	var all []byte
	for _, key := range b.keys() {
		if strings.HasPrefix(key, prefix) {
			b.mu.Lock()
			all = append(all, b.objects[key]...)
			b.mu.Unlock()
		}
	}
	return string(all)
}

// The event and the response of a function, as the function sees them.
type (
	invocation struct {
		InvocationID      string `json:"invocationId"`
		DeliveryStreamArn string `json:"deliveryStreamArn"`
		Region            string `json:"region"`
		Records           []struct {
			RecordID  string  `json:"recordId"`
			Timestamp int64   `json:"approximateArrivalTimestamp"`
			Data      *[]byte `json:"data"`
		} `json:"records"`
	}
	answer struct {
		Records []answerRecord `json:"records"`
	}
	answerRecord struct {
		RecordID string `json:"recordId"`
		Result   string `json:"result"`
		Data     []byte `json:"data"`
	}
)

// function is a processor implemented by a test.
type function func(invocation) (any, error)

func (f function) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var in invocation
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	out, err := f(in)
	if err != nil {
		return nil, err
	}
	if text, raw := out.(string); raw {
		return []byte(text), nil
	}
	return json.Marshal(out)
}

// upper converts every record to upper case.
func upper(in invocation) (any, error) {
	var out answer
	for _, r := range in.Records {
		out.Records = append(out.Records, answerRecord{r.RecordID, "Ok", bytes.ToUpper(*r.Data)})
	}
	return out, nil
}

// newStream starts a stream with short prefixes.
func newStream(t *testing.T, f function, change func(*Config)) (*Stream, *bucket) {
	t.Helper()
	b := &bucket{}
	config := Config{DeliveryStreamName: "test", Bucket: b, Prefix: "data/", ErrorOutputPrefix: "failed/",
		BufferingHints: &BufferingHints{SizeInMBs: 1, IntervalInSeconds: 60}}
	if f != nil {
		config.Processing = NewProcessing(f, "arn:aws:lambda:us-east-1:000000000000:function:f")
	}
	if change != nil {
		change(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s, b
}

func put(t *testing.T, s *Stream, records ...string) {
	t.Helper()
	for _, record := range records {
		if _, err := s.Put([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
}

func closeStream(t *testing.T, s *Stream) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestStream_delivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, upper, func(c *Config) {
			c.Prefix, c.CompressionFormat = "dns/!{timestamp:yyyy/MM/dd}/", GZIP
			c.ErrorOutputPrefix = "failed/!{firehose:error-output-type}/"
		})
		put(t, s, "a\n", "b\n", "")
		closeStream(t, s)
		if got := b.under(""); got != "A\nB\n" {
			t.Errorf("delivered %q", got)
		}
		// The clock of the synctest bubble starts at midnight UTC on 1 January 2000.
		want := regexp.MustCompile(`^dns/2000/01/01/test-1-2000-01-01-00-00-00-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.gz$`)
		if keys := b.keys(); len(keys) != 1 || !want.MatchString(keys[0]) {
			t.Errorf("keys %q", keys)
		}
		if _, err := s.Put(nil); !errors.Is(err, errClosed) {
			t.Errorf("Put after Close: %v", err)
		}
	})
}

// Both buffers are flushed by time, one after the other.
func TestStream_intervals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, upper, func(c *Config) { c.Processing.BufferIntervalInSeconds = 10 })
		start := time.Now()
		put(t, s, "x")
		time.Sleep(69 * time.Second)
		synctest.Wait()
		if len(b.times()) != 0 {
			t.Error("an object was delivered too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if at := b.times(); len(at) != 1 || at[0].Sub(start) != 70*time.Second {
			t.Errorf("delivered at %v, want one object 70 s after the record", at)
		}
		closeStream(t, s)
	})
}

// Both buffers are flushed by size, long before their interval ends.
func TestStream_sizes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sizes []int
		s, b := newStream(t, func(in invocation) (any, error) {
			size := 0
			for _, r := range in.Records {
				size += len(*r.Data)
			}
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, size)
			return upper(in)
		}, func(c *Config) {
			c.Processing.BufferSizeInMBs, c.Processing.BufferIntervalInSeconds = 0.5, 900
			c.BufferingHints = &BufferingHints{SizeInMBs: 1, IntervalInSeconds: 900}
		})
		record := strings.Repeat("x", 200<<10)
		for range 11 { // a batch of 0.5 MiB holds 2, an object of 1 MiB holds 6
			put(t, s, record)
			synctest.Wait()
		}
		mu.Lock()
		diff := cmp.Diff([]int{400 << 10, 400 << 10, 400 << 10, 400 << 10, 400 << 10}, sizes)
		mu.Unlock()
		if diff != "" {
			t.Errorf("bytes of batches: %s", diff)
		}
		if len(b.keys()) != 1 || len(b.under("")) != 6*200<<10 {
			t.Errorf("%d objects with %d bytes, want one object with 6 records", len(b.keys()), len(b.under("")))
		}
		closeStream(t, s)
		if got := len(b.under("")); got != 11*200<<10 {
			t.Errorf("%d bytes after Close, want those of 11 records", got)
		}
	})
}

func TestStream_event(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var events []invocation
		s, _ := newStream(t, func(in invocation) (any, error) {
			events = append(events, in)
			if len(events) == 1 {
				return nil, &lambda.FunctionError{Type: "Error", Message: "once"}
			}
			return upper(in)
		}, nil)
		put(t, s, "a", "", "a")
		closeStream(t, s)
		if len(events) != 2 {
			t.Fatalf("%d invocations, want one failure and one retry", len(events))
		}
		first, again := events[0], events[1]
		if first.InvocationID == again.InvocationID {
			t.Error("the retry has the invocation id of the first try")
		}
		if first.DeliveryStreamArn != "arn:aws:firehose:us-east-1:000000000000:deliverystream/test" || first.Region != "us-east-1" {
			t.Errorf("event = %+v", first)
		}
		ids := map[string]bool{}
		for i, r := range first.Records {
			ids[r.RecordID] = true
			if r.RecordID != again.Records[i].RecordID || r.Timestamp != time.Now().Add(-30*time.Second).UnixMilli() || r.Data == nil {
				t.Errorf("record %d = %+v", i, r)
			}
			if !regexp.MustCompile(`^[0-9]{56,}$`).MatchString(r.RecordID) {
				t.Errorf("record id %q is not a long number", r.RecordID)
			}
		}
		if len(ids) != 3 {
			t.Errorf("%d distinct ids of 3 records", len(ids))
		}
	})
}

// errorLine is a line of a processing-failed object.
type errorLine struct {
	AttemptsMade           int    `json:"attemptsMade"`
	ArrivalTimestamp       int64  `json:"arrivalTimestamp"`
	ErrorCode              string `json:"errorCode"`
	ErrorMessage           string `json:"errorMessage"`
	AttemptEndingTimestamp int64  `json:"attemptEndingTimestamp"`
	RawData                []byte `json:"rawData"`
	LambdaARN              string `json:"lambdaARN"`
}

func errorLines(t *testing.T, b *bucket) []errorLine {
	t.Helper()
	var lines []errorLine
	for text := range strings.Lines(b.under("failed/processing-failed/")) {
		var line errorLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

// Responses of a function for the records "a" and "b", and the results.
func TestStream_answers(t *testing.T) {
	t.Parallel()
	record := func(id, result, data string) string {
		return fmt.Sprintf(`{"recordId":%q,"result":%q,"data":%q}`, id, result, data)
	}
	records := func(all ...string) string { return `{"records":[` + strings.Join(all, ",") + `]}` }
	const okay = "T0s=" // "OK"
	tests := []struct {
		name   string
		answer func(a, b string) string // by the ids of the two records
		want   string                   // delivered
		failed map[string]string        // raw data -> error code
	}{
		{"both", func(a, b string) string { return records(record(a, "Ok", okay), record(b, "Ok", okay)) }, "OKOK", nil},
		{"other order", func(a, b string) string { return records(record(b, "Ok", "Yg=="), record(a, "Ok", "YQ==")) }, "ab", nil},
		{"dropped", func(a, b string) string { return records(record(a, "Dropped", ""), record(b, "Ok", okay)) }, "OK", nil},
		{"processing failed", func(a, b string) string { return records(record(a, "ProcessingFailed", ""), record(b, "Ok", okay)) }, "OK",
			map[string]string{"a": "Lambda.ProcessingFailedStatus"}},
		{"metadata", func(a, b string) string {
			return records(`{"recordId":"`+a+`","result":"Ok","data":"","metadata":{"partitionKeys":{}}}`, record(b, "Ok", okay))
		}, "OK", nil},
		{"missing id", func(_, b string) string { return records(record(b, "Ok", okay)) }, "OK", map[string]string{"a": "Lambda.MissingRecordId"}},
		{"no records", func(_, _ string) string { return records() }, "",
			map[string]string{"a": "Lambda.MissingRecordId", "b": "Lambda.MissingRecordId"}},
		{"unknown id", func(a, b string) string {
			return records(record("x", "Ok", okay), record(a, "Ok", okay), record(b, "Ok", okay))
		}, "OKOK", nil},
		{"duplicate id", func(a, b string) string {
			return records(record(a, "Ok", okay), record(b, "Ok", okay), record(a, "Ok", okay))
		}, "", batchFails("Lambda.DuplicatedRecordId")},
		{"result in wrong case", func(a, b string) string { return records(record(a, "ok", okay), record(b, "Ok", okay)) }, "",
			batchFails("Lambda.FunctionError")},
		{"data not base64", func(a, b string) string { return records(record(a, "Ok", "!"), record(b, "Ok", okay)) }, "",
			batchFails("Lambda.FunctionError")},
		{"missing data", func(a, b string) string {
			return records(`{"recordId":"`+a+`","result":"Ok"}`, record(b, "Ok", okay))
		}, "", batchFails("Lambda.FunctionError")},
		{"null data", func(a, b string) string {
			return records(`{"recordId":"`+a+`","result":"Dropped","data":null}`, record(b, "Ok", okay))
		}, "", batchFails("Lambda.FunctionError")},
		{"member names in wrong case", func(a, b string) string {
			return records(`{"RecordId":"`+a+`","Result":"Ok","Data":""}`, record(b, "Ok", okay))
		}, "", batchFails("Lambda.FunctionError")},
		{"not JSON", func(_, _ string) string { return `{"records":[` }, "", batchFails("Lambda.JsonProcessingException")},
		{"a list", func(_, _ string) string { return `[]` }, "", batchFails("Lambda.JsonProcessingException")},
		{"null", func(_, _ string) string { return `null` }, "", batchFails("Lambda.JsonProcessingException")},
		{"records is not a list", func(_, _ string) string { return `{"records":{}}` }, "", batchFails("Lambda.JsonProcessingException")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				s, b := newStream(t, func(in invocation) (any, error) {
					calls++
					return test.answer(in.Records[0].RecordID, in.Records[1].RecordID), nil
				}, nil)
				put(t, s, "a", "b")
				closeStream(t, s)
				if got := b.under("data/"); got != test.want {
					t.Errorf("delivered %q, want %q", got, test.want)
				}
				got := map[string]string{}
				for _, line := range errorLines(t, b) {
					got[string(line.RawData)] = line.ErrorCode
					if line.AttemptsMade != 1 {
						t.Errorf("%d attempts, want 1", line.AttemptsMade)
					}
				}
				if diff := cmp.Diff(test.failed, got); diff != "" && len(test.failed)+len(got) > 0 {
					t.Errorf("failed: %s", diff)
				}
				if calls != 1 {
					t.Errorf("%d calls, want 1 because responses are never requested again", calls)
				}
			})
		})
	}
}

func batchFails(code string) map[string]string { return map[string]string{"a": code, "b": code} }

// Failed invocations are retried. Then the batch is delivered to the error prefix.
func TestStream_retries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		err      error
		failures int
		retries  int
		wantCode string // "": delivered
		wantTime time.Duration
	}{
		{"function error", &lambda.FunctionError{Type: "X"}, 99, 3, "Lambda.FunctionError", 90 * time.Second},
		{"no retries", &lambda.FunctionError{Type: "X"}, 99, 0, "Lambda.FunctionError", 0},
		{"throttled", lambda.ErrThrottled, 99, 1, "Lambda.InvokeLimitExceeded", 30 * time.Second},
		{"unreachable", errors.New("connection refused"), 99, 1, "Lambda.InternalServerError", 30 * time.Second},
		{"success after retries", lambda.ErrThrottled, 3, 3, "", 90 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				s, b := newStream(t, func(in invocation) (any, error) {
					if calls++; calls <= test.failures {
						return nil, test.err
					}
					return upper(in)
				}, func(c *Config) { c.Processing.NumberOfRetries = test.retries })
				start := time.Now()
				put(t, s, "a", "b")
				closeStream(t, s)
				lines := errorLines(t, b)
				if test.wantCode == "" {
					if len(lines) > 0 || b.under("data/") != "AB" {
						t.Errorf("delivered %q, failed %+v", b.under("data/"), lines)
					}
					return
				}
				if len(lines) != 2 || calls != test.retries+1 {
					t.Fatalf("%d failed records after %d calls, want 2 after %d", len(lines), calls, test.retries+1)
				}
				want := errorLine{AttemptsMade: test.retries + 1, ArrivalTimestamp: start.UnixMilli(), ErrorCode: test.wantCode,
					ErrorMessage: lines[0].ErrorMessage, AttemptEndingTimestamp: start.Add(test.wantTime).UnixMilli(),
					RawData: []byte("a"), LambdaARN: "arn:aws:lambda:us-east-1:000000000000:function:f"}
				if diff := cmp.Diff(want, lines[0]); diff != "" || lines[0].ErrorMessage == "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestStream_bucketDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, upper, nil)
		b.failNext(3)
		put(t, s, "a")
		start := time.Now()
		closeStream(t, s)
		if b.under("data/") != "A" || time.Since(start) != 7*time.Second { // 1 + 2 + 4
			t.Errorf("delivered %q after %v", b.under("data/"), time.Since(start))
		}
	})
}

func TestStream_Close_givesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, upper, nil)
		b.failNext(1 << 30)
		put(t, s, "a", "b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Close(ctx); err == nil || !strings.Contains(err.Error(), "2 records") {
			t.Errorf("got %v, want an error about 2 lost records", err)
		}
	})
}

func TestStream_withoutProcessing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, nil, func(c *Config) { c.FileExtension = ".json" })
		put(t, s, "{}", "{}")
		closeStream(t, s)
		if keys := b.keys(); len(keys) != 1 || !strings.HasSuffix(keys[0], ".json") || b.under("") != "{}{}" {
			t.Errorf("delivered %q in %q, want no delimiter", b.under(""), keys)
		}
	})
}

// Every record has exactly one destination, which the metrics show.
func TestStream_Metrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		results := []string{"Ok", "Dropped", "ProcessingFailed"}
		s, b := newStream(t, func(in invocation) (any, error) {
			var out answer
			for _, r := range in.Records {
				out.Records = append(out.Records, answerRecord{r.RecordID, results[len(*r.Data)%3], []byte("x")})
			}
			return out, nil
		}, nil)
		for i := range 300 {
			put(t, s, strings.Repeat("r", i))
		}
		closeStream(t, s)
		m := s.Metrics()
		if m.IncomingRecords != 300 || m.deliveredRecords != 100 || m.DroppedRecords != 100 ||
			m.failedRecords["Lambda.ProcessingFailedStatus"] != 100 || m.Pending() != 0 || m.objects != len(b.keys()) {
			t.Errorf("metrics = %+v", m)
		}
		if len(b.under("data/")) != 100 || len(errorLines(t, b)) != 100 {
			t.Errorf("%d delivered, %d failed", len(b.under("data/")), len(errorLines(t, b)))
		}
	})
}
