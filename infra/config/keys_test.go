package config_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/config"
)

// samples has a value for every setting, as -c gives it, that is not its default.
var samples = map[string]string{
	"stackName":             "security-dns",
	"account":               "111122223333",
	"region":                "eu-west-1",
	"terminationProtection": "true",
	"tags.<key>":            "dns",
	"removalPolicy":         "destroy",
	"keyArn":                "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d",
	"createKey":             "true",
	"accessLogBucket":       "access-logs",

	"store.tableName":             "indicators",
	"store.billing":               "provisioned",
	"store.readCapacity":          "50",
	"store.writeCapacity":         "50",
	"store.existingTable":         "indicators",
	"store.listBucketName":        "lists",
	"store.existingListBucket":    "lists",
	"store.indexBucketName":       "index",
	"store.existingIndexBucket":   "index",
	"store.noncurrentVersionDays": "30",

	"importer.listKey":                 "lists/domains.txt",
	"importer.memoryMiB":               "2048",
	"importer.timeoutSeconds":          "600",
	"importer.publishEveryMinutes":     "30",
	"importer.protected":               "corp.example,example.test",
	"importer.deletionGraceHours":      "48",
	"importer.guards.minValidPercent":  "90",
	"importer.guards.minValidEntries":  "50",
	"importer.guards.shrinkPercent":    "12.5",
	"importer.guards.shrinkEntries":    "500",
	"importer.guards.growthPercent":    "300",
	"importer.guards.growthEntries":    "500",
	"importer.guards.suffixPercent":    "2",
	"importer.guards.suffixEntries":    "0",
	"importer.guards.expectedPercent":  "80",
	"importer.guards.maxListBytes":     "1048576",
	"importer.guards.maxExpandedBytes": "4194304",
	"importer.guards.maxRatio":         "50",
	"importer.guards.maxLineBytes":     "8192",
	"importer.guards.topListRanks":     "1000",
	"importer.guards.minPrefixIPv4":    "24",
	"importer.guards.minPrefixIPv6":    "48",
	"importer.logRetentionDays":        "30",
	"importer.logLevel":                "debug",
	"importer.reservedConcurrency":     "1",

	"feeds.<feed id>.format":      "csv",
	"feeds.<feed id>.scope":       "name",
	"feeds.<feed id>.column":      "domain",
	"feeds.<feed id>.registrable": "true",
	"feeds.<feed id>.category":    "phishing",
	"feeds.<feed id>.severity":    "high",
	"feeds.<feed id>.confidence":  "0",
	"feeds.<feed id>.maxAge":      "7d",
	"feeds.<feed id>.force":       "agreed with the SOC",

	"feeds.<feed id>.url":          "https://lists.example/all.csv",
	"feeds.<feed id>.schedule":     "rate(6 hours)",
	"feeds.<feed id>.allow":        "true",
	"feeds.<feed id>.secretArn":    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:feeds-AbCdEf",
	"feeds.<feed id>.secretKey":    "token",
	"feeds.<feed id>.secretHeader": "Auth-Key",
	"feeds.<feed id>.secretQuery":  "auth-key",
	"feeds.<feed id>.maxBytes":     "1048576",
	"feeds.<feed id>.timeout":      "30s",

	"transformer.memoryMiB":           "512",
	"transformer.timeoutSeconds":      "60",
	"transformer.pollSeconds":         "30",
	"transformer.maxIndexAgeDays":     "3",
	"transformer.coldStartWaitMillis": "500",
	"transformer.failureMode":         "fail",
	"transformer.checkCnames":         "false",
	"transformer.checkAddresses":      "false",
	"transformer.logRetentionDays":    "30",
	"transformer.logLevel":            "error",

	"delivery.outputBucketName":               "marked-logs",
	"delivery.existingOutputBucket":           "marked-logs",
	"delivery.existingStream":                 "dns",
	"delivery.prefix":                         "logs/!{timestamp:yyyy/MM/dd/HH}/",
	"delivery.errorPrefix":                    "failed/!{firehose:error-output-type}/",
	"delivery.compression":                    "UNCOMPRESSED",
	"delivery.bufferIntervalSeconds":          "300",
	"delivery.bufferSizeMiB":                  "64",
	"delivery.processorBufferMiB":             "0.5",
	"delivery.processorBufferIntervalSeconds": "120",
	"delivery.format":                         "PARQUET",
	"delivery.markedLogRetentionDays":         "400",
	"delivery.logRetentionDays":               "30",

	"queryLogging.enabled":   "false",
	"queryLogging.name":      "all-vpcs",
	"queryLogging.vpcIds":    "vpc-0a1b2c3d4e5f60001",
	"queryLogging.shareWith": "444455556666",

	"catalog.enabled":              "false",
	"catalog.database":             "dns",
	"catalog.workGroup":            "dns",
	"catalog.bytesScannedLimitGiB": "10",
	"catalog.resultRetentionDays":  "7",
}

