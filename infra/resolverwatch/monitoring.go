package resolverwatch

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/monitor"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// MonitoringProps configures a [Monitoring]. Parts that are nil are not watched.
type MonitoringProps struct {
	MonitoringSettings

	// Topics receive the alarms, in addition to those of AlarmTopicARNs. The policy of an
	// existing topic must let CloudWatch publish: see Steps.
	//
	// Default: the topic of the alerts, unless AlarmTopicARNs is set. Without any topic, the
	// console and the command still show the alarms.
	Topics []awssns.ITopic

	// The parts to watch. A [Pipeline] sets them.
	//
	// Default: not watched.
	Store        *IndicatorStore
	Importer     *Importer
	Transformer  *Transformer
	Delivery     *Delivery
	QueryLogging IQueryLogging
	Catalog      *Catalog
	Alerts       *Alerts
	Hunts        *Hunts
	LogSource    *S3LogSource
}

func (p MonitoringProps) withDefaults() MonitoringProps {
	settings.Fill(&p.MonitoringSettings)
	if len(p.Topics) == 0 && len(p.AlarmTopicARNs) == 0 && p.Alerts != nil && p.Alerts.topic != nil {
		p.Topics = []awssns.ITopic{p.Alerts.topic}
	}
	return p
}

var topicARN = regexp.MustCompile(`^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]{1,256}$`)

// silenceStep is the period of the metric whose silence matters.
const silenceStep = 5 * time.Minute

// maxActions is how many actions an alarm can have (PutMetricAlarm in the API reference of
// CloudWatch).
const maxActions = 5

func (p MonitoringProps) validate() error {
	var problems problems
	problems.settings(p.MonitoringSettings)
	for i, arn := range p.AlarmTopicARNs {
		prop := fmt.Sprintf("AlarmTopicARNs[%d]", i)
		problems.required(prop, arn == "")
		if isKnown(arn) {
			problems.name(prop, arn, topicARN, "the ARN of a standard SNS topic")
		}
	}
	for i, topic := range p.Topics {
		problems.required(fmt.Sprintf("Topics[%d]", i), topic == nil)
	}
	if n := len(p.AlarmTopicARNs) + len(p.Topics); n > maxActions {
		problems.addf("Topics and AlarmTopicARNs: an alarm can notify at most %d topics, got %d", maxActions, n)
	}
	if p.Silence.Std()%silenceStep != 0 {
		problems.addf("Silence: must be a multiple of %v, got %v", silenceStep, p.Silence)
	}
	if p.Importer != nil && p.Transformer != nil && p.Importer.stack != p.Transformer.stack {
		problems.addf("Importer and Transformer: must have the same StackName, got %q and %q", p.Importer.stack, p.Transformer.stack)
	}
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p MonitoringProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	const why = "CloudWatch notifies only topics of its own Region"
	for i, topic := range p.Topics {
		if topic != nil {
			checkSameRegion(&problems, fmt.Sprintf("Topics[%d]", i), placeOfResource(topic, *topic.TopicArn()), home, why)
		}
	}
	for i, arn := range p.AlarmTopicARNs {
		checkSameRegion(&problems, fmt.Sprintf("AlarmTopicARNs[%d]", i), placeOfARN(arn, place{}), home, why)
	}
	return errors.Join(p.validate(), problems.join())
}

// Monitoring is the alarms, the dashboard and the rules that watch a pipeline. docs/runbook.md
// has an entry for each alarm.
//
// The ids of the alarms are part of the API: see docs/monitoring.md.
type Monitoring struct {
	constructs.Construct
	steps steps

	actions   []any    // ARNs of topics
	alarms    []string // ARNs of the alarms that notify
	dashboard awscloudwatch.CfnDashboard
}

// ToString returns the path of the construct.
func (m *Monitoring) ToString() *string { return m.Node().Path() }

