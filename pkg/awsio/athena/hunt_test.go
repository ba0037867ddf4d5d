package athena

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/hunter"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localathena"
)

var _ hunter.Athena = Hunts{}

func TestHunts_Query(t *testing.T) {
	t.Parallel()
	h := Hunts{group(t, nil)}
	if text, err := h.Query(t.Context(), "query-07"); text != "SELECT 7" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := h.Query(t.Context(), "query-99"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

// The first rows of a result of several pages are kept, and the others are counted.
func TestHunts_Run(t *testing.T) {
	t.Parallel()
	h := Hunts{group(t, func(context.Context, string) (*localathena.Result, error) {
		result := &localathena.Result{Columns: []localathena.Column{{Name: "n", Type: "bigint"}, {Name: "none", Type: "varchar"}}, Bytes: 42}
		for i := range 2500 {
			text := fmt.Sprint(i)
			result.Rows = append(result.Rows, []*string{&text, nil})
		}
		return result, nil
	})}
	result, err := h.Run(t.Context(), "SELECT", 1200)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Rows) != 1200 || result.More != 1300 || result.Bytes != 42 || strings.Join(result.Columns, " ") != "n none" ||
		*result.Rows[1199][0] != "1199" || result.Rows[0][1] != nil {
		t.Errorf("%d rows, %d more, %d bytes, columns %q", len(result.Rows), result.More, result.Bytes, result.Columns)
	}
}

// Reasons of the query engine can quote values of records, so only their code is in the error.
// Reasons of Athena are whole, and a query that scanned too much says what to do.
func TestHunts_Run_errors(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"HIVE_BAD_DATA: Error parsing field value 'evil.example' for field 3":   "HIVE_BAD_DATA; the history of the workgroup has the details",
		"INVALID_CAST_ARGUMENT: Cannot cast 'evil.example' to timestamp":        "INVALID_CAST_ARGUMENT; the history",
		"Bytes scanned limit was exceeded":                                      "Bytes scanned limit was exceeded: choose a shorter look-back, or raise catalog.bytesScannedLimitGiB",
		"Insufficient permissions to execute the query. Access denied on table": "Access denied on table",
	} {
		h := Hunts{group(t, func(context.Context, string) (*localathena.Result, error) { return nil, errors.New(reason) })}
		result, err := h.Run(t.Context(), "SELECT", 10)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "evil.example") {
			t.Errorf("%s: error %v, want one that contains %q", reason, err, want)
		}
		if result == nil {
			t.Errorf("%s: no result", reason)
		}
	}
}

// When its time is over, a query is stopped, and its result has the bytes that it scanned.
func TestHunts_Run_stopped(t *testing.T) {
	t.Parallel()
	stopped := make(chan struct{})
	h := Hunts{group(t, func(ctx context.Context, _ string) (*localathena.Result, error) {
		<-ctx.Done()
		close(stopped)
		return nil, ctx.Err()
	})}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if result, err := h.Run(ctx, "SELECT", 10); !errors.Is(err, context.DeadlineExceeded) || result == nil {
		t.Errorf("result %v, error %v", result, err)
	}
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		t.Error("the query was not stopped")
	}
}
