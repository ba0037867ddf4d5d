package keyprefix

import (
	"strings"
	"testing"
	"time"
)

// oldest is 10:30 UTC on 27 August 2018, the time of the examples in AWS's documentation, in
// another time zone.
var oldest = time.Date(2018, 8, 27, 12, 30, 5, 0, time.FixedZone("CEST", 2*60*60))

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		data, failed     string
		wantData, wantTo string
	}{
		{
			name:     "empty",
			wantData: "2018/08/27/10/", wantTo: "processing-failed/2018/08/27/10/",
		}, {
			name: "literal", data: "logs/",
			wantData: "logs/2018/08/27/10/", wantTo: "logs/processing-failed/2018/08/27/10/",
		}, {
			name: "literal without slash", data: "logs",
			wantData: "logs2018/08/27/10/", wantTo: "logsprocessing-failed/2018/08/27/10/",
		}, {
			name: "both literal", data: "logs/", failed: "bad/",
			wantData: "logs/2018/08/27/10/", wantTo: "bad/processing-failed/2018/08/27/10/",
		}, {
			name: "error type only", failed: "bad/!{firehose:error-output-type}/",
			wantData: "2018/08/27/10/", wantTo: "bad/processing-failed/",
		}, {
			name:     "the stack's default",
			data:     "dns-query-logs/!{timestamp:yyyy/MM/dd}/",
			failed:   "delivery-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/",
			wantData: "dns-query-logs/2018/08/27/", wantTo: "delivery-failures/processing-failed/2018/08/27/",
		}, {
			name: "no slash is appended", data: "a/!{timestamp:yyyy/MM/dd}", failed: "b/!{firehose:error-output-type}",
			wantData: "a/2018/08/27", wantTo: "b/processing-failed",
		}, {
			name: "fields and quotes", data: "!{timestamp:'year='yyyy'/it''s 'yy-MM-dd'T'HH.mm.ss'/'DDD}", failed: "!{firehose:error-output-type}",
			wantData: "year=2018/it's 18-08-27T10.30.05/239", wantTo: "processing-failed",
		}, {
			name: "several expressions", data: "y=!{timestamp:yyyy}/m=!{timestamp:MM}/", failed: "!{firehose:error-output-type}/!{firehose:error-output-type}",
			wantData: "y=2018/m=08/", wantTo: "processing-failed/processing-failed",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			data, failed, err := Parse(test.data, test.failed)
			if err != nil {
				t.Fatal(err)
			}
			if got := data.Key(oldest, ProcessingFailed, Random); got != test.wantData {
				t.Errorf("Prefix = %q, want %q", got, test.wantData)
			}
			if got := failed.Key(oldest, ProcessingFailed, Random); got != test.wantTo {
				t.Errorf("ErrorOutputPrefix = %q, want %q", got, test.wantTo)
			}
		})
	}
}

func TestParse_refusals(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, data, failed, want string }{
		{"expression without an error prefix", "!{timestamp:yyyy}/", "", "cannot be null"},
		{"error prefix without the type", "", "bad/!{timestamp:yyyy}/", "error-output-type"},
		{"type in the data prefix", "!{firehose:error-output-type}/", "bad/!{firehose:error-output-type}/", "cannot contain"},
		{"unknown namespace", "!{date:yyyy}/", "!{firehose:error-output-type}", "unknown namespace"},
		{"unknown value", "!{firehose:name}/", "!{firehose:error-output-type}", "unknown namespace"},
		{"dynamic partitioning", "!{partitionKeyFromLambda:vpc}/", "!{firehose:error-output-type}", "dynamic partitioning"},
		{"unclosed expression", "a/!{timestamp:yyyy", "!{firehose:error-output-type}", "!{namespace:value}"},
		{"unknown letter", "!{timestamp:YYYY}/", "!{firehose:error-output-type}", "pattern letters"},
		{"five-digit year", "!{timestamp:yyyyy}/", "!{firehose:error-output-type}", "pattern letters"},
		{"empty pattern", "!{timestamp:}/", "!{firehose:error-output-type}", "empty"},
		{"unclosed quote", "!{timestamp:'year}/", "!{firehose:error-output-type}", "closing quote"},
		{"reserved bracket", "!{timestamp:[yyyy]}/", "!{firehose:error-output-type}", "reserved"},
		{"too long", strings.Repeat("x", 513), "", "512"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := Parse(test.data, test.failed); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestPrefix_randomString(t *testing.T) {
	t.Parallel()
	data, _, err := Parse("!{firehose:random-string}/!{firehose:random-string}/!{timestamp:yyyy}", "!{firehose:error-output-type}")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(data.Key(oldest, ProcessingFailed, Random), "/")
	if len(parts[0]) != 11 || len(parts[1]) != 11 || parts[0] == parts[1] || parts[2] != "2018" {
		t.Errorf("got %q, want two different strings of 11 characters and the year", parts)
	}
}

func FuzzPrefix(f *testing.F) {
	for _, seed := range []string{"", "a/", "!{timestamp:yyyy/MM/dd}/", "!{timestamp:'a''b'HH}", "!{firehose:random-string}", "!{", "!{}", "!{timestamp:"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, data, failed string) {
		dataPrefix, failedPrefix, err := Parse(data, failed)
		if err != nil {
			return
		}
		if len(data) == 0 && dataPrefix.Key(oldest, ProcessingFailed, Random) != "2018/08/27/10/" {
			t.Errorf("empty prefix evaluates to %q", dataPrefix.Key(oldest, ProcessingFailed, Random))
		}
		if !strings.Contains(failedPrefix.Key(oldest, ProcessingFailed, Random), ProcessingFailed) {
			t.Errorf("error prefix %q evaluates to %q, which lacks the type", failed, failedPrefix.Key(oldest, ProcessingFailed, Random))
		}
		if !strings.Contains(data, "!{") && !strings.HasPrefix(dataPrefix.Key(oldest, ProcessingFailed, Random), data) {
			t.Errorf("literal prefix %q evaluates to %q", data, dataPrefix.Key(oldest, ProcessingFailed, Random))
		}
	})
}
