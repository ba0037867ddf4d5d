package athena

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/resolverwatch/resolverwatch/test/localathena"
)

// group returns a workgroup that runs queries with execute.
func group(t *testing.T, execute func(context.Context, string) (*localathena.Result, error)) *WorkGroup {
	t.Helper()
	queries := map[string]string{}
	for i := range 12 {
		queries[fmt.Sprintf("query-%02d", i)] = fmt.Sprintf("SELECT %d", i)
	}
	return client(t, localathena.New(localathena.Config{WorkGroup: "soc", Database: "dns", Queries: queries, Execute: execute}))
}

func client(t *testing.T, service http.Handler) *WorkGroup {
	t.Helper()
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	g := New(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")}, "soc", "dns")
	g.pause = time.Millisecond
	return g
}

func TestWorkGroup_NamedQueries(t *testing.T) {
	t.Parallel()
	queries, err := group(t, nil).NamedQueries(t.Context())
	if err != nil || len(queries) != 12 || queries[11] != (NamedQuery{Name: "query-11", Text: "SELECT 11"}) {
		t.Errorf("%v, %v", queries, err)
	}
}

// Rows come in order from all pages, without the header. NULL is nil, not an empty text.
func TestWorkGroup_Run(t *testing.T) {
	t.Parallel()
	const rows = 2500
	g := group(t, func(_ context.Context, sql string) (*localathena.Result, error) {
		result := &localathena.Result{Columns: []localathena.Column{{Name: "n", Type: "bigint"}, {Name: "none", Type: "varchar"}}, Bytes: 42}
		for i := range rows {
			text := fmt.Sprint(i, sql)
			result.Rows = append(result.Rows, []*string{&text, nil})
		}
		return result, nil
	})
	var states []string
	done, err := g.Run(t.Context(), "!", func(p Progress) { states = append(states, p.State) })
	if err != nil || done.Bytes != 42 || states[0] != "QUEUED" || states[len(states)-1] != "SUCCEEDED" {
		t.Fatalf("%+v, %v, %v", done, states, err)
	}
	n := 0
	err = done.Rows(t.Context(), func(columns []Column) error {
		if len(columns) != 2 || columns[0] != (Column{Name: "n", Type: "bigint"}) {
			t.Errorf("columns %v", columns)
		}
		return nil
	}, func(row Row) error {
		if want := fmt.Sprint(n, "!"); *row[0] != want || row[1] != nil {
			t.Errorf("row %d: %v", n, row)
		}
		n++
		return nil
	})
	if err != nil || n != rows {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestWorkGroup_Run_fails(t *testing.T) {
	t.Parallel()
	g := group(t, func(context.Context, string) (*localathena.Result, error) {
		return nil, errors.New("Bytes scanned limit was exceeded")
	})
	if _, err := g.Run(t.Context(), "SELECT", nil); err == nil || !strings.Contains(err.Error(), "failed: Bytes scanned limit was exceeded") {
		t.Errorf("error %v", err)
	}
}

// If the caller cancels, the query is stopped.
func TestWorkGroup_Run_stopped(t *testing.T) {
	t.Parallel()
	stopped := make(chan struct{})
	g := group(t, func(ctx context.Context, _ string) (*localathena.Result, error) {
		<-ctx.Done()
		close(stopped)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := g.Run(ctx, "SELECT", func(Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		t.Error("the query was not stopped")
	}
}

// If the caller is not allowed to read the status of a query, the query is stopped.
func TestWorkGroup_Run_noStatus(t *testing.T) {
	t.Parallel()
	stopped := make(chan struct{})
	service := localathena.New(localathena.Config{WorkGroup: "soc", Database: "dns", Execute: func(ctx context.Context, _ string) (*localathena.Result, error) {
		<-ctx.Done()
		close(stopped)
		return nil, ctx.Err()
	}})
	g := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetQueryExecution") {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"AccessDeniedException","Message":"not authorized"}`)
			return
		}
		service.ServeHTTP(w, r)
	}))
	if _, err := g.Run(t.Context(), "SELECT", nil); err == nil || !strings.Contains(err.Error(), "not authorized") {
		t.Errorf("error %v", err)
	}
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		t.Error("the query was not stopped")
	}
}

// The results of SHOW and DESCRIBE have no header row.
func TestExecution_Rows_noHeader(t *testing.T) {
	t.Parallel()
	service := localathena.New(localathena.Config{WorkGroup: "soc", Database: "dns", Execute: func(context.Context, string) (*localathena.Result, error) {
		return &localathena.Result{}, nil
	}})
	g := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetQueryResults") {
			fmt.Fprint(w, `{"ResultSet":{"Rows":[{"Data":[{"VarCharValue":"dns_logs"}]},{"Data":[{"VarCharValue":"indicators"}]}],`+
				`"ResultSetMetadata":{"ColumnInfo":[{"Name":"tab_name","Type":"string"}]}}}`)
			return
		}
		service.ServeHTTP(w, r)
	}))
	done, err := g.Run(t.Context(), "SHOW TABLES", nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	err = done.Rows(t.Context(), func([]Column) error { return nil }, func(row Row) error {
		names = append(names, *row[0])
		return nil
	})
	if err != nil || !slices.Equal(names, []string{"dns_logs", "indicators"}) {
		t.Errorf("rows %v, %v", names, err)
	}
}
