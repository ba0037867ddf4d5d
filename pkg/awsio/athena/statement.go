package athena

import "context"

// Statements is a workgroup that writes. It implements the port Athena of package compactor.
type Statements struct{ Group *WorkGroup }

// Do runs a statement. Its errors contain no text of a record, because they are logged.
func (s Statements) Do(ctx context.Context, sql string) (bytes int64, err error) {
	_, err = s.Group.Run(ctx, sql, func(p Progress) { bytes = p.Bytes })
	if err != nil {
		return bytes, withoutValues(err)
	}
	return bytes, nil
}
