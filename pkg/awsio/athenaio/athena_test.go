package athenaio_test

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

	"github.com/resolverwatch/resolverwatch/pkg/awsio/athenaio"
	athena "github.com/resolverwatch/resolverwatch/test/localathena"
)

// group serves a workgroup whose engine is execute.
func group(t *testing.T, execute func(context.Context, string) (*athena.Result, error)) *athenaio.WorkGroup {
	t.Helper()
	queries := map[string]string{}
	for i := range 12 {
		queries[fmt.Sprintf("query-%02d", i)] = fmt.Sprintf("SELECT %d", i)
	}
	return client(t, athena.New(athena.Config{WorkGroup: "soc", Database: "dns", Queries: queries, Execute: execute}))
}

func client(t *testing.T, service http.Handler) *athenaio.WorkGroup {
	t.Helper()
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	g := athenaio.New(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")}, "soc", "dns")
	g.Pause = time.Millisecond
	return g
}

func TestWorkGroup_NamedQueries(t *testing.T) {
	t.Parallel()
	queries, err := group(t, nil).NamedQueries(t.Context())
	if err != nil || len(queries) != 12 || queries[11] != (athenaio.NamedQuery{Name: "query-11", Text: "SELECT 11"}) {
		t.Errorf("%v, %v", queries, err)
	}
}

// Rows come in order over all pages, without the header, and NULL is no empty text.
func TestWorkGroup_Run(t *testing.T) {
	t.Parallel()
	const rows = 2500
	g := group(t, func(_ context.Context, sql string) (*athena.Result, error) {
		result := &athena.Result{Columns: []athena.Column{{Name: "n", Type: "bigint"}, {Name: "none", Type: "varchar"}}, Bytes: 42}
		for i := range rows {
			text := fmt.Sprint(i, sql)
			result.Rows = append(result.Rows, []*string{&text, nil})
		}
		return result, nil
	})
	var states []string
	done, err := g.Run(t.Context(), "!", func(p athenaio.Progress) { states = append(states, p.State) })
	if err != nil || done.Bytes != 42 || states[0] != "QUEUED" || states[len(states)-1] != "SUCCEEDED" {
		t.Fatalf("%+v, %v, %v", done, states, err)
	}
	n := 0
	err = done.Rows(t.Context(), func(columns []athenaio.Column) error {
		if len(columns) != 2 || columns[0] != (athenaio.Column{Name: "n", Type: "bigint"}) {
			t.Errorf("columns %v", columns)
		}
		return nil
	}, func(row athenaio.Row) error {
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
	g := group(t, func(context.Context, string) (*athena.Result, error) {
		return nil, errors.New("Bytes scanned limit was exceeded")
	})
	if _, err := g.Run(t.Context(), "SELECT", nil); err == nil || !strings.Contains(err.Error(), "failed: Bytes scanned limit was exceeded") {
		t.Errorf("error %v", err)
	}
}

// Who goes away leaves no query behind that costs on.
func TestWorkGroup_Run_stopped(t *testing.T) {
	t.Parallel()
	stopped := make(chan struct{})
	g := group(t, func(ctx context.Context, _ string) (*athena.Result, error) {
		<-ctx.Done()
		close(stopped)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := g.Run(ctx, "SELECT", func(athenaio.Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		t.Error("the query runs on")
	}
}

// Nor does who can start a query, and then is told nothing of it.
func TestWorkGroup_Run_noWord(t *testing.T) {
	t.Parallel()
	stopped := make(chan struct{})
	service := athena.New(athena.Config{WorkGroup: "soc", Database: "dns", Execute: func(ctx context.Context, _ string) (*athena.Result, error) {
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
		t.Error("the query runs on")
	}
}

// SHOW and DESCRIBE answer without a row of names.
func TestExecution_Rows_noHeader(t *testing.T) {
	t.Parallel()
	service := athena.New(athena.Config{WorkGroup: "soc", Database: "dns", Execute: func(context.Context, string) (*athena.Result, error) {
		return &athena.Result{}, nil
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
	err = done.Rows(t.Context(), func([]athenaio.Column) error { return nil }, func(row athenaio.Row) error {
		names = append(names, *row[0])
		return nil
	})
	if err != nil || !slices.Equal(names, []string{"dns_logs", "indicators"}) {
		t.Errorf("rows %v, %v", names, err)
	}
}
