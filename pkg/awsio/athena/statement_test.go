package athena

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/compactor"
	"github.com/resolverwatch/resolverwatch/test/localathena"
)

var _ compactor.Athena = Statements{}

// A statement returns the bytes that it scanned, and its errors quote no record.
func TestStatements_Do(t *testing.T) {
	t.Parallel()
	var ran string
	s := Statements{group(t, func(_ context.Context, sql string) (*localathena.Result, error) {
		if ran = sql; strings.HasPrefix(sql, "UNLOAD") {
			return &localathena.Result{Bytes: 42}, nil
		}
		return nil, errors.New("HIVE_BAD_DATA: Error parsing field value 'evil.example' for field 3")
	})}
	if bytes, err := s.Do(t.Context(), "UNLOAD (SELECT 1)"); bytes != 42 || err != nil || ran != "UNLOAD (SELECT 1)" {
		t.Errorf("%d bytes, error %v, after %q", bytes, err, ran)
	}
	if _, err := s.Do(t.Context(), "CREATE OR REPLACE VIEW"); err == nil || strings.Contains(err.Error(), "evil.example") ||
		!strings.Contains(err.Error(), "HIVE_BAD_DATA") {
		t.Errorf("error %v", err)
	}
}
