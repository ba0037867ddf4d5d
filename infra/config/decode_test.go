package config_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// context returns the context of an app whose cdk.json contains the settings.
func context(t *testing.T, text string) map[string]any {
	t.Helper()
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	return map[string]any{config.ContextKey: tree, "aws:cdk:version-reporting": true}
}

// Decode sets no default except the name of the stack. The constructs set the others.
func TestDecode_defaults(t *testing.T) {
	t.Parallel()
	for name, context := range map[string]map[string]any{
		"no context":  nil,
		"no settings": {"@aws-cdk/core:newStyleStackSynthesis": true},
		"null":        {"resolverwatch": nil},
		"empty text":  {"resolverwatch": ""},
		"empty":       {"resolverwatch": map[string]any{}},
		"all unset":   {"resolverwatch": map[string]any{"store": nil, "stackName": nil, "importer": map[string]any{"guards": nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.Decode(context)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(settings.Deployment{StackName: "Resolverwatch"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecode_values(t *testing.T) {
	t.Parallel()
	got, err := config.Decode(context(t, `{
		"stackName": "security-dns", "tags": {"cost:center": "4711"}, "removalPolicy": "destroy",
		"logLevel": "debug", "logRetentionDays": 30,
		"store": {"readCapacity": 5, "existingTable": "old"},
		"importer": {"protected": ["corp.example"], "guards": {"shrinkPercent": 12.5}},
		"feeds": {"urlhaus": {"format": "csv", "confidence": 0}, "vendor.blocked": {"maxAge": "7d"}},
		"transformer": {"failureMode": "fail", "checkAnswers": "names", "pollInterval": "90s"},
		"delivery": {"bufferInterval": "0s", "sourceBackup": false},
		"queryLogging": {"enabled": false, "vpcIds": ["vpc-0a1b2c3d4e5f60001"]}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	want := settings.Deployment{
		StackName:     "security-dns",
		Tags:          map[string]string{"cost:center": "4711"},
		RemovalPolicy: settings.RemovalPolicyDestroy,
	}
	want.LogLevel, want.LogRetentionDays = slog.LevelDebug, 30
	want.Store.ReadCapacity, want.Store.ExistingTable = 5, "old"
	want.Importer.Protected = []string{"corp.example"}
	want.Importer.Guards.ShrinkPercent = 12.5
	want.Feeds = map[string]settings.Feed{
		"urlhaus":        {Format: "csv", Confidence: new(int)},
		"vendor.blocked": {MaxAge: settings.Duration(7 * 24 * time.Hour)},
	}
	want.Transformer.FailureMode = settings.FailureModeFail
	want.Transformer.CheckAnswers = settings.CheckAnswersNames
	want.Transformer.PollInterval = settings.Duration(90 * time.Second)
	want.Delivery.BufferInterval, want.Delivery.SourceBackup = new(settings.Duration(0)), new(false)
	want.QueryLogging.Enabled = new(false)
	want.QueryLogging.VPCIDs = []string{"vpc-0a1b2c3d4e5f60001"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Errors show values as they are written in cdk.json, so that people can search for them.
func TestDecode_problems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		in   string
		want []string
	}{{
		name: "unknown setting", in: `{"delivery": {"bufferSizeMB": 5}}`,
		want: []string{"resolverwatch.delivery.bufferSizeMB: unknown, the nearest is resolverwatch.delivery.bufferSizeMiB"},
	}, {
		name: "another case", in: `{"stackname": "x"}`,
		want: []string{"resolverwatch.stackname: unknown, the nearest is resolverwatch.stackName"},
	}, {
		name: "unknown section", in: `{"transformr": {"memoryMiB": 256}}`,
		want: []string{"resolverwatch.transformr: unknown, the nearest is resolverwatch.transformer"},
	}, {
		name: "section left out", in: `{"bufferSizeMiB": 5}`,
		want: []string{"resolverwatch.bufferSizeMiB: unknown, the nearest is resolverwatch.delivery.bufferSizeMiB"},
	}, {
		name: "another section", in: `{"transformer": {"listKey": "a.txt"}}`,
		want: []string{"resolverwatch.transformer.listKey: unknown, the nearest is resolverwatch.importer.listKey"},
	}, {
		name: "unknown member of a feed", in: `{"feeds": {"urlhaus": {"formta": "csv"}}}`,
		want: []string{"resolverwatch.feeds.urlhaus.formta: unknown, the nearest is resolverwatch.feeds.urlhaus.format"},
	}, {
		name: "renamed", in: `{"transformer": {"pollSeconds": 60, "checkCnames": true}, "delivery": {"bufferIntervalSeconds": 60}}`,
		want: []string{
			`resolverwatch.delivery.bufferIntervalSeconds: is now bufferInterval, a duration, like "90s", "36h" or "7d"`,
			"resolverwatch.transformer.checkCnames: is now checkAnswers, one of all, names, addresses, none",
			`resolverwatch.transformer.pollSeconds: is now pollInterval, a duration, like "90s", "36h" or "7d"`,
		},
	}, {
		name: "dropped",
		in: `{"store": {"billing": "on-demand"}, "importer": {"guards": {"maxRatio": 50}, "logLevel": "debug"},
			"feeds": {"vendor.list": {"timeout": "30s"}}}`,
		want: []string{
			"resolverwatch.feeds.vendor.list.timeout: was dropped: a fetch may take 5 minutes",
			"resolverwatch.importer.guards.maxRatio: was dropped: the threshold is fixed, and the force of a feed overrides a refusal",
			"resolverwatch.importer.logLevel: is now resolverwatch.logLevel, for all functions",
			"resolverwatch.store.billing: was dropped: a capacity makes the table provisioned",
		},
	}, {
		name: "account as a number", in: `{"account": 123456789012}`,
		want: []string{"resolverwatch.account: 123456789012: must be text"},
	}, {
		name: "account too short", in: `{"account": "1234"}`,
		want: []string{`resolverwatch.account: "1234": must be twelve digits`},
	}, {
		name: "number as text", in: `{"importer": {"memoryMiB": "512"}}`,
		want: []string{`resolverwatch.importer.memoryMiB: "512": must be a whole number`},
	}, {
		name: "fraction, negative, too large", in: `{"importer": {"memoryMiB": 1.5, "guards": {"maxListBytes": 1e300}}, "store": {"readCapacity": -1}}`,
		want: []string{
			"resolverwatch.importer.guards.maxListBytes: 1e+300: must be a whole number",
			"resolverwatch.importer.memoryMiB: 1.5: must be a whole number",
			"resolverwatch.store.readCapacity: -1: must be at least 1",
		},
	}, {
		name: "out of bounds",
		in: `{"transformer": {"pollInterval": "2h", "memoryMiB": 64}, "logRetentionDays": 31,
			"feeds": {"urlhaus": {"confidence": 101, "maxAge": 7}}}`,
		want: []string{
			"resolverwatch.feeds.urlhaus.confidence: 101: must be in [0, 100]",
			`resolverwatch.feeds.urlhaus.maxAge: 7: must be a duration, like "90s", "36h" or "7d"`,
			"resolverwatch.logRetentionDays: 31: must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653",
			"resolverwatch.transformer.memoryMiB: 64: must be in [128, 10240]",
			`resolverwatch.transformer.pollInterval: "2h": must be in [1s, 1h]`,
		},
	}, {
		name: "a 0 that would mean unset", in: `{"transformer": {"timeout": "0s"}, "importer": {"memoryMiB": 0, "guards": {"shrinkPercent": 0}}}`,
		want: []string{
			"resolverwatch.importer.guards.shrinkPercent: 0: must be in [1, 100]",
			"resolverwatch.importer.memoryMiB: 0: must be in [128, 10240]",
			`resolverwatch.transformer.timeout: "0s": must be in [1s, 5m]`,
		},
	}, {
		name: "a number for a duration", in: `{"transformer": {"timeout": 60}, "delivery": {"bufferInterval": "60"}}`,
		want: []string{
			`resolverwatch.delivery.bufferInterval: "60": must be a duration, like "90s", "36h" or "7d"`,
			`resolverwatch.transformer.timeout: 60: must be a duration, like "90s", "36h" or "7d"`,
		},
	}, {
		name: "text for a flag", in: `{"createKey": "yes"}`,
		want: []string{`resolverwatch.createKey: "yes": must be true or false`},
	}, {
		name: "text for a list", in: `{"queryLogging": {"vpcIds": "vpc-1"}}`,
		want: []string{`resolverwatch.queryLogging.vpcIds: "vpc-1": must be a list`},
	}, {
		name: "elements of a list", in: `{"queryLogging": {"vpcIds": ["vpc-1", "", 7]}}`,
		want: []string{
			`resolverwatch.queryLogging.vpcIds[1]: "": must not be empty`,
			"resolverwatch.queryLogging.vpcIds[2]: 7: must be text",
		},
	}, {
		name: "list for an object", in: `{"tags": ["a"], "store": []}`,
		want: []string{
			"resolverwatch.store: []: must be an object",
			`resolverwatch.tags: ["a"]: must be an object`,
		},
	}, {
		name: "words", in: `{"removalPolicy": "snapshot", "logLevel": "loud", "delivery": {"format": "parquet"}}`,
		want: []string{
			`resolverwatch.delivery.format: "parquet": must be one of JSON, PARQUET`,
			`resolverwatch.logLevel: "loud": must be one of debug, info, warn, error`,
			`resolverwatch.removalPolicy: "snapshot": must be one of retain, retain-on-update-or-delete, destroy`,
		},
	}, {
		name: "rules of the guards", in: `{"importer": {"guards": {"shrinkPercent": 101}}}`,
		want: []string{"resolverwatch.importer.guards.shrinkPercent: 101: must be in [1, 100]"},
	}, {
		name: "settings that are not an object", in: `7`,
		want: []string{"resolverwatch: 7: must be an object"},
	}, {
		name: "two keys", in: `{"createKey": true, "keyArn": "arn:aws:kms:eu-west-1:111122223333:key/k"}`,
		want: []string{"resolverwatch.createKey and resolverwatch.keyArn: only one can be set, because one key encrypts everything"},
	}, {
		name: "a city for a Region", in: `{"region": "Frankfurt"}`,
		want: []string{`resolverwatch.region: "Frankfurt": must be the name of a Region, like eu-west-1`},
	}, {
		name: "earlier keys", in: `{"keyArn": "arn:aws:kms:eu-west-1:111122223333:key/k",
			"previousKeyArns": ["arn:aws:kms:eu-west-1:111122223333:key/k", "alias/dns"]}`,
		want: []string{
			`resolverwatch.previousKeyArns[0]: "arn:aws:kms:eu-west-1:111122223333:key/k": must be an earlier key, listed only once`,
			`resolverwatch.previousKeyArns[1]: "alias/dns": must be the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID, not of an alias`,
		},
	}, {
		name: "an alias for a key", in: `{"keyArn": "arn:aws:kms:eu-west-1:111122223333:alias/dns"}`,
		want: []string{`resolverwatch.keyArn: "arn:aws:kms:eu-west-1:111122223333:alias/dns": ` +
			"must be the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID, not of an alias"},
	}, {
		name: "tags that AWS reserves", in: `{"tags": {"AWS:owner": "soc", "team": "soc"}}`,
		want: []string{`resolverwatch.tags.AWS:owner: "soc": must not have a key that begins with aws:, which AWS reserves`},
	}, {
		name: "VPCs", in: `{"queryLogging": {"vpcIds": ["vpc-1", "my vpc", "vpc-2", "vpc-1"]}}`,
		want: []string{
			`resolverwatch.queryLogging.vpcIds[1]: "my vpc": must be the id of a VPC, like vpc-0a1b2c3d4e5f60001`,
			`resolverwatch.queryLogging.vpcIds[3]: "vpc-1": must not be listed twice`,
		},
	}, {
		name: "settings without effect on an existing stream",
		in:   `{"delivery": {"existingStream": "dns", "prefix": "x/", "bufferInterval": "0s"}, "catalog": {"enabled": false, "database": "dns"}}`,
		want: []string{
			`resolverwatch.delivery.prefix: "x/": has no effect with resolverwatch.delivery.existingStream, which is not changed: unset one of them`,
			`resolverwatch.delivery.bufferInterval: "0s": has no effect with resolverwatch.delivery.existingStream, which is not changed: unset one of them`,
			`resolverwatch.catalog.database: "dns": has no effect with resolverwatch.delivery.existingStream, which is not changed: unset one of them`,
		},
	}, {
		name: "a VPC in both sources, and one twice",
		in:   `{"source": {"s3": true, "vpcIds": ["vpc-1", "vpc-2", "vpc-2", "vpc"]}, "queryLogging": {"vpcIds": ["vpc-1"]}}`,
		want: []string{
			`resolverwatch.source.vpcIds[0]: "vpc-1": must not be in resolverwatch.queryLogging.vpcIds too: every query would be in the table twice`,
			`resolverwatch.source.vpcIds[2]: "vpc-2": must not be listed twice`,
			`resolverwatch.source.vpcIds[3]: "vpc": must be the id of a VPC, like vpc-0a1b2c3d4e5f60001`,
		},
	}, {
		name: "no source",
		in:   `{"source": {"firehose": false, "logPrefix": "org/", "marker": {"maxConcurrency": 5}}}`,
		want: []string{
			"resolverwatch.source.firehose: false: needs resolverwatch.source.s3, because nothing would be logged otherwise",
			`resolverwatch.source.logPrefix: "org/": has no effect with resolverwatch.source.s3 off: unset one of them`,
			"resolverwatch.source.marker.maxConcurrency: 5: has no effect with resolverwatch.source.s3 off: unset one of them",
		},
	}, {
		name: "Parquet and an existing stream with logs from S3",
		in:   `{"source": {"s3": true}, "delivery": {"format": "PARQUET"}}`,
		want: []string{`resolverwatch.delivery.format: "PARQUET": must be JSON with resolverwatch.source.s3, because only Firehose writes Parquet, ` +
			"and the queries would not find the logs that come through S3: unset one of them"},
	}, {
		name: "an existing stream with logs from S3", in: `{"source": {"s3": true}, "delivery": {"existingStream": "dns"}}`,
		want: []string{"resolverwatch.source.s3: true: needs a bucket for marked logs, which there is not with resolverwatch.delivery.existingStream: " +
			"unset one of them"},
	}, {
		name: "settings of a stream without one",
		in: `{"source": {"s3": true, "firehose": false}, "queryLogging": {"vpcIds": ["vpc-1"]}, "transformer": {"memoryMiB": 512, "timeout": "60s"},
			"delivery": {"sourceBackup": true, "compression": "GZIP", "bufferInterval": "0s", "bufferSizeMiB": 5}}`,
		want: []string{
			`resolverwatch.queryLogging.vpcIds: ["vpc-1"]: has no effect without resolverwatch.source.firehose: set source.vpcIds`,
			"resolverwatch.transformer.memoryMiB: 512: has no effect without resolverwatch.source.firehose: set source.marker.memoryMiB",
			`resolverwatch.transformer.timeout: "1m": has no effect without resolverwatch.source.firehose: set source.marker.timeout`,
			"resolverwatch.delivery.sourceBackup: true: has no effect without resolverwatch.source.firehose: the log bucket has what Resolver wrote",
			`resolverwatch.delivery.compression: "GZIP": has no effect without resolverwatch.source.firehose: the marker always uses gzip`,
			`resolverwatch.delivery.bufferInterval: "0s": has no effect without resolverwatch.source.firehose: unset it`,
			"resolverwatch.delivery.bufferSizeMiB: 5: has no effect without resolverwatch.source.firehose: unset it",
		},
	}, {
		name: "VPCs of S3 without query logging", in: `{"source": {"s3": true, "vpcIds": ["vpc-1"]}, "queryLogging": {"enabled": false}}`,
		want: []string{`resolverwatch.source.vpcIds: ["vpc-1"]: has no effect without resolverwatch.queryLogging.enabled`},
	}, {
		name: "a topic by its name", in: `{"alerts": {"existingTopicArn": "soc"}}`,
		want: []string{`resolverwatch.alerts.existingTopicArn: "soc": must be the ARN of a standard topic, arn:aws:sns:REGION:ACCOUNT:NAME`},
	}, {
		name: "hunts without what they need",
		in:   `{"hunts": {"enabled": true}, "alerts": {"enabled": false}, "catalog": {"enabled": false}, "delivery": {"existingStream": "dns"}}`,
		want: []string{
			"resolverwatch.hunts.enabled: true: needs resolverwatch.alerts.enabled, because hunts send their findings there",
			"resolverwatch.hunts.enabled: true: needs resolverwatch.catalog.enabled, because hunts are queries of the catalog",
			"resolverwatch.hunts.enabled: true: has no effect with resolverwatch.delivery.existingStream, because there is no catalog for it",
		},
	}, {
		name: "long value", in: `{"createKey": "` + strings.Repeat("x", 200) + `"}`,
		want: []string{`resolverwatch.createKey: "` + strings.Repeat("x", 79) + "...: must be true or false"},
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Decode(context(t, tc.in))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tc.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecode_overrides(t *testing.T) {
	t.Parallel()
	base := `{"removalPolicy": "destroy", "store": {"readCapacity": 5}, "tags": {"team": "dns"},
		"queryLogging": {"vpcIds": ["vpc-1"]}, "feeds": {"urlhaus": {"format": "csv"}}}`
	for _, tc := range []struct {
		name      string
		overrides map[string]any
		want      func(*settings.Deployment)
		wantErr   string
	}{{
		name: "none", want: func(*settings.Deployment) {},
	}, {
		name:      "one setting of a section leaves the others",
		overrides: map[string]any{"resolverwatch.store.readCapacity": "7"},
		want:      func(c *settings.Deployment) { c.Store.ReadCapacity = 7 },
	}, {
		name:      "in a section that does not exist",
		overrides: map[string]any{"resolverwatch.importer.guards.shrinkPercent": "12.5"},
		want:      func(c *settings.Deployment) { c.Importer.Guards.ShrinkPercent = 12.5 },
	}, {
		name:      "empty is unset",
		overrides: map[string]any{"resolverwatch.removalPolicy": "", "resolverwatch.tags.team": "", "resolverwatch.feeds.urlhaus": ""},
		want: func(c *settings.Deployment) {
			c.RemovalPolicy, c.Tags, c.Feeds = "", map[string]string{}, map[string]settings.Feed{}
		},
	}, {
		name:      "list with commas",
		overrides: map[string]any{"resolverwatch.queryLogging.vpcIds": "vpc-2, vpc-3"},
		want:      func(c *settings.Deployment) { c.QueryLogging.VPCIDs = []string{"vpc-2", "vpc-3"} },
	}, {
		name:      "list as JSON",
		overrides: map[string]any{"resolverwatch.queryLogging.vpcIds": ` ["vpc-2"]`},
		want:      func(c *settings.Deployment) { c.QueryLogging.VPCIDs = []string{"vpc-2"} },
	}, {
		name:      "map as JSON replaces it",
		overrides: map[string]any{"resolverwatch.tags": `{"cost.center": "1"}`, "resolverwatch.tags.a.b": "2"},
		want:      func(c *settings.Deployment) { c.Tags = map[string]string{"cost.center": "1", "a.b": "2"} },
	}, {
		name:      "feed id with a dot",
		overrides: map[string]any{"resolverwatch.feeds.vendor.list.confidence": "90"},
		want: func(c *settings.Deployment) {
			ninety := 90
			c.Feeds["vendor.list"] = settings.Feed{Confidence: &ninety}
		},
	}, {
		name:      "text that looks like a number",
		overrides: map[string]any{"resolverwatch.account": "012345678901", "resolverwatch.stackName": "true"},
		want:      func(c *settings.Deployment) { c.Account, c.StackName = "012345678901", "true" },
	}, {
		name:      "a value of cdk.json with its type",
		overrides: map[string]any{"resolverwatch.store.readCapacity": 9, "resolverwatch.catalog.enabled": false},
		want:      func(c *settings.Deployment) { c.Store.ReadCapacity, c.Catalog.Enabled = 9, new(false) },
	}, {
		name:      "everything as text",
		overrides: map[string]any{"resolverwatch": `{"stackName": "x"}`},
		want: func(c *settings.Deployment) {
			*c = settings.Deployment{StackName: "x"}
		},
	}, {
		name:      "unknown",
		overrides: map[string]any{"resolverwatch.store.tablename": "x"},
		wantErr:   "resolverwatch.store.tablename: unknown, the nearest is resolverwatch.store.tableName",
	}, {
		name:      "unknown in a feed",
		overrides: map[string]any{"resolverwatch.feeds.urlhaus.sevrity": "high"},
		wantErr:   "resolverwatch.feeds.urlhaus.sevrity: unknown, the nearest is resolverwatch.feeds.urlhaus.severity",
	}, {
		name:      "below a setting",
		overrides: map[string]any{"resolverwatch.stackName.x": "1"},
		wantErr:   `resolverwatch.stackName: {"x":"1"}: must be text`,
	}, {
		name:      "wrong type",
		overrides: map[string]any{"resolverwatch.store.readCapacity": "many"},
		wantErr:   `resolverwatch.store.readCapacity: "many": must be a whole number`,
	}, {
		name: "numbers, flags and durations",
		overrides: map[string]any{
			"resolverwatch.createKey": "true", "resolverwatch.logLevel": "warn",
			"resolverwatch.transformer.pollInterval": "2m", "resolverwatch.delivery.bufferInterval": "0s",
		},
		want: func(c *settings.Deployment) {
			c.CreateKey, c.LogLevel = true, slog.LevelWarn
			c.Transformer.PollInterval, c.Delivery.BufferInterval = settings.Duration(2*time.Minute), new(settings.Duration(0))
		},
	}, {
		name:      "a number for text",
		overrides: map[string]any{"resolverwatch.account": 123456789012.0},
		wantErr:   "resolverwatch.account: 123456789012: must be text",
	}, {
		name:      "out of bounds",
		overrides: map[string]any{"resolverwatch.transformer.pollInterval": "2h", "resolverwatch.store.writeCapacity": "0"},
		wantErr: "resolverwatch.store.writeCapacity: 0: must be at least 1\n" +
			`resolverwatch.transformer.pollInterval: "2h": must be in [1s, 1h]`,
	}, {
		name:      "renamed",
		overrides: map[string]any{"resolverwatch.transformer.timeoutSeconds": "60"},
		wantErr:   `resolverwatch.transformer.timeoutSeconds: is now timeout, a duration, like "90s", "36h" or "7d"`,
	}, {
		name:      "broken JSON",
		overrides: map[string]any{"resolverwatch.tags": "team=dns"},
		wantErr:   `resolverwatch.tags: "team=dns": must be an object as JSON: invalid character 'e' in literal true (expecting 'r')`,
	}, {
		name:      "misspelled context key",
		overrides: map[string]any{"resolverwach.store.readCapacity": "7"},
		wantErr:   `context key "resolverwach.store.readCapacity": unknown, settings begin with "resolverwatch."`,
	}, {
		name:      "another separator",
		overrides: map[string]any{"resolverwatch/store.readCapacity": "7", "resolverwatch:stackName": "x"},
		wantErr: `context key "resolverwatch/store.readCapacity": unknown, settings begin with "resolverwatch."` + "\n" +
			`context key "resolverwatch:stackName": unknown, settings begin with "resolverwatch."`,
	}, {
		name:      "keys of others with the same beginning",
		overrides: map[string]any{"resolverwatch-team": "soc"},
		want:      func(*settings.Deployment) {},
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want, err := config.Decode(context(t, base))
			if err != nil {
				t.Fatal(err)
			}
			given := context(t, base)
			maps.Copy(given, tc.overrides)
			got, err := config.Decode(given)
			if tc.wantErr != "" {
				if err == nil || err.Error() != tc.wantErr {
					t.Fatalf("error %v, want %s", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tc.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A caller may continue to use its context; an app has one for all its stacks.
func TestDecode_leavesContextAlone(t *testing.T) {
	t.Parallel()
	given := context(t, `{"store": {"readCapacity": 5}}`)
	given["resolverwatch.store.readCapacity"] = "7"
	if _, err := config.Decode(given); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"store": map[string]any{"readCapacity": 5.0}}
	if diff := cmp.Diff(want, given[config.ContextKey]); diff != "" {
		t.Error(diff)
	}
}

// All settings of the templates that the linters check exist.
func TestDecode_variants(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../test/testdata/variants/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no variants: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := config.Decode(context(t, string(text))); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}
