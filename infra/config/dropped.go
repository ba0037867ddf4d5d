package config

import (
	"reflect"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// droppedSettings are the settings of the previous release that are constants now.
var droppedSettings = map[string]string{
	"store.billing":                           "was dropped: a capacity makes the table provisioned",
	"store.noncurrentVersionDays":             "was dropped: replaced and deleted objects are kept for 90 days",
	"importer.timeoutSeconds":                 "was dropped: a run may take 15 minutes",
	"importer.publishEveryMinutes":            "was dropped: the index is published every hour, and after each upload",
	"importer.deletionGraceHours":             "was dropped: a feed counts for 24 hours after its last list was deleted",
	"importer.reservedConcurrency":            "was dropped: no concurrency is reserved",
	"importer.logRetentionDays":               movedRetention,
	"importer.logLevel":                       movedLevel,
	"feeds.maxBytes":                          "was dropped: resolverwatch.importer.guards.maxListBytes limits all lists",
	"feeds.timeout":                           "was dropped: a fetch may take 5 minutes",
	"transformer.maxIndexAgeDays":             "was dropped: an index is stale after 7 days without a publish",
	"transformer.coldStartWaitMillis":         "was dropped: a new instance waits 2 seconds for its first index",
	"transformer.logRetentionDays":            movedRetention,
	"transformer.logLevel":                    movedLevel,
	"delivery.parquetPrefix":                  "was dropped: logs in Parquet are under dns-query-logs-parquet/",
	"delivery.processorBufferMiB":             "was dropped: a batch for the transformer has at most 1 MiB",
	"delivery.processorBufferIntervalSeconds": "was dropped: a batch for the transformer is collected for at most 60 seconds",
	"delivery.logRetentionDays":               movedRetention,
	"catalog.resultRetentionDays":             "was dropped: query results are kept for 30 days",
}

const (
	movedRetention = "is now resolverwatch.logRetentionDays, for all logs of the deployment"
	movedLevel     = "is now resolverwatch.logLevel, for all functions"
	fixedGuard     = "was dropped: the threshold is fixed, and the force of a feed overrides a refusal"
)

// dropped explains why a setting was dropped or where it moved. It returns "" for other names.
func dropped(section reflect.Type, path, name string) string {
	switch section {
	case reflect.TypeFor[settings.ListGuards]():
		if _, found := settings.Member(reflect.TypeFor[settings.Guards](), name); found {
			return fixedGuard
		}
		return ""
	case reflect.TypeFor[settings.Feed]():
		path = ContextKey + ".feeds"
	}
	return droppedSettings[strings.TrimPrefix(path+"."+name, ContextKey+".")]
}
