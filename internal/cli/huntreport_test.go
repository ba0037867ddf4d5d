package cli

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	athena "github.com/resolverwatch/resolverwatch/test/localathena"
)

// Each file in testdata/hunt is a session with Athena that hunts.
func TestHuntScripts(t *testing.T) {
	runAthenaScripts(t, "testdata/hunt", athena.New(athena.Config{
		WorkGroup: "Resolverwatch", Database: "resolverwatch", Execute: cannedHunt,
		Queries: map[string]string{
			"retro-hunt": huntedQuery, "coverage": boundedQuery("coverage"), "unknown-verdicts": boundedQuery("unknown"),
		},
	}))
}

// boundedQuery returns a query with the parameters that all queries of a period have.
func boundedQuery(from string) string {
	return `-- What?
--
-- Parameters:
--   from   timestamp  start of the period (30 days ago if not set)
--   until  timestamp  end of the period (now if not set)
SELECT * FROM ` + from + ` WHERE asked_at BETWEEN /*from:*/current_timestamp - INTERVAL '30' DAY/*:from*/ AND /*until:*/current_timestamp/*:until*/
`
}

const huntedQuery = `-- Which hosts queried a name before it was on a list?
--
-- Parameters:
--   since  timestamp  entries since then (a week ago if not set)
--   from   timestamp  start of the period (30 days ago if not set)
--   until  timestamp  end of the period (now if not set)
SELECT * FROM hunted WHERE added_at > /*since:*/current_timestamp - INTERVAL '7' DAY/*:since*/
  AND asked_at BETWEEN /*from:*/current_timestamp - INTERVAL '30' DAY/*:from*/ AND /*until:*/current_timestamp/*:until*/
`

// cannedHunt returns the rows of a hunt, and of the queries for its report.
func cannedHunt(_ context.Context, sql string) (*athena.Result, error) {
	var columns, cells []string
	switch {
	case strings.Contains(sql, "FROM hunted") && strings.Contains(sql, "2026-11-05"): // the end of the period
		columns = hunt.Columns
		cells = []string{"111122223333", "vpc-1", "10.0.0.1", "i-1", "newbad.example", "subtree", "new other", "c2", "critical", "80",
			"2026-11-04T00:00:00.000Z", "<b>.newbad.example", "7", "5", "2026-11-02T10:00:00Z", "2026-11-03T11:00:00Z"}
	case strings.Contains(sql, "FROM coverage"):
		columns, cells = []string{"day", "vpc_id", "last_logged"}, []string{"2026-11-03", "vpc-7", "2026-11-02"}
	case strings.Contains(sql, "FROM unknown"):
		columns, cells = []string{"reason", "logged_queries"}, []string{"no_index", "1234"}
	default:
		return nil, errors.New("unexpected query: " + sql)
	}
	result := &athena.Result{}
	var row []*string
	for i, name := range columns {
		result.Columns = append(result.Columns, athena.Column{Name: name, Type: "varchar"})
		row = append(row, &cells[i])
	}
	result.Rows = [][]*string{row}
	return result, nil
}
