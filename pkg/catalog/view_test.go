package catalog

import (
	"regexp"
	"strings"
	"testing"
)

// Each partition is in one part of the view. A partition that the copies do not have is read from
// the logs.
func TestViewSQL(t *testing.T) {
	t.Parallel()
	all := ViewSQL(Copied{})
	if strings.Contains(all, "WHERE") || !strings.HasSuffix(all, `"arrived" FROM dns_logs`) {
		t.Errorf("without copies the view is %s", all)
	}
	columns := regexp.MustCompile(`SELECT .* FROM`)
	for _, tt := range []struct {
		copied Copied
		want   string
	}{
		{Copied{First: "2026/11/01", Last: "2026/11/03"},
			"* dns_logs WHERE arrived < '2026/11/01' OR arrived > '2026/11/03'\nUNION ALL\n* dns_logs_compacted WHERE arrived BETWEEN '2026/11/01' AND '2026/11/03'"},
		{Copied{First: "2026/11/01", Last: "2026/11/03", Except: []string{"2026/11/01", "2026/11/02"}},
			"* dns_logs WHERE arrived < '2026/11/01' OR arrived > '2026/11/03' OR arrived IN ('2026/11/01', '2026/11/02')\nUNION ALL\n" +
				"* dns_logs_compacted WHERE arrived BETWEEN '2026/11/01' AND '2026/11/03' AND arrived NOT IN ('2026/11/01', '2026/11/02')"},
		{Copied{First: "day='1'", Last: "day='2'"},
			"* dns_logs WHERE arrived < 'day=''1''' OR arrived > 'day=''2'''\nUNION ALL\n* dns_logs_compacted WHERE arrived BETWEEN 'day=''1''' AND 'day=''2'''"},
	} {
		if got := columns.ReplaceAllString(ViewSQL(tt.copied), "*"); got != tt.want {
			t.Errorf("got %s\nwant %s", got, tt.want)
		}
	}
}

func TestCopySQL(t *testing.T) {
	t.Parallel()
	got := regexp.MustCompile(`SELECT .* FROM`).ReplaceAllString(CopySQL("2026/11/01", "s3://out/compacted/2026/11/01/"), "*")
	const want = "UNLOAD (* dns_logs WHERE arrived = '2026/11/01')\nTO 's3://out/compacted/2026/11/01/' WITH (format = 'PARQUET', compression = 'SNAPPY')"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestPrestoType(t *testing.T) {
	t.Parallel()
	for glue, want := range map[string]string{
		"string": "varchar", "int": "integer", "bigint": "bigint", "array<string>": "array(varchar)",
		"array<struct<rdata:string,n:int>>":                      "array(row(rdata varchar, n integer))",
		"struct<a:string,b:array<struct<c:int,d:string>>,e:int>": "row(a varchar, b array(row(c integer, d varchar)), e integer)",
	} {
		if got := PrestoType(glue); got != want {
			t.Errorf("%s: got %s, want %s", glue, got, want)
		}
	}
}
