package resolverwatch

import (
	"strings"
	"testing"
)

func TestNewProjection(t *testing.T) {
	for _, test := range []struct {
		name, prefix string
		want         projection
	}{
		{"the default", deliveryDefaults.Prefix,
			projection{folder: "dns-query-logs/", format: "yyyy/MM/dd", sql: "%Y/%m/%d", unit: "DAYS"}},
		{"by hour", "logs/!{timestamp:yyyy/MM/dd/HH}/",
			projection{folder: "logs/", format: "yyyy/MM/dd/HH", sql: "%Y/%m/%d/%H", unit: "HOURS"}},
		{"no expression: Firehose appends the hour", "logs/",
			projection{folder: "logs/", format: "yyyy/MM/dd/HH", sql: "%Y/%m/%d/%H", unit: "HOURS"}},
		{"one Hive column", "logs/dt=!{timestamp:yyyy-MM-dd}/",
			projection{folder: "logs/dt=", format: "yyyy-MM-dd", sql: "%Y-%m-%d", unit: "DAYS"}},
		{"several Hive columns are one value", "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/",
			projection{folder: "year=", format: "yyyy'/month='MM'/day='dd", sql: "%Y/month=%m/day=%d", unit: "DAYS"}},
		{"text after the day", "!{timestamp:yyyy/MM/dd}/resolver/",
			projection{format: "yyyy/MM/dd", sql: "%Y/%m/%d", after: "/resolver/", unit: "DAYS"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want.after == "" {
				test.want.after = "/"
			}
			got, err := newProjection(test.prefix)
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestNewProjection_refuses(t *testing.T) {
	for _, test := range []struct{ name, prefix, want string }{
		{"random keys", "logs/!{firehose:random-string}/!{timestamp:yyyy/MM/dd}/", "cannot compute"},
		{"dynamic partitions", "!{partitionKeyFromLambda:vpc}/", "cannot compute"},
		{"days that do not sort", "!{timestamp:dd/MM/yyyy}/", "in this order"},
		{"only months", "!{timestamp:yyyy/MM}/", "year, month and day"},
		{"minutes", "!{timestamp:yyyy/MM/dd/HH/mm}/", "in this order"},
		{"a quotation mark", "bob's/!{timestamp:yyyy/MM/dd}/", "quotation mark"},
		{"a leading slash", "/logs/", "must not begin with a slash"},
		{"half an expression", "logs/!{timestamp:yyyy/", "of the form !{namespace:value}"},
		{"an Athena variable", "logs/${day}/", "of the form !{namespace:value}"},
		{"too long", strings.Repeat("a", 513), "at most 512"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := newProjection(test.prefix); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %+v, %v; want an error with %q", got, err, test.want)
			}
		})
	}
}

func TestCheckPrefix(t *testing.T) {
	for prefix, want := range map[string]string{
		deliveryDefaults.Prefix:             "",
		"logs/!{firehose:random-string}/":   "",
		"!{partitionKeyFromQuery:x}/":       "must not use !{partitionKeyFromQuery:...}: the stream has no dynamic partitioning",
		"l/!{firehose:error-output-type}/":  "must not use !{firehose:error-output-type}, which belongs in ErrorPrefix",
		"l/!{partitionKeyFromLambda:vpc}/x": "must not use !{partitionKeyFromLambda:...}",
	} {
		err := checkPrefix(prefix)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", prefix, err, want)
		}
	}
}

func TestCheckErrorPrefix(t *testing.T) {
	for prefix, want := range map[string]string{
		deliveryDefaults.ErrorPrefix:            "",
		"errors/!{firehose:error-output-type}/": "",
		"errors/":                               "must contain !{firehose:error-output-type}",
		"errors/!{timestamp:yyyy}/":             "must contain !{firehose:error-output-type}",
		"e/!{firehose:error-output-type}/!{partitionKeyFromQuery:x}/": "must not use !{partitionKeyFromQuery:...}",
	} {
		err := checkErrorPrefix(prefix)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", prefix, err, want)
		}
	}
}

// Every prefix is either rejected, or its keys are in the partitions.
func FuzzNewProjection(f *testing.F) {
	f.Add(deliveryDefaults.Prefix)
	f.Add("year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/")
	f.Fuzz(func(t *testing.T, text string) {
		prefix, _ := withSlash(text)
		p, err := newProjection(prefix)
		if err != nil {
			return
		}
		written := text
		if !strings.Contains(prefix, "!{") {
			prefix += hourlyExpression
		}
		values := map[string]string{"yyyy": "2026", "MM": "11", "dd": "26", "HH": "16"}
		key := expression.ReplaceAllStringFunc(prefix, func(e string) string {
			value := e[len("!{timestamp:") : len(e)-1]
			for field, digits := range values {
				value = strings.ReplaceAll(value, field, digits)
			}
			return value
		})
		partition := strings.ReplaceAll(p.format, "'", "")
		for field, digits := range values {
			partition = strings.Replace(partition, field, digits, 1)
		}
		if got := p.folder + partition + p.after; got != key && !strings.ContainsAny(written, "yMdH") {
			t.Errorf("%q: partition at %q, keys at %q", written, got, key)
		}
	})
}
