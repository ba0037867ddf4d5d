package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Metric is CloudWatch's.
type Metric = awscloudwatch.Metric

// MetricOptions are CloudWatch's. Those of every Metric method may be nil.
type MetricOptions = awscloudwatch.MetricOptions

// metricPeriod is that of all metrics, unless options say otherwise.
const metricPeriodMinutes = 5

// ownMetric returns a metric that the functions of a deployment write.
func ownMetric(stack, name, statistic string, options *MetricOptions) Metric {
	metric := awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String(settings.MetricNamespace),
		MetricName:    &name,
		DimensionsMap: &map[string]*string{settings.MetricDimensionStack: &stack},
		Statistic:     &statistic,
		Period:        awscdk.Duration_Minutes(jsii.Number(metricPeriodMinutes)),
	})
	if options == nil {
		return metric
	}
	return metric.With(options)
}
