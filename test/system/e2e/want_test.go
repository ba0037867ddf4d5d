//go:build e2e

package e2e_test

import (
	"encoding/json"
	"maps"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// wantAlways are the facts of every deployment.
var wantAlways = map[string]string{
	"dead-letter queue":              "1209600 s key of SQS",
	"glue columns are the catalog's": "true",
	"glue partition keys":            "[{arrived string}]",
	"glue projection.arrived.type":   "date",
	"glue projection.enabled":        "true",

	"glue projection.arrived.interval": "1",
	"glue table":                       "dns_logs EXTERNAL_TABLE org.openx.data.jsonserde.JsonSerDe",

	"glue table dns_logs_parquet": "output bucket dns-query-logs-parquet/",
	"glue table indicators":       "index bucket indicators/",
	"named queries": "around-a-match, coverage, firewall-against-verdict, host-records, indicators-seen, malicious-hosts, " +
		"nxdomain-ratio, retro-hunt, timeline, top-indicators, unknown-verdicts",

	"importer RESOLVERWATCH_DELETION_GRACE":  "24h0m0s",
	"importer RESOLVERWATCH_INDEX_BUCKET":    "index bucket",
	"importer RESOLVERWATCH_LIST_BUCKET":     "list bucket",
	"importer RESOLVERWATCH_LOG_LEVEL":       "INFO",
	"importer RESOLVERWATCH_TABLE":           "the table",
	"importer events":                        "2 retries 21600 s, then to the queue: true",
	"importer runtime":                       "provided.al2023 bootstrap [arm64]",
	"transformer RESOLVERWATCH_INDEX_BUCKET": "index bucket",
	"transformer RESOLVERWATCH_LOG_LEVEL":    "INFO",
	"transformer runtime":                    "provided.al2023 bootstrap [arm64]",
	"rule of events":                         "ENABLED",
	"stack tags":                             "map[]",
	"stream compression":                     "GZIP",
	"stream delivers to":                     "output bucket",
	"stream error log":                       "true",
	"stream tag LogDeliveryEnabled":          "true",
	"table deletion protection":              "true",
	"table expiry":                           "expires_at ENABLED",
	"table key HASH":                         "name",
	"table key RANGE":                        "entry",
	"table point-in-time recovery":           "ENABLED",
	"list bucket tells EventBridge":          "true",
	"index bucket tells EventBridge":         "false",
	"output bucket tells EventBridge":        "false",
	"result bucket tells EventBridge":        "false",
	"list bucket versioning":                 "Enabled",
	"index bucket versioning":                "Enabled",
	"output bucket versioning":               "",
	"result bucket versioning":               "",
}

// wantDefaults returns the facts of a deployment that sets only the VPC.
func wantDefaults(vpc string) map[string]string {
	want := map[string]string{
		"database":                              "resolverwatch",
		"glue projection.arrived.format":        "yyyy/MM/dd",
		"glue projection.arrived.interval.unit": "DAYS",
		"glue projection.arrived.range":         "NOW-1825DAYS,NOW",

		"importer GOMEMLIMIT":                    "921MiB",
		"importer RESOLVERWATCH_GUARDS":          guards(nil),
		"importer RESOLVERWATCH_LEGACY_KEY":      "config/all-malicious-domains.txt",
		"importer RESOLVERWATCH_MAX_INDEX_BYTES": "83886080",
		"importer RESOLVERWATCH_PROTECTED":       "",
		"importer RESOLVERWATCH_STACK":           "Resolverwatch",
		"importer encryption":                    "",
		"importer log is kept":                   "90 days",
		"importer memory and timeout":            "1024 MiB 900 s",
		"rule of a schedule":                     "rate(1 hour) ENABLED",

		"transformer GOMEMLIMIT":                    "230MiB",
		"transformer RESOLVERWATCH_CHECK_ADDRESSES": "true",
		"transformer RESOLVERWATCH_CHECK_CNAMES":    "true",
		"transformer RESOLVERWATCH_COLD_START_WAIT": "2s",
		"transformer RESOLVERWATCH_FAILURE_MODE":    "mark",
		"transformer RESOLVERWATCH_MAX_INDEX_AGE":   "168h0m0s",
		"transformer RESOLVERWATCH_POLL_INTERVAL":   "1m0s",
		"transformer RESOLVERWATCH_STACK":           "Resolverwatch",
		"transformer encryption":                    "",
		"transformer log is kept":                   "90 days",
		"transformer memory and timeout":            "256 MiB 120 s",

		"query log":           "Resolverwatch-Pipeline-QueryLogging-FEFE6118 to the stream: true",
		"query log of " + vpc: "ACTIVE by the configuration: true",

		"stream buffer":            "5 MiB 60 s",
		"stream encryption":        "AWS_OWNED_CMK",
		"stream error log is kept": "90 days",
		"stream error prefix":      "delivery-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/",
		"stream prefix":            "dns-query-logs/!{timestamp:yyyy/MM/dd}/",
		"stream processor":         "1 MiB 60 s 3 retries",

		"table billing":    "PAY_PER_REQUEST",
		"table encryption": "ENABLED KMS AWS's key",

		"list bucket lifecycle":   "unfinished uploads 7 days, old versions 90 days, lone delete markers",
		"index bucket lifecycle":  "unfinished uploads 7 days, old versions 90 days, lone delete markers",
		"output bucket lifecycle": "unfinished uploads 7 days",
		"result bucket lifecycle": "unfinished uploads 7 days, objects 30 days",

		"workgroup":         "Resolverwatch ENABLED 107374182400 bytes, enforced: true",
		"workgroup results": "result bucket results/ SSE_S3",
	}
	return wantOf(want, "AES256")
}

// wantEverything returns the facts of a deployment with non-default values for all
// settings.
func wantEverything(vpc string) map[string]string {
	want := map[string]string{
		"database":                              "marked_db",
		"glue projection.arrived.format":        "yyyy/MM/dd/HH",
		"glue projection.arrived.interval.unit": "HOURS",
		"glue projection.arrived.range":         "NOW-401DAYS,NOW",

		"importer GOMEMLIMIT":                    "1382MiB",
		"importer RESOLVERWATCH_GUARDS":          guards(func(g *settings.Guards) { g.ShrinkPercent = 35 }),
		"importer RESOLVERWATCH_LEGACY_KEY":      "lists/ours.txt",
		"importer RESOLVERWATCH_MAX_INDEX_BYTES": "218103808",
		"importer RESOLVERWATCH_PROTECTED":       "corp.example",
		"importer RESOLVERWATCH_STACK":           "Marked",
		"importer concurrency":                   "2",
		"importer encryption":                    "our key",
		"importer log is kept":                   "30 days our key",
		"importer memory and timeout":            "1536 MiB 600 s",
		"rule of a schedule":                     "rate(30 minutes) ENABLED",
		"schedule":                               `rate(6 hours) ENABLED OFF {"feed":"remote"} to the importer: true`,

		"parameter /Marked/feeds/remote": `{"format":"plain","severity":"low","url":"https://feeds.example/list.txt",` +
			`"schedule":"rate(6 hours)","timeout":"3s"}`,

		"transformer GOMEMLIMIT":                    "460MiB",
		"transformer RESOLVERWATCH_CHECK_ADDRESSES": "true",
		"transformer RESOLVERWATCH_CHECK_CNAMES":    "true",
		"transformer RESOLVERWATCH_COLD_START_WAIT": "3s",
		"transformer RESOLVERWATCH_FAILURE_MODE":    "fail",
		"transformer RESOLVERWATCH_MAX_INDEX_AGE":   "72h0m0s",
		"transformer RESOLVERWATCH_POLL_INTERVAL":   "20s",
		"transformer RESOLVERWATCH_STACK":           "Marked",
		"transformer encryption":                    "our key",
		"transformer log is kept":                   "14 days our key",
		"transformer memory and timeout":            "512 MiB 90 s",

		"query log":           "marked-queries to the stream: true",
		"query log of " + vpc: "ACTIVE by the configuration: true",

		"stream buffer":            "3 MiB 75 s",
		"stream encryption":        "CUSTOMER_MANAGED_CMK our key",
		"stream error log is kept": "7 days our key",
		"stream error prefix":      "failed/!{firehose:error-output-type}/!{timestamp:yyyy}/",
		"stream prefix":            "marked/y=!{timestamp:yyyy/MM/dd/HH}/",
		"stream processor":         "0.5 MiB 45 s 3 retries",
		"stream writes with":       "our key",
		"stack tags":               "map[team:security]",

		"table billing":     "PROVISIONED",
		"table capacity":    "7 9",
		"table encryption":  "ENABLED KMS our key",
		"dead-letter queue": "1209600 s our key",

		"list bucket lifecycle":   "unfinished uploads 7 days, old versions 11 days, lone delete markers",
		"index bucket lifecycle":  "unfinished uploads 7 days, old versions 11 days, lone delete markers",
		"output bucket lifecycle": "unfinished uploads 7 days, objects 400 days",
		"result bucket lifecycle": "unfinished uploads 7 days, objects 5 days",

		"workgroup":         "marked-group ENABLED 3221225472 bytes, enforced: true",
		"workgroup results": "result bucket results/ SSE_KMS our key",
	}
	for _, feed := range sample.Feeds() {
		if feed.Settings.Category != "" {
			want["parameter /Marked/feeds/"+string(feed.ID)] = encode(feed.Settings)
		}
	}
	return wantOf(want, "aws:kms our key")
}

// wantConverting returns the facts of a deployment that writes Parquet, in addition to the
// defaults.
func wantConverting(vpc string) map[string]string {
	want := wantDefaults(vpc)
	maps.Copy(want, map[string]string{
		"database":            "columns",
		"dead-letter queue":   "1209600 s our key",
		"glue table":          "dns_logs_parquet EXTERNAL_TABLE org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
		"glue table dns_logs": "output bucket dns-query-logs/",

		"importer RESOLVERWATCH_STACK":    "Columns",
		"importer encryption":             "our key",
		"importer log is kept":            "90 days our key",
		"transformer RESOLVERWATCH_STACK": "Columns",
		"transformer encryption":          "our key",
		"transformer log is kept":         "90 days our key",

		"query log":                "columns to the stream: true",
		"stream backup":            "output bucket raw/!{timestamp:yyyy/MM/dd}/ GZIP",
		"stream buffer":            "64 MiB 60 s",
		"stream compression":       "UNCOMPRESSED",
		"stream converts by":       "columns dns_logs_parquet LATEST SNAPPY as its role: true",
		"stream encryption":        "CUSTOMER_MANAGED_CMK our key",
		"stream error log is kept": "90 days our key",
		"stream prefix":            "columns/!{timestamp:yyyy/MM/dd}/",
		"stream writes with":       "our key",
		"table encryption":         "ENABLED KMS our key",
		"workgroup":                "Columns ENABLED 107374182400 bytes, enforced: true",
		"workgroup results":        "result bucket results/ SSE_KMS our key",
	})
	all := wantOf(want, "aws:kms our key")
	delete(all, "glue table dns_logs_parquet") // the named queries read it
	return all
}

// wantOf adds the facts that are always true, and those of every bucket.
func wantOf(want map[string]string, encryption string) map[string]string {
	all := maps.Clone(wantAlways)
	maps.Copy(all, want)
	for _, bucket := range []string{"list bucket", "index bucket", "output bucket", "result bucket"} {
		all[bucket+" encryption"] = encryption
		all[bucket+" is private"] = "true"
		all[bucket+" ownership"] = "BucketOwnerEnforced"
	}
	return all
}

// guards returns the guards with a change, in the format of the environment variable.
func guards(change func(*settings.Guards)) string {
	all := settings.DefaultGuards()
	if change != nil {
		change(&all)
	}
	return encode(all)
}

// encode returns settings as JSON.
func encode(value any) string {
	out, err := json.Marshal(value)
	if err != nil {
		panic(err) // structs of text and numbers can always be encoded
	}
	return string(out)
}
