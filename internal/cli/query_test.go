package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	athena "github.com/resolverwatch/resolverwatch/test/localathena"
)

const hostsQuery = `-- Who asked?
--
-- Parameters:
--   from   timestamp  queries since then; a week ago if not set
--   host   text       address; any if not set
--   top    integer    rows; 10 if not set
SELECT host FROM logs WHERE asked_at >= /*from:*/now()/*:from*/ AND /*host:*/''/*:host*/ IN ('', host) LIMIT /*top:*/10/*:top*/
`

const aroundQuery = `-- What did one host ask?
-- Parameters:
--   srcaddr  text       address of the host, must be given
--   from     timestamp  queries since then (a week ago if not set)
--   until    timestamp  queries before then (now if not set)
SELECT name FROM logs WHERE srcaddr = /*srcaddr:*/'192.0.2.1'/*:srcaddr*/ AND asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND asked_at < /*until:*/current_timestamp/*:until*/
`

// Each file in testdata/query is a session with Athena, whose engine returns the same result for
// every query.
func TestQueryScripts(t *testing.T) {
	engine := athena.New(athena.Config{WorkGroup: "Resolverwatch", Database: "resolverwatch", Execute: canned,
		Queries: map[string]string{"around": aroundQuery, "hosts": hostsQuery, "user-query": "SELECT 1", "broken": "-- Why?\nSELECT broken"}})
	runAthenaScripts(t, "testdata/query", engine)
}

// runAthenaScripts runs the sessions of a folder with Athena and a stack.
func runAthenaScripts(t *testing.T, folder string, engine http.Handler) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), athena.TargetPrefix) {
			engine.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Resolverwatch</StackName>
			<CreationTime>2026-11-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>
			<member><OutputKey>WorkGroupName</OutputKey><OutputValue>Resolverwatch</OutputValue></member>
			<member><OutputKey>DatabaseName</OutputKey><OutputValue>resolverwatch</OutputValue></member>
			</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)
	}))
	t.Cleanup(server.Close)
	testscript.Run(t, testscript.Params{
		Dir:           folder,
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1",
				"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exitcode": exitCode},
	})
}

// canned returns cells of every kind: a spreadsheet formula, a terminal escape sequence, NULL and
// numbers.
func canned(_ context.Context, sql string) (*athena.Result, error) {
	if strings.Contains(sql, "broken") {
		return nil, errors.New("SYNTAX_ERROR: line 2:8: Column 'broken' cannot be resolved")
	}
	row := func(cells ...string) (row []*string) {
		for _, cell := range cells {
			if cell == "NULL" {
				row = append(row, nil)
				continue
			}
			row = append(row, &cell)
		}
		return row
	}
	return &athena.Result{
		Columns: []athena.Column{{Name: "name", Type: "varchar"}, {Name: "logged_queries", Type: "bigint"}, {Name: "percent", Type: "double"}},
		Rows: [][]*string{
			row("evil.example", "12", "73.1"), row(`=cmd|"/c calc"!A1`, "-1", "NaN"), row("\x1b[31mred", "NULL", "0.0"),
		},
		Bytes: 1_234_567,
	}, nil
}