// NewMonitoring defines a [Monitoring]. It panics if the props are not valid.
func NewMonitoring(scope constructs.Construct, id string, props *MonitoringProps) *Monitoring {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	p = p.withDefaults()
	this := &Monitoring{}
	begin(this, scope, id, problems)
	this.notify(p)
	parts := p.parts()
	parts.Rule = this.watchQueryLogging(p)
	this.forwardFirewallEvents(p)
	for _, alarm := range monitor.Alarms(parts) {
		this.alarms = append(this.alarms, *this.newAlarm(alarm).AttrArn())
	}
	for _, silence := range monitor.Silences(parts) {
		this.alarms = append(this.alarms, *this.newSilence(silence).AttrArn())
	}
	if p.Dashboard == nil || *p.Dashboard {
		body := monitor.Dashboard(parts, *awscdk.Stack_Of(this).Region(), this.alarms)
		this.dashboard = awscloudwatch.NewCfnDashboard(this, jsii.String("Dashboard"),
			&awscloudwatch.CfnDashboardProps{DashboardBody: &body})
	}
	return this
}

// DashboardName returns the name of the dashboard, or "" if there is none.
func (m *Monitoring) DashboardName() string {
	if m.dashboard == nil {
		return ""
	}
	return *m.dashboard.Ref()
}

// Steps returns what is left to do by hand, before or after a deployment.
func (m *Monitoring) Steps() []Step { return slices.Clone(m.steps) }

// newAlarm defines an alarm.
func (m *Monitoring) newAlarm(a monitor.Alarm) awscloudwatch.CfnAlarm {
	props := &awscloudwatch.CfnAlarmProps{
		AlarmDescription:   jsii.String(a.Description()),
		ActionsEnabled:     !a.Silent,
		ComparisonOperator: &a.Comparison,
		Threshold:          &a.Threshold,
		EvaluationPeriods:  jsii.Number(a.Points),
		DatapointsToAlarm:  jsii.Number(a.Breaches),
		TreatMissingData:   &a.Missing,
	}
	if !a.Silent && len(m.actions) > 0 {
		props.AlarmActions, props.OkActions = &m.actions, &m.actions
	}
	seconds := jsii.Number(a.Period.Seconds())
	if a.Expression != "" {
		queries := []any{&awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id: jsii.String("value"), Expression: &a.Expression, ReturnData: true}}
		for _, metric := range a.Metrics {
			queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
				Id: &metric.ID, ReturnData: false, MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
					Period: seconds, Stat: &metric.Statistic, Metric: &awscloudwatch.CfnAlarm_MetricProperty{
						Namespace: &metric.Namespace, MetricName: &metric.Name, Dimensions: dimensions(metric)}}})
		}
		props.Metrics = &queries
		return awscloudwatch.NewCfnAlarm(m, &a.ID, props)
	}
	metric := a.Metrics[0]
	props.Namespace, props.MetricName, props.Dimensions, props.Period = &metric.Namespace, &metric.Name, dimensions(metric), seconds
	if metric.Statistic[0] == 'p' {
		props.ExtendedStatistic = &metric.Statistic
	} else {
		props.Statistic = &metric.Statistic
	}
	return awscloudwatch.NewCfnAlarm(m, &a.ID, props)
}

func dimensions(metric monitor.Metric) *[]any {
	list := make([]any, len(metric.Dimensions))
	for i, d := range metric.Dimensions {
		list[i] = &awscloudwatch.CfnAlarm_DimensionProperty{Name: &d.Name, Value: &d.Value}
	}
	return &list
}

// newSilence defines an alarm about silence: two helpers that notify nobody, and the alarm that
// combines them.
func (m *Monitoring) newSilence(s monitor.Silence) awscloudwatch.CfnCompositeAlarm {
	recent, firstDay := m.newAlarm(s.Recent), m.newAlarm(s.FirstDay)
	rule := s.Rule(*recent.AttrArn(), *firstDay.AttrArn())
	props := &awscloudwatch.CfnCompositeAlarmProps{
		AlarmRule: &rule, AlarmDescription: jsii.String(s.Description()), ActionsEnabled: true}
	if len(m.actions) > 0 {
		props.AlarmActions, props.OkActions = &m.actions, &m.actions
	}
	return awscloudwatch.NewCfnCompositeAlarm(m, &s.ID, props)
}
