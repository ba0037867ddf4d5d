package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Metric is CloudWatch's metric type.
type Metric = awscloudwatch.Metric

// MetricOptions are CloudWatch's options of a metric. They may be nil in every Metric
// method.
type MetricOptions = awscloudwatch.MetricOptions

// metricPeriodMinutes is the period of all metrics, unless options set another one.
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
