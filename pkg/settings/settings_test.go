package settings_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// lookup reads an environment out of a map.
func lookup(environment map[string]string) settings.Lookup {
	return func(name string) (string, bool) {
		value, found := environment[name]
		return value, found
	}
}

func TestDecodeImporter_defaults(t *testing.T) {
	t.Parallel()
	got, err := settings.DecodeImporter(lookup(map[string]string{
		settings.EnvListBucket:  "lists",
		settings.EnvIndexBucket: "index",
		settings.EnvTable:       "indicators",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := settings.Importer{
		Stack:         "Resolverwatch",
		ListBucket:    "lists",
		LegacyKey:     "config/all-malicious-domains.txt",
		IndexBucket:   "index",
		Table:         "indicators",
		MaxIndexBytes: 80 << 20,
		Guards:        settings.DefaultGuards(),
		Protected:     []string{},
		DeletionGrace: 24 * time.Hour,
		MemoryMiB:     1024,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeTransformer_defaults(t *testing.T) {
	t.Parallel()
	got, err := settings.DecodeTransformer(lookup(map[string]string{settings.EnvIndexBucket: "index"}))
	if err != nil {
		t.Fatal(err)
	}
	want := settings.Transformer{
		Stack:          "Resolverwatch",
		IndexBucket:    "index",
		PollInterval:   time.Minute,
		MaxIndexAge:    168 * time.Hour,
		ColdStartWait:  2 * time.Second,
		FailureMode:    settings.FailureModeMark,
		CheckCNAMEs:    true,
		CheckAddresses: true,
		MaxIndexBytes:  80 << 20,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestImporter_Encode_roundTrip(t *testing.T) {
	t.Parallel()
	guards := settings.DefaultGuards()
	guards.ShrinkPercent = 12.5
	want := settings.Importer{
		Stack: "security-dns", LogLevel: slog.LevelDebug, ListBucket: "l", LegacyKey: "lists/one.txt",
		IndexBucket: "i", Table: "t", MaxIndexBytes: 1 << 20, Guards: guards,
		Protected: []string{"corp.example", "example.test"}, DeletionGrace: 0, MemoryMiB: 1024,
	}
	environment := want.Encode()
	environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "1024"
	got, err := settings.DecodeImporter(lookup(environment))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTransformer_Encode_roundTrip(t *testing.T) {
	t.Parallel()
	want := settings.Transformer{
		Stack: "security-dns", LogLevel: slog.LevelWarn, IndexBucket: "i", PollInterval: 90 * time.Second,
		MaxIndexAge: 36 * time.Hour, ColdStartWait: 500 * time.Millisecond,
		FailureMode: settings.FailureModeFail, CheckCNAMEs: false, CheckAddresses: true,
		MaxIndexBytes: settings.MaxIndexBytes(512),
	}
	environment := want.Encode()
	environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "512"
	got, err := settings.DecodeTransformer(lookup(environment))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecode_joinsProblems(t *testing.T) {
	t.Parallel()
	_, importerErr := settings.DecodeImporter(lookup(map[string]string{
		settings.EnvMaxIndexBytes: "-1",
		settings.EnvGuards:        `{"shrinkPercents": 10}`,
		settings.EnvLogLevel:      "loud",
	}))
	_, transformerErr := settings.DecodeTransformer(lookup(map[string]string{
		settings.EnvPollInterval: "soon",
		settings.EnvFailureMode:  "drop",
		settings.EnvCheckCNAMEs:  "perhaps",
	}))
	for _, tc := range []struct {
		name  string
		err   error
		wants []string
	}{{
		name: "importer", err: importerErr, wants: []string{
			"RESOLVERWATCH_LOG_LEVEL=\"loud\": must be one of debug, info, warn, error",
			"RESOLVERWATCH_LIST_BUCKET: must be set",
			"RESOLVERWATCH_INDEX_BUCKET: must be set",
			"RESOLVERWATCH_TABLE: must be set",
			"RESOLVERWATCH_MAX_INDEX_BYTES=\"-1\": must be a whole number above 0",
			`RESOLVERWATCH_GUARDS: member "shrinkPercents": unknown, the nearest is "shrinkPercent"`,
		},
	}, {
		name: "transformer", err: transformerErr, wants: []string{
			"RESOLVERWATCH_INDEX_BUCKET: must be set",
			`RESOLVERWATCH_POLL_INTERVAL="soon": duration "soon": must be above 0, like "90s", "36h" or "7d"`,
			`RESOLVERWATCH_FAILURE_MODE="drop": must be one of mark, fail`,
			`RESOLVERWATCH_CHECK_CNAMES="perhaps": must be true or false`,
		},
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tc.wants, strings.Split(tc.err.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMaxIndexBytes(t *testing.T) {
	t.Parallel()
	for memory, want := range map[int]int{256: settings.DefaultMaxIndexBytes, 512: 208 << 20, 96: 0} {
		if got := settings.MaxIndexBytes(memory); got != want {
			t.Errorf("MaxIndexBytes(%d) = %d, want %d", memory, got, want)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	for memory, want := range map[int]string{256: "230MiB", 1024: "921MiB"} {
		if got := settings.MemoryLimit(memory); got != want {
			t.Errorf("MemoryLimit(%d) = %s, want %s", memory, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want time.Duration // 0 = an error
	}{
		{"90s", 90 * time.Second},
		{"36h", 36 * time.Hour},
		{"1h30m", 90 * time.Minute},
		{"7d", 7 * 24 * time.Hour},
		{"0d", 0},
		{"0s", 0},
		{"-1h", 0},
		{"1.5d", 0},
		{"99999999d", 0},
		{"", 0},
		{"d", 0},
	} {
		got, err := settings.ParseDuration(tc.in)
		if got != tc.want || (err == nil) != (tc.want > 0) {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", tc.in, got, err, tc.want)
		}
	}
}

func TestDecodeFeed(t *testing.T) {
	t.Parallel()
	ninety := 90
	for _, tc := range []struct {
		name    string
		in      string
		want    settings.Feed
		wantErr string
	}{
		{name: "empty", in: `{}`},
		{
			name: "all",
			in: `{"format":"csv","scope":"name","column":"host","registrable":true,"category":"phishing",
				"severity":"high","confidence":90,"maxAge":"7d","force":"agreed with the SOC"}`,
			want: settings.Feed{
				Format: "csv", Scope: "name", Column: "host", Registrable: true, Category: "phishing",
				Severity: "high", Confidence: &ninety, MaxAge: "7d", Force: "agreed with the SOC",
			},
		},
		{name: "unknown member", in: `{"maxage":"7d"}`, wantErr: `member "maxage": unknown, the nearest is "maxAge"`},
		{name: "typing error", in: `{"formta":"csv"}`, wantErr: `member "formta": unknown, the nearest is "format"`},
		{name: "array", in: `[]`, wantErr: "must be a JSON object"},
		{name: "wrong type", in: `{"confidence":"high"}`, wantErr: "decoding feed settings"},
		{name: "over 4 KiB", in: strings.Repeat(" ", 4097), wantErr: "at most 4096"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := settings.DecodeFeed([]byte(tc.in))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeGuards_bounds(t *testing.T) {
	t.Parallel()
	_, err := settings.DecodeGuards([]byte(`{"minValidPercent":101,"shrinkEntries":-1,"minPrefixIPv4":33}`))
	want := "minValidPercent 101: must be at most 100\n" +
		"shrinkEntries -1: must be 0 or more\n" +
		"minPrefixIPv4 33: must be at most 32"
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}
