package athena

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/hunter"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Hunts is a workgroup as the hunter uses it. It implements the port Athena of package hunter.
type Hunts struct{ Group *WorkGroup }

// Query returns the text of a named query, or [storage.ErrNotFound].
func (h Hunts) Query(ctx context.Context, name string) (string, error) {
	queries, err := h.Group.NamedQueries(ctx)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(queries, func(q NamedQuery) bool { return q.Name == name })
	if at < 0 {
		return "", storage.ErrNotFound
	}
	return queries[at].Text, nil
}

// Run runs a query and returns its first rows. Its errors contain no text of a record, because
// they are logged.
func (h Hunts) Run(ctx context.Context, sql string, most int) (*hunter.Result, error) {
	result := &hunter.Result{}
	done, err := h.Group.Run(ctx, sql, func(p Progress) { result.Bytes = p.Bytes })
	if err != nil {
		return result, withoutValues(err)
	}
	err = done.Rows(ctx, func(columns []Column) error {
		for _, column := range columns {
			result.Columns = append(result.Columns, column.Name)
		}
		return nil
	}, func(row Row) error {
		if len(result.Rows) == most {
			result.More++
			return nil
		}
		result.Rows = append(result.Rows, row)
		return nil
	})
	return result, err
}

// errorCode matches a reason of the query engine: a code, and a text that can quote values of
// records. The reasons of Athena itself, about permissions and limits, have no code.
var errorCode = regexp.MustCompile(`^([A-Z][A-Z0-9_]{3,}):`)

// overLimit is in the reason of a query that Athena cancelled because it scanned too much.
const overLimit = "Bytes scanned limit was exceeded"

// withoutValues returns an error without the part that can quote values of records.
func withoutValues(err error) error {
	var ended *endedError
	if !errors.As(err, &ended) {
		return err
	}
	if found := errorCode.FindStringSubmatch(ended.reason); found != nil {
		return fmt.Errorf("query %s: %s: %s; the history of the workgroup has the details", ended.id, ended.state, found[1])
	}
	if strings.Contains(ended.reason, overLimit) {
		return fmt.Errorf("%w: %w: choose a shorter look-back, or raise catalog.bytesScannedLimitGiB", hunter.ErrLimit, err)
	}
	return err
}
