package firehoseparquet_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
	"github.com/resolverwatch/resolverwatch/test/system/firehoseparquet"
)

func logSchema(t testing.TB) *firehoseparquet.Schema {
	t.Helper()
	var columns []firehoseparquet.Column
	for _, column := range catalog.Columns() {
		columns = append(columns, firehoseparquet.Column{Name: column.Name, Type: column.Type})
	}
	return schema(t, columns...)
}

// expected returns the row for a marked record, decoded without the code under test. It has every
// column of the catalog, with null for missing members.
func expected(t testing.TB, line string) map[string]any {
	t.Helper()
	var log struct {
		Answers *[]struct{ Rdata, Type, Class *string }
		Srcids  json.RawMessage
		More    json.RawMessage `json:"additional_properties"`
		Index   *int64          `json:"index_generation"`
		Threat  *struct {
			Indicator, Scope, Matched, Part, Category, Severity *string
			Feeds                                               []any
			Confidence                                          *int32
			AllowedBy                                           *string `json:"allowed_by"`
			MoreParts                                           *int32  `json:"more_parts"`
			MoreFeeds                                           *int32  `json:"more_feeds"`
		}
	}
	var texts map[string]any
	if err := json.Unmarshal([]byte(line), &log); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if err := json.Unmarshal([]byte(line), &texts); err != nil {
		t.Fatal(err)
	}
	row := map[string]any{}
	for _, column := range catalog.Columns() {
		row[column.Name] = texts[column.Name]
	}
	if log.Answers != nil {
		answers := []any{}
		for _, a := range *log.Answers {
			answers = append(answers, map[string]any{"rdata": orNull(a.Rdata), "type": orNull(a.Type), "class": orNull(a.Class)})
		}
		row["answers"] = answers
	}
	if log.Srcids != nil {
		row["srcids"] = string(log.Srcids) // already without spaces and in lower case
	}
	if log.More != nil {
		row["additional_properties"] = string(log.More) // the same
	}
	row["index_generation"] = orNull(log.Index)
	if threat := log.Threat; threat != nil {
		row["threat"] = map[string]any{"indicator": orNull(threat.Indicator), "scope": orNull(threat.Scope),
			"matched": orNull(threat.Matched), "part": orNull(threat.Part), "category": orNull(threat.Category),
			"severity": orNull(threat.Severity), "feeds": threat.Feeds, "confidence": orNull(threat.Confidence),
			"allowed_by": orNull(threat.AllowedBy), "more_parts": orNull(threat.MoreParts),
			"more_feeds": orNull(threat.MoreFeeds)}
	}
	return row
}

func orNull[T any](v *T) any {
	if v == nil {
		return nil
	}
	return *v
}

// The golden marked records survive the conversion, including nulls and empty lists.
func TestGolden(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("../../../pkg/verdict/testdata/marked.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(golden)), "\n")
	rows := converted(t, logSchema(t), string(golden))
	if len(rows) != len(lines) {
		t.Fatalf("%d rows of %d lines", len(rows), len(lines))
	}
	seen := map[string]int{}
	for i, line := range lines {
		if diff := cmp.Diff(expected(t, line), rows[i]); diff != "" {
			t.Errorf("line %d (-JSON +Parquet):\n%s", i+1, diff)
		}
		for _, kind := range []struct {
			name  string
			found bool
		}{
			{"no threat", rows[i]["threat"] == nil}, {"a threat", rows[i]["threat"] != nil},
			{"no srcids", rows[i]["srcids"] == nil}, {"srcids as a list", rows[i]["srcids"] == `["i-0a1b2c3d"]`},
			{"additional_properties", rows[i]["additional_properties"] == `{"is_delayed":true}`},
			{"no answers", rows[i]["answers"] == nil}, {"no index", rows[i]["index_generation"] == nil},
			{"empty answers", rows[i]["answers"] != nil && len(rows[i]["answers"].([]any)) == 0},
		} {
			if kind.found {
				seen[kind.name]++
			}
		}
	}
	for _, kind := range []string{"no threat", "a threat", "no srcids", "srcids as a list", "no answers", "empty answers", "no index",
		"additional_properties"} {
		if seen[kind] == 0 {
			t.Errorf("no golden record has %s", kind)
		}
	}
}

// The records of the demo survive the conversion after marking, in all shapes.
func TestSampleRecords(t *testing.T) {
	t.Parallel()
	s := logSchema(t)
	marker := verdict.NewMarker(nil, verdict.Options{})
	generator := sample.New(1, time.Date(2026, time.October, 1, 0, 0, 0, 0, time.UTC))
	checked := 0
	for range 2_000 {
		record := generator.Next()
		if len(record.Lines) == 0 {
			continue
		}
		var marked []byte
		for _, line := range record.Lines {
			var err error
			if marked, err = marker.Mark(marked, line.Object); err != nil {
				t.Fatal(err)
			}
		}
		rows := converted(t, s, string(marked))
		lines := bytes.Split(bytes.TrimSuffix(marked, []byte("\n")), []byte("\n"))
		if len(rows) != len(lines) {
			t.Fatalf("%d rows of %d lines", len(rows), len(lines))
		}
		for i, line := range lines {
			if diff := cmp.Diff(expected(t, string(line)), rows[i]); diff != "" {
				t.Fatalf("%s (-JSON +Parquet):\n%s", line, diff)
			}
			checked++
		}
	}
	t.Logf("%d records", checked)
}
