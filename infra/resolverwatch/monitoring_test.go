//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/monitor"
	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

const (
	metricAlarm    = "AWS::CloudWatch::Alarm"
	compositeAlarm = "AWS::CloudWatch::CompositeAlarm"
)

// alarmOf returns the properties of an alarm by its construct id.
func (m template) alarmOf(id string) resource {
	m.t.Helper()
	for _, logical := range append(m.ids(metricAlarm), m.ids(compositeAlarm)...) {
		if text, found := m.resources[logical].Properties["AlarmDescription"].(string); found &&
			strings.HasSuffix(text, monitor.Runbook+"#"+strings.ToLower(id)) {
			return m.resources[logical]
		}
	}
	m.t.Fatalf("no alarm %s", id)
	return resource{}
}

// A pipeline has alarms on its own parts, which notify the topic of the alerts.
func TestMonitoring_defaults(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, nil)
	made := synth(t, stack)

	made.alarmOf("ImportRejected").want(t, object{
		"Namespace": "Resolverwatch", "MetricName": "ImportRejected", "Dimensions": []any{object{"Name": "Stack", "Value": "Test"}},
		"Statistic": "Sum", "Period": 300, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0,
		"EvaluationPeriods": 1, "DatapointsToAlarm": 1, "TreatMissingData": "notBreaching",
		"ActionsEnabled": true, "AlarmActions.0": "<" + made.id("AWS::SNS::Topic", "") + ">", "AlarmName": nil,
	})
	made.alarmOf("DeliveryLate").want(t, object{"Threshold": 60 + 60 + 600, "Statistic": "Maximum", "EvaluationPeriods": 3})
	made.alarmOf("ImporterSlow").want(t, object{"Threshold": 450_000, "ExtendedStatistic": "p99", "Statistic": nil,
		"Dimensions.0.Value": "<" + made.id("AWS::Lambda::Function", "Importer") + ">"})
	made.alarmOf("IndexMissing").want(t, object{
		"Metrics.0.Expression": "IF(FILL(generation, 0) > 0, 100 * noIndex / records, 0)", "Metrics.0.ReturnData": true,
		"Metrics.1.ReturnData": false, "Metrics.1.MetricStat.Period": 3600, "Metrics.1.MetricStat.Stat": "SampleCount",
		"MetricName": nil, "Period": nil,
	})
	recent, firstDay := made.id(metricAlarm, "LogsStoppedRecent"), made.id(metricAlarm, "LogsStoppedFirstDay")
	made.alarmOf("LogsStopped").want(t, object{
		"AlarmRule": `ALARM("<` + recent + `.Arn>") AND OK("<` + firstDay + `.Arn>")`, "ActionsEnabled": true})
	made.resources[recent].want(t, object{"ActionsEnabled": false, "TreatMissingData": "breaching", "EvaluationPeriods": 6})
	made.resources[firstDay].want(t, object{"ActionsEnabled": false, "TreatMissingData": "breaching",
		"EvaluationPeriods": 168, "DatapointsToAlarm": 145, "Period": 3600})
	made.one("AWS::Events::Rule", "QueryLoggingChanged")
	if pipeline.Monitoring().DashboardName() == "" || len(pipeline.Monitoring().Steps()) != 0 {
		t.Errorf("dashboard %q, steps %v", pipeline.Monitoring().DashboardName(), pipeline.Monitoring().Steps())
	}
}

// Alerts and hunts are watched too.
func TestMonitoring_alertsAndHunts(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, nil)
	made := synth(t, stack)
	made.alarmOf("NotifierErrors").want(t, object{"Threshold": 2,
		"Dimensions.0.Value": "<" + made.id("AWS::Lambda::Function", "Alerts") + ">"})
	made.alarmOf("AlertsBehind").want(t, object{"Threshold": 900,
		"Dimensions.0.Value": "<" + made.id("AWS::SQS::Queue", "AlertsQueue") + ".QueueName>"})
	made.alarmOf("NoticesUndelivered").want(t, object{"Dimensions.0.Value": "<" + made.id("AWS::SNS::Topic", "") + ".TopicName>"})
	made.alarmOf("HuntsDropped").want(t, object{"Dimensions.0.Value": "<" + made.id("AWS::Scheduler::ScheduleGroup", "") + ">"})
	made.alarmOf("HuntsStopped")
	made.resources[made.id(metricAlarm, "HuntsStoppedRecent")].want(t, object{"Period": 3600, "EvaluationPeriods": 3})
}

