package projection_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/projection"
)

var now = time.Date(2026, 3, 9, 13, 5, 0, 0, time.UTC)

// daily returns the parameters of a table like ours.
func daily() map[string]string {
	return map[string]string{
		"projection.enabled": "true", "projection.day.type": "date", "projection.day.format": "yyyy/MM/dd",
		"projection.day.range": "2026/01/01,NOW+1DAY", "projection.day.interval": "1", "projection.day.interval.unit": "DAYS",
		"storage.location.template": "s3://marked/logs/${day}/", "EXTERNAL": "TRUE",
	}
}

func TestPartition(t *testing.T) {
	t.Parallel()
	with := func(changes map[string]string) map[string]string {
		all := daily()
		maps.Copy(all, changes)
		return all
	}
	hourly := with(map[string]string{
		"projection.day.format": "'y='yyyy/MM/dd'/h='HH", "projection.day.range": "y=2026/01/01/h=00,NOW",
		"projection.day.interval.unit": "HOURS"})
	for _, test := range []struct {
		name       string
		parameters map[string]string
		address    string
		want       string // value of the column, or a word of the error after "!"
	}{
		{"today", daily(), "s3://marked/logs/2026/03/09/x.gz", "2026/03/09"},
		{"first day", daily(), "s3://marked/logs/2026/01/01/x.gz", "2026/01/01"},
		{"tomorrow, for clocks that differ", daily(), "s3://marked/logs/2026/03/10/x.gz", "2026/03/10"},
		{"too late", daily(), "s3://marked/logs/2026/03/11/x.gz", "!range"},
		{"too early", daily(), "s3://marked/logs/2025/12/31/x.gz", "!range"},
		{"not a date", daily(), "s3://marked/logs/2026/13/31/x.gz", "!month"},
		{"slash lost", daily(), "s3://marked/logs/2026/03/09x.gz", "!no partition"},
		{"deeper", daily(), "s3://marked/logs/2026/03/09/13/x.gz", "!no partition"},
		{"other prefix", daily(), "s3://marked/failures/2026/03/09/x.gz", "!no partition"},
		{"other bucket", daily(), "s3://other/logs/2026/03/09/x.gz", "!no partition"},
		{"hourly, with words in between", hourly, "s3://marked/logs/y=2026/03/09/h=13/x.gz", "y=2026/03/09/h=13"},
		{"next hour", hourly, "s3://marked/logs/y=2026/03/09/h=14/x.gz", "!range"},
		{"step", with(map[string]string{"projection.day.interval": "2"}), "s3://marked/logs/2026/03/09/x.gz", "!step"},
		{"NOW is cut to the day", with(map[string]string{"projection.day.range": "NOW-1DAYS,NOW"}),
			"s3://marked/logs/2026/03/08/x.gz", "2026/03/08"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			table, err := projection.Parse(test.parameters, []string{"day"})
			if err != nil {
				t.Fatal(err)
			}
			values, err := table.Partition(test.address, now)
			if word, fails := strings.CutPrefix(test.want, "!"); fails {
				if err == nil || !strings.Contains(err.Error(), word) {
					t.Errorf("got %v %v, want a word of %q", values, err, word)
				}
				return
			}
			if err != nil || values["day"] != test.want {
				t.Errorf("got %v %v, want %s", values, err, test.want)
			}
		})
	}
}

func TestPartition_twoColumns(t *testing.T) {
	t.Parallel()
	parameters := daily()
	parameters["projection.kind.type"], parameters["projection.kind.values"] = "enum", "live,remarked"
	parameters["storage.location.template"] = "s3://marked/${kind}/${day}/"
	table, err := projection.Parse(parameters, []string{"day", "kind"})
	if err != nil {
		t.Fatal(err)
	}
	if values, err := table.Partition("s3://marked/live/2026/03/09/x", now); err != nil || values["kind"] != "live" {
		t.Error(values, err)
	}
	if values, err := table.Partition("s3://marked/raw/2026/03/09/x", now); err == nil {
		t.Error("raw is not a value, but a partition was found:", values)
	}
}

func TestParse_refusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, property, value, want string }{
		{"off", "projection.enabled", "false", "enabled"},
		{"other type", "projection.day.type", "injected", "injected"},
		{"other letters", "projection.day.format", "yyyy/MMM", "MMM"},
		{"no format", "projection.day.format", "", "format"},
		{"range in another format", "projection.day.range", "2026-01-01,NOW", "2026-01-01"},
		{"range without an end", "projection.day.range", "2026/01/01", "range"},
		{"other unit", "projection.day.interval.unit", "MONTHS", "MONTHS"},
		{"property of no column", "projection.hour.type", "integer", "projection.hour.type"},
		{"template without the column", "storage.location.template", "s3://marked/logs/", "lacks"},
		{"template without the slash", "storage.location.template", "s3://marked/logs/${day}", "slash"},
		{"template with another column", "storage.location.template", "s3://marked/${day}/${hour}/", "hour"},
	} {
		parameters := daily()
		parameters[test.property] = test.value
		if _, err := projection.Parse(parameters, []string{"day"}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want a word of %q", test.name, err, test.want)
		}
	}
}
