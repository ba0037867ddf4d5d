package resolverwatch

import (
	"math"
	"reflect"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// The props of constructs embed the same settings that cdk.json has. Each type below is an
// alias of one in pkg/settings, so that an app needs only one import. docs/settings.md has
// the fields with their defaults and bounds (memoryMiB there is the field MemoryMiB here); an
// editor shows the same text. A field with its zero value has its default.

// TransformerSettings are the settings "transformer" in docs/settings.md. [TransformerProps]
// embeds them.
type TransformerSettings = settings.Transformer

// ImporterSettings are the settings "importer" in docs/settings.md. [ImporterProps] embeds
// them.
type ImporterSettings = settings.Importer

// ListGuards are the thresholds for refusing a list: "importer.guards" in docs/settings.md.
type ListGuards = settings.ListGuards

// ReachBounds are how much of the public address space block entries may cover: the maxFeed and
// maxTotal settings of "importer.guards" in docs/settings.md. [ListGuards] and [TransformerProps]
// have them.
type ReachBounds = settings.ReachBounds

// Feed has the settings of one feed: "feeds.<feed id>" in docs/settings.md.
type Feed = settings.Feed

// StoreSettings are the settings "store" in docs/settings.md. [IndicatorStoreProps] embeds
// them.
type StoreSettings = settings.Store

// DeliverySettings are the settings "delivery" in docs/settings.md. [DeliveryProps] embeds
// them.
type DeliverySettings = settings.Delivery

// LogSourceSettings are the settings of the log bucket in "source" in docs/settings.md.
// [S3LogSourceProps] embeds them.
type LogSourceSettings = settings.LogSource

// MarkerSettings are the settings "source.marker" in docs/settings.md. [S3LogSourceProps] embeds
// them.
type MarkerSettings = settings.Marker

// QueryLoggingSettings are the settings "queryLogging" in docs/settings.md.
// [QueryLoggingProps] embeds them.
type QueryLoggingSettings = settings.QueryLogging

// CatalogSettings are the settings "catalog" in docs/settings.md. [CatalogProps] embeds
// them.
type CatalogSettings = settings.Catalog

// AlertSettings are the settings "alerts" in docs/settings.md. [AlertsProps] embeds them.
type AlertSettings = settings.Alerts

// HuntSettings are the settings "hunts" in docs/settings.md. [HuntsProps] embeds them.
type HuntSettings = settings.Hunts

// MonitoringSettings are the settings "monitoring" in docs/settings.md. [MonitoringProps] embeds
// them.
type MonitoringSettings = settings.Monitoring

// LoggingSettings are the settings logLevel and logRetentionDays in docs/settings.md.
// [FunctionOptions] embeds them.
type LoggingSettings = settings.Logging

// LogRetentionSettings have the setting logRetentionDays in docs/settings.md.
// [LoggingSettings] and [DeliveryProps] embed them.
type LogRetentionSettings = settings.LogRetention

// Duration is a length of time in settings, such as Duration(5 * time.Minute).
type Duration = settings.Duration

// FailureMode says what a [Transformer] does with records while there is no index.
type FailureMode = settings.FailureMode

// The default is FailureModeMark.
const (
	FailureModeMark = settings.FailureModeMark
	FailureModeFail = settings.FailureModeFail
)

// CheckAnswers says what a [Transformer] looks up besides the query name.
type CheckAnswers = settings.CheckAnswers

// The default is CheckAnswersAll.
const (
	CheckAnswersAll       = settings.CheckAnswersAll
	CheckAnswersNames     = settings.CheckAnswersNames
	CheckAnswersAddresses = settings.CheckAnswersAddresses
	CheckAnswersNone      = settings.CheckAnswersNone
)

// Format is the file format of marked logs.
type Format = settings.Format

// The default is FormatJSON.
const (
	FormatJSON    = settings.FormatJSON
	FormatParquet = settings.FormatParquet
)

// Compression is how the objects of a delivery stream are compressed.
type Compression = settings.Compression

// Compressions, named as in Firehose. Athena cannot read Snappy and ZIP.
const (
	CompressionGZIP         = settings.CompressionGZIP
	CompressionNone         = settings.CompressionUncompressed
	CompressionHadoopSnappy = Compression("HADOOP_SNAPPY")
	CompressionSnappy       = Compression("Snappy")
	CompressionZIP          = Compression("ZIP")
)

// Digest is how often [Alerts] send a summary instead of single notices.
type Digest = settings.Digest

// Digests. Without one, each notice is sent at once.
const (
	DigestHourly = settings.DigestHourly
	DigestDaily  = settings.DigestDaily
)

// settings checks settings against their declaration, and names them by their props. A token
// breaks any rule, because its value is not known yet.
func (p *problems) settings(section any) {
	for _, problem := range settings.Check(section) {
		value := reflect.ValueOf(problem.Value)
		switch {
		case isTokenValue(value):
			p.token(problem.Prop)
		case value.Kind() == reflect.String:
			p.addf("%s: %s, got %q", problem.Prop, problem.Rule, problem.Value)
		default:
			p.addf("%s: %s, got %v", problem.Prop, problem.Rule, problem.Value)
		}
	}
}

// isTokenValue reports whether a setting is one of the CDK's tokens for text or numbers.
func isTokenValue(value reflect.Value) bool {
	switch {
	case value.CanInt():
		return value.Int() == numberToken
	case value.CanFloat():
		return isNumberToken(value.Float())
	case value.Kind() == reflect.String:
		return isToken(value.String())
	default:
		return false
	}
}

// numberToken is the int that a number token of the CDK is converted to, because a token is far
// outside the range of int.
const numberToken = math.MinInt64

func isNumberToken(number float64) bool {
	return number < numberToken && *awscdk.Token_IsUnresolved(number)
}

// wholeSeconds rejects a duration with a fraction of a second.
func (p *problems) wholeSeconds(prop string, value Duration) {
	if value.Std()%time.Second != 0 {
		p.addf("%s: must be whole seconds, got %v", prop, value)
	}
}
