package resolverwatch

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/monitor"
)

const (
	alarmsService = "cloudwatch.amazonaws.com"
	topicPrefix   = "Alarms" // of the statements in policies of topics
)

// notify makes the topics ready for alarms and rules of this account.
func (m *Monitoring) notify(p MonitoringProps) {
	var missing []string // topics whose policy the app cannot change
	for _, topic := range p.Topics {
		m.actions = append(m.actions, topic.TopicArn())
		if !m.letPublish(topic) {
			missing = append(missing, *topic.TopicArn())
		}
		m.letUseKey(topic)
	}
	for _, arn := range p.AlarmTopicARNs {
		m.actions = append(m.actions, &arn)
		missing = append(missing, arn)
	}
	if len(missing) == 0 {
		return
	}
	m.steps.remind(m, Step{
		ID:   "AlarmTopicPolicy",
		Why:  "The policy of an existing topic must let CloudWatch and EventBridge publish to it.",
		Text: "add to the policy of " + strings.Join(missing, ", ") + ": " + m.statementText(missing),
	})
}

// letPublish lets CloudWatch and EventBridge publish to a topic, if the app can change its policy.
func (m *Monitoring) letPublish(topic awssns.ITopic) bool {
	added := true
	for _, s := range m.publish([]string{*topic.TopicArn()}) {
		result := topic.AddToResourcePolicy(s.forPrincipal(awsiam.NewServicePrincipal(jsii.String(s.service), nil)))
		added = added && *result.StatementAdded
	}
	return added
}

// serviceStatement is a statement for a service.
type serviceStatement struct {
	statement
	service string
}

// publish returns the statements that let the alarms and rules of this account publish.
func (m *Monitoring) publish(topics []string) []serviceStatement {
	stack := awscdk.Stack_Of(m)
	var all []serviceStatement
	for _, from := range []struct{ sid, service, resource, name string }{
		{topicPrefix + "CloudWatch", alarmsService, "alarm", "cloudwatch"},
		{topicPrefix + "EventBridge", eventsService, "rule", "events"},
	} {
		arns := &awscdk.ArnComponents{Service: jsii.String(from.name), Resource: jsii.String(from.resource), ResourceName: jsii.String("*")}
		if from.name == "cloudwatch" {
			arns.ArnFormat = awscdk.ArnFormat_COLON_RESOURCE_NAME
		}
		all = append(all, serviceStatement{service: from.service, statement: statement{
			sid: from.sid, actions: []string{"sns:Publish"}, resources: topics,
			conditions: map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": *stack.Account()},
				"ArnLike":      map[string]any{"aws:SourceArn": *stack.FormatArn(arns)},
			}}})
	}
	return all
}

// statementText returns the statements for a person to add.
func (m *Monitoring) statementText(topics []string) string {
	var texts []string
	for _, s := range m.publish(topics) {
		texts = append(texts, s.text(service(s.service)))
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// letUseKey lets CloudWatch and EventBridge use the key of an encrypted topic. Without that,
// notices vanish without an error. The condition is not on the source, which EventBridge does not
// set for an encrypted topic (SNS developer guide, "Key management").
func (m *Monitoring) letUseKey(topic awssns.ITopic) {
	key := topic.MasterKey()
	if key == nil {
		return
	}
	topics := awscdk.Stack_Of(m).FormatArn(&awscdk.ArnComponents{Service: jsii.String("sns"), Resource: jsii.String("*")})
	only := map[string]any{"ArnLike": map[string]any{"kms:EncryptionContext:aws:sns:topicArn": *topics}}
	m.steps.letServiceUse(m, key, "CloudWatch", alarmsService,
		statement{sid: "ResolverwatchAlarms", actions: keyWrite, conditions: only})
	m.steps.letServiceUse(m, key, "EventBridge", eventsService,
		statement{sid: "ResolverwatchWatchdogs", actions: keyWrite, conditions: only})
}

// watchQueryLogging tells the topics when somebody deletes the query logging configuration or
// removes a VPC from it. It returns the name of the rule, or "" if there is nothing to watch or
// nobody to tell.
func (m *Monitoring) watchQueryLogging(p MonitoringProps) string {
	configs := p.watchedConfigs()
	if len(configs) == 0 || len(m.actions) == 0 {
		return ""
	}
	rule := m.newWatchdog("QueryLoggingChanged", "Query logging was turned off, for a VPC or for all",
		map[string]any{
			"source":      []any{"aws.route53resolver"},
			"detail-type": []any{"AWS API Call via CloudTrail"},
			"detail": map[string]any{
				"eventSource": []any{"route53resolver.amazonaws.com"},
				"eventName":   []any{"DeleteResolverQueryLogConfig", "DisassociateResolverQueryLogConfig"},
				// A call that was refused changed nothing.
				"errorCode":         []any{map[string]any{"exists": false}},
				"requestParameters": map[string]any{"resolverQueryLogConfigId": configs},
			},
		},
		&awsevents.CfnRule_InputTransformerProperty{
			InputPathsMap: map[string]string{"name": "$.detail.eventName", "who": "$.detail.userIdentity.arn", "time": "$.time",
				"config": "$.detail.requestParameters.resolverQueryLogConfigId", "account": "$.account", "region": "$.region"},
			InputTemplate: jsii.String(`"Resolverwatch: <name> on <config> in account <account>, <region>, at <time>, by <who>. ` +
				`Queries of the VPC are no longer logged. See ` + watchdogHelp + `"`),
		})
	return *rule.Ref()
}

// watchedConfigs returns the ids of the query logging configurations of all sources.
func (p MonitoringProps) watchedConfigs() (ids []any) {
	if p.QueryLogging != nil {
		ids = append(ids, p.QueryLogging.ConfigID())
	}
	if p.LogSource != nil && p.LogSource.queryLogging != nil {
		ids = append(ids, p.LogSource.queryLogging.ConfigID())
	}
	return ids
}

const watchdogHelp = monitor.Runbook + "#queryloggingchanged"

// forwardFirewallEvents sends the events of DNS Firewall to the topics.
func (m *Monitoring) forwardFirewallEvents(p MonitoringProps) {
	if !p.FirewallEvents || len(m.actions) == 0 {
		return
	}
	m.newWatchdog("FirewallEvents", "Route 53 Resolver DNS Firewall alerted on a query or blocked it", map[string]any{
		"source":      []any{"aws.route53resolver"},
		"detail-type": []any{"DNS Firewall Alert", "DNS Firewall Block"},
	}, nil)
}

// newWatchdog defines a rule that sends events to all topics.
func (m *Monitoring) newWatchdog(id, description string, pattern any, message *awsevents.CfnRule_InputTransformerProperty) awsevents.CfnRule {
	targets := make([]any, len(m.actions))
	for i, arn := range m.actions {
		targets[i] = &awsevents.CfnRule_TargetProperty{Arn: arn.(*string), Id: jsii.String("Topic" + string(rune('0'+i))), InputTransformer: transformer(message)}
	}
	rule := awsevents.NewCfnRule(m, &id, &awsevents.CfnRuleProps{
		Description: &description, EventPattern: pattern, State: jsii.String("ENABLED"), Targets: &targets})
	accept(rule, finding{rule: "Serverless-EventBusDLQ", reason: "the alarm WatchdogFailed tells that a notice could not be sent"})
	return rule
}

// transformer returns nil without a type if there is no message.
func transformer(message *awsevents.CfnRule_InputTransformerProperty) any {
	if message == nil {
		return nil
	}
	return message
}
