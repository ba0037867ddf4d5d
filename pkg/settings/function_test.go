package settings_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// lookup reads an environment from a map.
func lookup(environment map[string]string) settings.Lookup {
	return func(name string) (string, bool) {
		value, found := environment[name]
		return value, found
	}
}

const memory = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"

// importerFunction returns the settings of an importer, with those that change makes.
func importerFunction(change func(*settings.ImporterFunction)) settings.ImporterFunction {
	function := settings.Default[settings.ImporterFunction]()
	function.ListBucket, function.IndexBucket, function.Table = "lists", "index", "indicators"
	change(&function)
	return function
}

// transformerFunction does the same for a transformer.
func transformerFunction(change func(*settings.TransformerFunction)) settings.TransformerFunction {
	function := settings.Default[settings.TransformerFunction]()
	function.IndexBucket = "index"
	change(&function)
	return function
}

// Only what differs from the defaults is in the variable, and the function reads everything.
func TestImporterFunction_Encode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*settings.ImporterFunction)
		want   string
	}{{
		name:   "defaults",
		change: func(*settings.ImporterFunction) {},
		want:   `{"indexBucket":"index","listBucket":"lists","table":"indicators"}`,
	}, {
		name: "changes",
		change: func(f *settings.ImporterFunction) {
			f.Stack, f.LogLevel, f.ListKey = "security-dns", slog.LevelDebug, "lists/one.txt"
			f.Guards.ShrinkPercent, f.Guards.SuffixEntries = 12.5, 0
			f.Protected, f.DeletionGrace = []string{"corp.example", "example.test"}, new(settings.Duration(0))
			f.MaxIndexBytes = settings.MaxIndexBytes(512)
		},
		want: `{"deletionGrace":"0s","guards":{"shrinkPercent":12.5,"suffixEntries":0},"indexBucket":"index",` +
			`"listBucket":"lists","listKey":"lists/one.txt","logLevel":"DEBUG","maxIndexBytes":218103808,` +
			`"protected":["corp.example","example.test"],"stack":"security-dns","table":"indicators"}`,
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := importerFunction(tc.change)
			text := want.Encode()
			if diff := cmp.Diff(tc.want, text); diff != "" {
				t.Error(diff)
			}
			want.MemoryMiB = 2048
			got, err := settings.DecodeImporter(lookup(map[string]string{settings.EnvSettings: text, memory: "2048"}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTransformerFunction_Encode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*settings.TransformerFunction)
		want   string
	}{{
		name:   "defaults",
		change: func(*settings.TransformerFunction) {},
		want:   `{"indexBucket":"index"}`,
	}, {
		name: "changes",
		change: func(f *settings.TransformerFunction) {
			f.Stack, f.LogLevel = "security-dns", slog.LevelWarn
			f.PollInterval, f.MaxIndexAge, f.ColdStartWait = settings.Duration(90*time.Second), settings.Duration(36*time.Hour), settings.Duration(500*time.Millisecond)
			f.FailureMode, f.CheckAnswers = settings.FailureModeFail, settings.CheckAnswersNone
			f.AlertQueue = "https://sqs.eu-west-1.amazonaws.com/111122223333/alerts"
			f.MaxFeedIPv4, f.MaxTotalIPv6 = 1<<26, 1<<50
		},
		want: `{"alertQueue":"https://sqs.eu-west-1.amazonaws.com/111122223333/alerts","checkAnswers":"none","coldStartWait":"500ms","failureMode":"fail","indexBucket":"index","logLevel":"WARN",` +
			`"maxFeedIPv4":67108864,"maxIndexAge":"36h","maxTotalIPv6":1125899906842624,"pollInterval":"90s","stack":"security-dns"}`,
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := transformerFunction(tc.change)
			text := want.Encode()
			if diff := cmp.Diff(tc.want, text); diff != "" {
				t.Error(diff)
			}
			want.MemoryMiB = 512
			got, err := settings.DecodeTransformer(lookup(map[string]string{settings.EnvSettings: text, memory: "512"}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNotifierFunction_Encode(t *testing.T) {
	t.Parallel()
	preset := settings.Default[settings.NotifierFunction]()
	preset.Table, preset.LogRetentionDays = "sent", 30
	if diff := cmp.Diff(`{"table":"sent"}`, preset.Encode()); diff != "" {
		t.Error(diff)
	}

	want := settings.Default[settings.NotifierFunction]()
	want.Table, want.Stack, want.EventBus = "sent", "security-dns", "alerts"
	want.Topic = "arn:aws:sns:eu-west-1:111122223333:alerts"
	want.ProductARN = "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"
	want.Window, want.Retell = settings.Duration(5*time.Minute), settings.Duration(24*time.Hour)
	want.Digest, want.MaxFindingSeverity, want.LogLevel = settings.DigestDaily, "medium", slog.LevelDebug
	text := want.Encode()
	if diff := cmp.Diff(`{"digest":"daily","eventBus":"alerts","logLevel":"DEBUG","maxFindingSeverity":"medium",`+
		`"productArn":"arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default","retell":"24h","stack":"security-dns",`+
		`"table":"sent","topic":"arn:aws:sns:eu-west-1:111122223333:alerts","window":"5m"}`, text); diff != "" {
		t.Error(diff)
	}
	got, err := settings.DecodeNotifier(lookup(map[string]string{settings.EnvSettings: text, memory: "256"}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHunterFunction_Encode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*settings.HunterFunction)
		want   string
	}{{
		name:   "defaults",
		change: func(*settings.HunterFunction) {},
		want:   `{"database":"dns","table":"sent","workGroup":"soc"}`,
	}, {
		name: "changes",
		change: func(f *settings.HunterFunction) {
			f.Stack, f.LogLevel, f.AlertQueue = "security-dns", slog.LevelDebug, "https://sqs.example/alerts"
			f.LookBack, f.RetroLookBack, f.MaxRows = settings.Duration(50*time.Hour), settings.Duration(90*24*time.Hour), 200
		},
		want: `{"alertQueue":"https://sqs.example/alerts","database":"dns","logLevel":"DEBUG","lookBack":"50h","maxRows":200,` +
			`"retroLookBack":"90d","stack":"security-dns","table":"sent","workGroup":"soc"}`,
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := settings.Default[settings.HunterFunction]()
			want.WorkGroup, want.Database, want.Table = "soc", "dns", "sent"
			tc.change(&want)
			text := want.Encode()
			if diff := cmp.Diff(tc.want, text); diff != "" {
				t.Error(diff)
			}
			want.LogRetentionDays = settings.Default[settings.HunterFunction]().LogRetentionDays
			got, err := settings.DecodeHunter(lookup(map[string]string{settings.EnvSettings: text, memory: "512"}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The error names everything that is wrong in the variable.
func TestDecodeHunter_errors(t *testing.T) {
	t.Parallel()
	for name, environment := range map[string]map[string]string{
		"no variable":       {},
		"nothing set":       {settings.EnvSettings: `{}`},
		"window too short":  {settings.EnvSettings: `{"workGroup":"soc","database":"dns","table":"sent","lookBack":"5m"}`},
		"no rows":           {settings.EnvSettings: `{"workGroup":"soc","database":"dns","table":"sent","maxRows":0}`},
		"not a JSON object": {settings.EnvSettings: `[]`},
	} {
		if _, err := settings.DecodeHunter(lookup(environment)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The variable does not contain settings that Lambda itself provides, or that only the deployment uses.
func TestEncode_leavesOut(t *testing.T) {
	t.Parallel()
	importer := importerFunction(func(f *settings.ImporterFunction) {
		f.MemoryMiB, f.LogRetentionDays = 2048, 30
	})
	if diff := cmp.Diff(`{"indexBucket":"index","listBucket":"lists","table":"indicators"}`, importer.Encode()); diff != "" {
		t.Error(diff)
	}
	transformer := transformerFunction(func(f *settings.TransformerFunction) {
		f.MemoryMiB, f.Timeout, f.LogRetentionDays = 512, settings.Duration(time.Minute), 30
	})
	if diff := cmp.Diff(`{"indexBucket":"index"}`, transformer.Encode()); diff != "" {
		t.Error(diff)
	}
	if importer.MemoryMiB != 2048 || transformer.MemoryMiB != 512 {
		t.Errorf("encoding changed the memory to %d and %d MiB", importer.MemoryMiB, transformer.MemoryMiB)
	}
}

// Members that this release does not know pass, because after a rollback the code is older
// than its configuration. A null or an empty text leaves the default.
func TestDecodeTransformer_tolerates(t *testing.T) {
	t.Parallel()
	text := `{"indexBucket":"index","later":{"a":1},"pollInterval":null,"failureMode":"","logLevel":""}`
	got, err := settings.DecodeTransformer(lookup(map[string]string{settings.EnvSettings: text}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(transformerFunction(func(*settings.TransformerFunction) {}), got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeFunction_problems(t *testing.T) {
	t.Parallel()
	decodeImporter := func(environment map[string]string) error {
		_, err := settings.DecodeImporter(lookup(environment))
		return err
	}
	decodeTransformer := func(environment map[string]string) error {
		_, err := settings.DecodeTransformer(lookup(environment))
		return err
	}
	decodeNotifier := func(environment map[string]string) error {
		_, err := settings.DecodeNotifier(lookup(environment))
		return err
	}
	for _, tc := range []struct {
		name   string
		decode func(map[string]string) error
		in     map[string]string
		want   string
	}{{
		name: "importer without its variable", decode: decodeImporter,
		want: "RESOLVERWATCH: must be set",
	}, {
		name: "transformer without its variable", decode: decodeTransformer,
		in:   map[string]string{memory: "256", "GOMEMLIMIT": "230MiB"},
		want: "RESOLVERWATCH: must be set",
	}, {
		name: "notifier without its variable", decode: decodeNotifier, in: map[string]string{memory: "256"},
		want: "RESOLVERWATCH: must be set",
	}, {
		name: "notifier", decode: decodeNotifier,
		in: map[string]string{settings.EnvSettings: `{"window":"1m","digest":"weekly","maxFindingSeverity":"worst"}`},
		want: `RESOLVERWATCH: digest: "weekly": must be one of hourly, daily
maxFindingSeverity: "worst": must be one of low, medium, high, critical
window: "1m": must be in [5m, 24h]
table: "": must be set`,
	}, {
		name: "empty", decode: decodeTransformer, in: map[string]string{settings.EnvSettings: ""},
		want: "RESOLVERWATCH: must be a JSON object: unexpected end of JSON input\nindexBucket: \"\": must be set",
	}, {
		name: "importer", decode: decodeImporter,
		in: map[string]string{
			settings.EnvSettings: `{"listBucket":"","maxIndexBytes":-1,"guards":{"shrinkPercent":"10","maxRatio":0},"logLevel":"loud","protected":"corp.example"}`,
			memory:               "much",
		},
		want: `RESOLVERWATCH: guards.maxRatio: 0: must be at least 1
guards.shrinkPercent: "10": must be a number
logLevel: "loud": must be one of debug, info, warn, error
maxIndexBytes: -1: must be at least 1
protected: "corp.example": must be a list
listBucket: "": must be set
indexBucket: "": must be set
table: "": must be set
AWS_LAMBDA_FUNCTION_MEMORY_SIZE="much": must be a whole number`,
	}, {
		name: "transformer", decode: decodeTransformer,
		in: map[string]string{settings.EnvSettings: `{"pollInterval":"soon","coldStartWait":"0s","failureMode":"drop","checkAnswers":true}`},
		want: `RESOLVERWATCH: checkAnswers: true: must be one of all, names, addresses, none
coldStartWait: "0s": must be in [1ms, 1m]
failureMode: "drop": must be one of mark, fail
pollInterval: "soon": must be a duration, like "90s", "36h" or "7d"
indexBucket: "": must be set`,
	}, {
		name: "old variables without the bucket", decode: decodeTransformer,
		in:   map[string]string{"RESOLVERWATCH_STACK": "Resolverwatch", "RESOLVERWATCH_POLL_INTERVAL": "soon"},
		want: "RESOLVERWATCH_POLL_INTERVAL=\"soon\": duration \"soon\": must be above 0, like \"90s\", \"36h\" or \"7d\"\nindexBucket: \"\": must be set",
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := tc.decode(tc.in)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// AWS updates the code of a function before its configuration, so the code of this release
// starts with the variables of the previous one. testdata/legacy.json has them as that
// release wrote them.
func TestDecode_legacy(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/legacy.json")
	if err != nil {
		t.Fatal(err)
	}
	var environments map[string]map[string]string
	if err := json.Unmarshal(text, &environments); err != nil {
		t.Fatal(err)
	}

	for name, want := range map[string]settings.ImporterFunction{
		"importer of a deployment without settings": importerFunction(func(*settings.ImporterFunction) {}),
		"importer": importerFunction(func(f *settings.ImporterFunction) {
			f.Stack, f.LogLevel, f.ListKey = "security-dns", slog.LevelDebug, "lists/one.txt"
			f.MaxIndexBytes = settings.MaxIndexBytes(512)
			f.Guards.ShrinkPercent, f.Guards.MaxLineBytes, f.Guards.MinPrefixIPv4 = 0, 8192, 24
			f.Protected, f.DeletionGrace = []string{"corp.example", "example.test"}, new(settings.Duration(0))
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment := environments[name]
			got, err := settings.DecodeImporter(lookup(environment))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}

	for name, want := range map[string]settings.TransformerFunction{
		"transformer of a deployment without settings": transformerFunction(func(*settings.TransformerFunction) {}),
		"transformer": transformerFunction(func(f *settings.TransformerFunction) {
			f.Stack, f.LogLevel = "security-dns", slog.LevelWarn
			f.PollInterval, f.MaxIndexAge, f.ColdStartWait = settings.Duration(2*time.Hour), settings.Duration(72*time.Hour), settings.Duration(500*time.Millisecond)
			f.FailureMode, f.CheckAnswers = settings.FailureModeFail, settings.CheckAnswersAddresses
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment := environments[name]
			got, err := settings.DecodeTransformer(lookup(environment))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMaxIndexBytes(t *testing.T) {
	t.Parallel()
	for memory, want := range map[int]int{256: 80 << 20, 512: 208 << 20, 96: 0} {
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