// contextKey is what -c names the setting.
func contextKey(key string) string {
	return config.ContextKey + "." + strings.NewReplacer("<feed id>", "urlhaus", "<key>", "team").Replace(key)
}

func TestKeys_overridable(t *testing.T) {
	t.Parallel()
	if len(samples) != len(config.Keys()) {
		t.Errorf("%d samples for %d settings", len(samples), len(config.Keys()))
	}
	for _, key := range config.Keys() {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			text, found := samples[key]
			if !found {
				t.Fatal("no sample")
			}
			got, err := config.Decode(map[string]any{contextKey(key): text})
			if err != nil {
				t.Fatal(err)
			}
			if cmp.Equal(config.Default(), got) {
				t.Errorf("%q changes nothing", text)
			}
		})
	}
}

func TestKeys_refuseOtherTypes(t *testing.T) {
	t.Parallel()
	rule := regexp.MustCompile(`^(\[0\])?: \[.*\]: must be (text|true or false|an object|a (whole )?number, 0 or more|one of [a-zA-Z, -]+)$`)
	for _, key := range config.Keys() {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			_, err := config.Decode(map[string]any{contextKey(key): []any{[]any{7}}})
			if err == nil {
				t.Fatal("a list of lists is accepted")
			}
			if told, about := strings.CutPrefix(err.Error(), contextKey(key)); !about || !rule.MatchString(told) {
				t.Errorf("error %q", err)
			}
		})
	}
}

// The settings table of the README has a row for every setting, and no other.
func TestKeys_documented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n### Settings\n")
	if !found {
		t.Fatal("no section with settings")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|.+\\|.+\\|$").FindAllStringSubmatch(section, -1) {
		documented = append(documented, row[1])
	}
	if diff := cmp.Diff(config.Keys(), documented); diff != "" {
		t.Errorf("rows (+) and settings (-) differ:\n%s", diff)
	}
}

// Any context decodes to settings or to an error whose every line says where.
func FuzzDecode(f *testing.F) {
	for key, text := range samples {
		f.Add(`{}`, contextKey(key), text)
	}
	f.Add(`{"store":{"readCapacity":-1}}`, "resolverwatch.store.readCapacity.x", `[[]]`)
	f.Add(`[1e400,"x",{"":{}}]`, "resolverwatch.", `{"":{"":null}}`)
	f.Add(`{"feeds":{"a.b":{"format":null}}}`, "resolverwatch.feeds.a.b.format", "")
	f.Fuzz(func(t *testing.T, tree, key, text string) {
		var value any
		_ = json.Unmarshal([]byte(tree), &value)
		got, err := config.Decode(map[string]any{config.ContextKey: value, key: text})
		if err == nil {
			if _, err := json.Marshal(got); err != nil {
				t.Errorf("settings that cannot be written: %v", err)
			}
			return
		}
		if !strings.HasPrefix(err.Error(), config.ContextKey) && !strings.HasPrefix(err.Error(), "context key ") {
			t.Errorf("error without a path: %v", err)
		}
	})
}
