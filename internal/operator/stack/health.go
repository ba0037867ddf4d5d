package stack

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/route53resolver"
	resolvertypes "github.com/aws/aws-sdk-go-v2/service/route53resolver/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/resolverwatch/resolverwatch/internal/operator/health"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// MissingAction returns the permission that an error explained by [Explain] lacks, or "".
func MissingAction(err error) string {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal.action
	}
	return ""
}

// Metrics implements [health.Metrics] and [health.Alarms] with CloudWatch.
type Metrics struct{ client *cloudwatch.Client }

// NewMetrics returns the metrics of an account and Region.
func NewMetrics(config aws.Config) *Metrics { return &Metrics{cloudwatch.NewFromConfig(config)} }

// periodSeconds is the period of data points. The metrics of the functions have no finer periods
// that CloudWatch keeps as long.
const periodSeconds = 300

// Values implements [health.Metrics]. It adds up the points of each series.
func (m *Metrics) Values(ctx context.Context, from, until time.Time, series []health.Series) ([]*float64, error) {
	queries := make([]cloudwatchtypes.MetricDataQuery, len(series))
	for i, one := range series {
		queries[i] = queryFor(i, &one)
	}
	values := make([]*float64, len(series))
	pages := cloudwatch.NewGetMetricDataPaginator(m.client, &cloudwatch.GetMetricDataInput{
		StartTime: &from, EndTime: &until, MetricDataQueries: queries,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, Explain(fmt.Errorf("reading metrics: %w", err))
		}
		for _, result := range page.MetricDataResults {
			at, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(result.Id), "m"))
			if err != nil || at < 0 || at >= len(series) {
				return nil, fmt.Errorf("reading metrics: CloudWatch answered for the query %q, which was not asked", aws.ToString(result.Id))
			}
			values[at] = combine(values[at], result.Values, series[at].Highest)
		}
	}
	return values, nil
}

func queryFor(i int, series *health.Series) cloudwatchtypes.MetricDataQuery {
	statistic := "Sum"
	if series.Highest {
		statistic = "Maximum"
	}
	return cloudwatchtypes.MetricDataQuery{
		Id: aws.String("m" + strconv.Itoa(i)),
		MetricStat: &cloudwatchtypes.MetricStat{
			Metric: &cloudwatchtypes.Metric{
				Namespace:  &series.Namespace,
				MetricName: &series.Name,
				Dimensions: []cloudwatchtypes.Dimension{{Name: &series.Dimension, Value: &series.Value}},
			},
			Period: aws.Int32(periodSeconds),
			Stat:   &statistic,
		},
	}
}

// combine adds points to a value, or takes the highest.
func combine(value *float64, points []float64, highest bool) *float64 {
	for _, point := range points {
		switch {
		case value == nil:
			value = &point
		case highest:
			*value = max(*value, point)
		default:
			*value += point
		}
	}
	return value
}

// Alarms implements [health.Alarms]. CloudFormation begins the names of alarms with that of the
// stack, but the names of other stacks may begin so, too. Helpers of other alarms are left out,
// because their state alone says nothing.
func (m *Metrics) Alarms(ctx context.Context, stack string) ([]health.Alarm, error) {
	var all []health.Alarm
	add := func(name, state, description *string, since *time.Time) {
		if isAlarmOf(stack, aws.ToString(name)) && !strings.HasPrefix(aws.ToString(description), settings.AlarmHelper) {
			all = append(all, health.Alarm{Name: aws.ToString(name), State: aws.ToString(state),
				Description: aws.ToString(description), Since: aws.ToTime(since)})
		}
	}

	pages := cloudwatch.NewDescribeAlarmsPaginator(m.client, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(stack + "-"),
		AlarmTypes:      []cloudwatchtypes.AlarmType{cloudwatchtypes.AlarmTypeMetricAlarm, cloudwatchtypes.AlarmTypeCompositeAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, Explain(fmt.Errorf("reading the alarms: %w", err))
		}
		for _, a := range page.MetricAlarms {
			add(a.AlarmName, (*string)(&a.StateValue), a.AlarmDescription, a.StateTransitionedTimestamp)
		}
		for _, a := range page.CompositeAlarms {
			add(a.AlarmName, (*string)(&a.StateValue), a.AlarmDescription, a.StateTransitionedTimestamp)
		}
	}
	return all, nil
}

// generated matches what CloudFormation puts after the name of the stack: the logical id and a
// random text.
var generated = regexp.MustCompile(`^[A-Za-z0-9]+-[A-Za-z0-9]+$`)

func isAlarmOf(stack, name string) bool {
	rest, found := strings.CutPrefix(name, stack+"-")
	return found && generated.MatchString(rest)
}

// Queues implements [health.Queues] with SQS.
type Queues struct{ client *sqs.Client }

// NewQueues returns the queues of an account and Region.
func NewQueues(config aws.Config) *Queues { return &Queues{sqs.NewFromConfig(config)} }

// Waiting implements [health.Queues].
func (q *Queues) Waiting(ctx context.Context, url string) (int, error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		return 0, Explain(fmt.Errorf("counting the messages of %s: %w", url, err))
	}
	count, err := strconv.Atoi(out.Attributes[string(sqstypes.QueueAttributeNameApproximateNumberOfMessages)])
	if err != nil {
		return 0, fmt.Errorf("counting the messages of %s: %w", url, err)
	}
	return count, nil
}

// QueryLogging implements [health.QueryLogging] with Route 53 Resolver.
type QueryLogging struct{ client *route53resolver.Client }

// NewQueryLogging returns the query logging of an account and Region.
func NewQueryLogging(config aws.Config) *QueryLogging {
	return &QueryLogging{route53resolver.NewFromConfig(config)}
}

// Associations implements [health.QueryLogging].
func (q *QueryLogging) Associations(ctx context.Context, stream string) ([]health.Association, int, error) {
	var ids []string
	configurations := route53resolver.NewListResolverQueryLogConfigsPaginator(q.client, &route53resolver.ListResolverQueryLogConfigsInput{})
	for configurations.HasMorePages() {
		page, err := configurations.NextPage(ctx)
		if err != nil {
			return nil, 0, Explain(fmt.Errorf("listing the query logging configurations: %w", err))
		}
		for _, c := range page.ResolverQueryLogConfigs {
			if strings.HasSuffix(aws.ToString(c.DestinationArn), ":deliverystream/"+stream) {
				ids = append(ids, aws.ToString(c.Id))
			}
		}
	}

	var all []health.Association
	for _, id := range ids {
		vpcs, err := q.associationsOf(ctx, id)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, vpcs...)
	}
	return all, len(ids), nil
}

func (q *QueryLogging) associationsOf(ctx context.Context, configuration string) ([]health.Association, error) {
	var all []health.Association
	pages := route53resolver.NewListResolverQueryLogConfigAssociationsPaginator(q.client,
		&route53resolver.ListResolverQueryLogConfigAssociationsInput{Filters: []resolvertypes.Filter{
			{Name: aws.String("ResolverQueryLogConfigId"), Values: []string{configuration}},
		}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, Explain(fmt.Errorf("listing the VPCs of the query logging configuration %s: %w", configuration, err))
		}
		for _, a := range page.ResolverQueryLogConfigAssociations {
			one := health.Association{VPC: aws.ToString(a.ResourceId), Status: string(a.Status), Message: aws.ToString(a.ErrorMessage)}
			if a.Error != resolvertypes.ResolverQueryLogConfigAssociationErrorNone {
				one.Error = string(a.Error)
			}
			all = append(all, one)
		}
	}
	return all, nil
}
