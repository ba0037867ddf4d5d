package namedquery_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

const text = `-- Who asked?
--
-- One row per host.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from      timestamp  start of the period; a week ago if not set
--   at_least  integer    rows; 10 if not set
--   vpc       text       id of the VPC; any if not set
SELECT 1 WHERE a >= /*from:*/now()
  - INTERVAL '7' DAY/*:from*/ AND b >= /*at_least:*/10/*:at_least*/ AND /*vpc:*/''/*:vpc*/ IN ('', c)
  AND d >= /*from:*/now()/*:from*/
`

func ExampleQuery_Fill() {
	query, err := namedquery.Parse("-- Who?\n-- Parameters:\n--   from  timestamp  since then\nWHERE t > /*from:*/now()/*:from*/")
	if err != nil {
		panic(err)
	}
	sql, err := query.Fill(map[string]string{"from": "2026-11-01"})
	if err != nil {
		panic(err)
	}
	fmt.Println(sql[strings.Index(sql, "WHERE"):])
	// Output: WHERE t > from_iso8601_timestamp('2026-11-01T00:00:00Z')
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := namedquery.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []namedquery.Parameter{
		{Name: "from", Type: "timestamp", Description: "start of the period; a week ago if not set"},
		{Name: "at_least", Type: "integer", Description: "rows; 10 if not set"},
		{Name: "vpc", Type: "text", Description: "id of the VPC; any if not set"},
	}
	if got.Question != "Who asked?" || !cmp.Equal(got.Parameters, want) {
		t.Errorf("got %+v", got)
	}
	if same, err := got.Fill(nil); err != nil || same != text {
		t.Errorf("without values, got\n%s\n%v", same, err)
	}
}

func TestParse_errors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"no comment", "SELECT 1", "does not start with a comment"},
		{"not used", "-- Who?\n-- Parameters:\n--   from  timestamp  since then\nSELECT 1", `"from": is not used`},
		{"not declared", "-- Who?\nSELECT /*top:*/1/*:top*/", `"top": is not declared`},
		{"unknown type", "-- Who?\n-- Parameters:\n--   top  float  rows\nSELECT /*top:*/1/*:top*/", `type "float" must be`},
		{"crossed names", "-- Who?\nSELECT /*a:*/1/*:b*/", `ends with the name "b"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := namedquery.Parse(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestQuery_Fill(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, parameter, value, want, wantErr string
	}{
		{"time", "from", "2026-11-01T08:00:00+02:00", "a >= from_iso8601_timestamp('2026-11-01T06:00:00Z') AND b", ""},
		{"every use", "from", "2026-11-01", "d >= from_iso8601_timestamp('2026-11-01T00:00:00Z')\n", ""},
		{"age", "from", "36h", "a >= current_timestamp - INTERVAL '36' HOUR AND b", ""},
		{"invalid time", "from", "yesterday", "", `"yesterday" must be a time`},
		{"injection in a time", "from", "1d' --", "", "must be a time"},
		{"number", "at_least", "007", "b >= 7 AND", ""},
		{"invalid number", "at_least", "1 OR 1=1", "", "must be a whole number"},
		{"negative number", "at_least", "-1", "", "must be a whole number"},
		{"text", "vpc", "vpc-1", "'vpc-1' IN", ""},
		{"quotation mark", "vpc", "' OR '1'='1", "''' OR ''1''=''1' IN", ""},
		{"dollar sign", "vpc", "${1}$0", "'${1}$0' IN", ""},
		{"placeholder", "vpc", "/*from:*/x/*:from*/", "'/*from:*/x/*:from*/' IN", ""},
		{"line end", "vpc", "a\nb", "", "must not contain control characters"},
		{"unknown parameter", "until", "7d", "", "unknown parameter until: the query has from, at_least, vpc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			query, err := namedquery.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := query.Fill(map[string]string{test.parameter: test.value})
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Errorf("error %v, want %q", err, test.wantErr)
				}
				return
			}
			if err != nil || !strings.Contains(got, test.want) {
				t.Errorf("got %s\n%v, want %q in it", got, err, test.want)
			}
		})
	}
}

func TestQuery_Check(t *testing.T) {
	t.Parallel()
	query, err := namedquery.Parse(`-- What?
-- Parameters:
--   host   text       address, must be given
--   from   timestamp  since then (a week ago if not set)
--   until  timestamp  before then (now if not set)
WHERE h = /*host:*/''/*:host*/ AND t >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND t < /*until:*/current_timestamp/*:until*/
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, host, from, until, want string }{
		{"defaults", "192.0.2.1", "", "", ""},
		{"not given", "", "", "", "parameter host: must be given: address"},
		{"both days given", "x", "2026-11-01", "2026-11-08", ""},
		{"default from, until a day ago", "x", "", "1d", ""},
		{"wrong order", "x", "2026-11-08", "2026-11-01", "until: is 2026-11-01T00:00:00Z but must be later than from"},
		{"empty period", "x", "2026-11-01", "2026-11-01", "must be later"},
		{"until before the default of from", "x", "", "2026-11-01", "which is 2026-11-03T12:00:00Z: set both"},
		{"from in the future", "x", "2026-11-11", "", "until: is 2026-11-10T12:00:00Z"},
		{"invalid time", "x", "soon", "", ""}, // Fill reports it
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			values := map[string]string{}
			for name, value := range map[string]string{"host": test.host, "from": test.from, "until": test.until} {
				if value != "" {
					values[name] = value
				}
			}
			err := query.Check(values, time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]string{
		"7d": "2026-11-03T12:00:00Z", "90m": "2026-11-10T10:30:00Z", "2026-11-01": "2026-11-01T00:00:00Z",
		"2026-11-01T08:00:00+02:00": "2026-11-01T06:00:00Z", "2026-11-01T08:00": "2026-11-01T08:00:00Z",
		"2026-11-01 08:00:05": "2026-11-01T08:00:05Z", "yesterday": "", "": "", "7": "",
	} {
		got, err := namedquery.Moment(value, now)
		if (err == nil) != (want != "") || err == nil && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v, want %q", value, got, err, want)
		}
	}
}