// Without a topic, alarms notify nobody, and there is no rule.
func TestMonitoring_withoutAlerts(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{WithoutAlerts: true})
	made := synth(t, stack)
	made.alarmOf("ImportRejected").want(t, object{"AlarmActions": nil})
	for _, id := range slices.Concat(made.ids(metricAlarm), made.ids(compositeAlarm), made.ids("AWS::Events::Rule")) {
		for _, part := range []string{"Notifier", "Hunt", "Notices", "Alert", "QueryLoggingChanged", "WatchdogFailed"} {
			if strings.Contains(id, part) {
				t.Errorf("there is %s", id)
			}
		}
	}
}

// The body of the dashboard is JSON once CloudFormation has filled in the names.
func TestMonitoring_dashboard(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, nil)
	text := flatten(synth(t, stack).one("AWS::CloudWatch::Dashboard", "").Properties["DashboardBody"])
	var body struct{ Widgets []object }
	if err := json.Unmarshal([]byte(text), &body); err != nil || len(body.Widgets) < 15 {
		t.Errorf("%d widgets, %v: %s", len(body.Widgets), err, text)
	}
}

// Topics of the app let alarms and rules publish. An encrypted one needs its key for that too.
func TestMonitoring_topics(t *testing.T) {
	stack := newStack(t)
	topic := awssns.NewTopic(stack, jsii.String("Topic"), &awssns.TopicProps{MasterKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	newPipeline(stack, &resolverwatch.PipelineProps{WithoutAlerts: true, Monitoring: &resolverwatch.MonitoringProps{
		MonitoringSettings: resolverwatch.MonitoringSettings{FirewallEvents: true}, Topics: []awssns.ITopic{topic}}})
	made := synth(t, stack)

	arn := "<" + made.id("AWS::SNS::Topic", "") + ">"
	for _, id := range []string{"ImportRejected", "LogsStopped"} {
		made.alarmOf(id).want(t, object{"AlarmActions.0": arn, "OKActions.0": arn})
	}
	made.resources[made.id(metricAlarm, "LogsStoppedRecent")].want(t, object{"AlarmActions": nil})
	policy := made.one("AWS::SNS::TopicPolicy", "")
	for i, service := range []string{"cloudwatch.amazonaws.com", "events.amazonaws.com"} {
		statement := "PolicyDocument.Statement." + string(rune('0'+i)) + "."
		policy.want(t, object{statement + "Principal.Service": service, statement + "Action": "sns:Publish", statement + "Resource": arn,
			statement + "Condition.StringEquals.aws:SourceAccount": "<AWS::AccountId>"})
	}
	key := flatten(made.one("AWS::KMS::Key", "").Properties["KeyPolicy"])
	for _, sid := range []string{"ResolverwatchAlarms", "ResolverwatchWatchdogs"} {
		if !strings.Contains(key, sid) {
			t.Errorf("the key has no statement %s", sid)
		}
	}
	made.one("AWS::Events::Rule", "FirewallEvents").want(t, object{
		"EventPattern":  object{"source": []any{"aws.route53resolver"}, "detail-type": []any{"DNS Firewall Alert", "DNS Firewall Block"}},
		"Targets.0.Arn": arn, "Targets.0.InputTransformer": nil})
}

// Somebody who turns query logging off is noticed. A call for another configuration is not ours.
func TestMonitoring_queryLoggingChanged(t *testing.T) {
	stack := newStack(t)
	const arn = "arn:aws:sns:eu-west-1:111122223333:alarms"
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{Monitoring: &resolverwatch.MonitoringProps{
		MonitoringSettings: resolverwatch.MonitoringSettings{AlarmTopicARNs: []string{arn}}}})
	made := synth(t, stack)
	rule := made.one("AWS::Events::Rule", "QueryLoggingChanged")
	rule.want(t, object{
		"EventPattern.detail.eventName":                                    []any{"DeleteResolverQueryLogConfig", "DisassociateResolverQueryLogConfig"},
		"EventPattern.detail.requestParameters.resolverQueryLogConfigId.0": "<" + made.id(queryLogConfig, "") + ".Id>",
		"EventPattern.source.0":                                            "aws.route53resolver", "Targets.0.Arn": arn,
	})
	if text := flatten(rule.get("Targets.0.InputTransformer.InputTemplate")); !strings.Contains(text, "#queryloggingchanged") {
		t.Errorf("message %s", text)
	}
	made.alarmOf("WatchdogFailed").want(t, object{"Dimensions.0.Value": "<" + made.id("AWS::Events::Rule", "QueryLoggingChanged") + ">"})
	made.alarmOf("ImportRejected").want(t, object{"AlarmActions.0": arn})
	// The app cannot change the policy of this topic.
	if steps := pipeline.Monitoring().Steps(); len(steps) != 1 || steps[0].ID != "AlarmTopicPolicy" {
		t.Errorf("steps %v", steps)
	}
}

func TestMonitoring_options(t *testing.T) {
	off := jsii.Bool(false)
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{
		Importer: &resolverwatch.ImporterProps{PublishInterval: awscdk.Duration_Hours(jsii.Number(6))},
		Monitoring: &resolverwatch.MonitoringProps{MonitoringSettings: resolverwatch.MonitoringSettings{
			Dashboard: off, ArrivalAlarm: off, MaxListAge: resolverwatch.Duration(7 * 24 * time.Hour)}}})
	made := synth(t, stack)
	if ids := made.ids("AWS::CloudWatch::Dashboard"); len(ids) > 0 {
		t.Errorf("dashboards %v", ids)
	}
	if slices.ContainsFunc(made.ids(compositeAlarm), func(id string) bool { return strings.Contains(id, "LogsStopped") }) {
		t.Error("there is an alarm about logs that stopped")
	}
	made.alarmOf("ListOld").want(t, object{"Threshold": 7 * 86400, "Period": 6 * 3600})
	made.alarmOf("IndexStale").want(t, object{"Threshold": 18 * 3600})

	stack = newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{WithoutMonitoring: true})
	made = synth(t, stack)
	if ids := append(made.ids(metricAlarm), made.ids("AWS::CloudWatch::Dashboard")...); len(ids) > 0 || pipeline.Monitoring() != nil {
		t.Errorf("without monitoring: %v", ids)
	}
}

func TestMonitoring_refuses(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{Monitoring: &resolverwatch.MonitoringProps{
			MonitoringSettings: resolverwatch.MonitoringSettings{
				Silence: resolverwatch.Duration(12 * time.Minute), UnknownPercent: 101,
				AlarmTopicARNs: []string{"alarms", "arn:aws:sns:eu-west-1:111122223333:alarms.fifo"}},
			Topics: []awssns.ITopic{nil, nil, nil, nil},
		}})
	},
		"Test/Pipeline/Monitoring UnknownPercent",
		"Test/Pipeline/Monitoring AlarmTopicARNs[0]",
		"Test/Pipeline/Monitoring AlarmTopicARNs[1]",
		"Test/Pipeline/Monitoring Topics[0]",
		"Test/Pipeline/Monitoring Topics[1]",
		"Test/Pipeline/Monitoring Topics[2]",
		"Test/Pipeline/Monitoring Topics[3]",
		"Test/Pipeline/Monitoring Topics and AlarmTopicARNs",
		"Test/Pipeline/Monitoring Silence",
	)
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{WithoutMonitoring: true, Monitoring: &resolverwatch.MonitoringProps{}})
	}, "Test/Pipeline WithoutMonitoring and Monitoring")
}
