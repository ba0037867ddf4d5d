package template

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Logical ids of the parameters of the topic, and of the conditions that depend on them.
const (
	parameterTopic     = "AlertTopic"
	parameterTopicName = "AlertTopicName"
	parameterEmail     = "AlertEmail"

	conditionTopic = "HasAlertTopic"
	conditionEmail = "HasAlertReceiver"
)

// Values of the parameter of the topic, as in the original sample.
const (
	yes = "Y"
	no  = "N"
)

// topic defines the parameters of the topic and of the first address that receives its notices.
// It changes props so that the pipeline has both; [makeTopicConditional] does the rest.
func (p *parameters) topic(props *resolverwatch.AlertsProps, wanted bool) {
	preset := yes
	if !wanted {
		preset = no
	}
	topic := p.add(parameterTopic, parameterProps{
		group: groupAlerts, label: "Notices on an SNS topic",
		description: "Y creates a topic and sends notices about matches to it. Events are on the default event bus either way",
		preset:      &preset,
		allowed:     []string{yes, no},
		rule:        "must be Y or N",
	})
	name := p.add(parameterTopicName, parameterProps{
		group: groupAlerts, label: "Name of the topic",
		description: "Empty lets CloudFormation choose one. A second stack in the Region needs another name",
		preset:      jsii.String(props.TopicName),
		pattern:     `^[a-zA-Z0-9_-]{0,256}$`,
		rule:        "must be empty, or 1 to 256 of a-z A-Z 0-9 _ -",
	})
	email := p.add(parameterEmail, parameterProps{
		group: groupAlerts, label: "E-mail address",
		description: "Receives the notices, after the link in a mail of AWS was followed. Empty if somebody subscribes later",
		preset:      jsii.String(""),
		pattern:     `^$|^[^@\s]+@[^@\s]+$`,
		rule:        "must be empty or an e-mail address",
	})

	has := awscdk.NewCfnCondition(p.scope, jsii.String(conditionTopic), &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionEquals(topic.ValueAsString(), yes)})
	awscdk.NewCfnCondition(p.scope, jsii.String(conditionEmail), &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionAnd(has, awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(email.ValueAsString(), "")))})
	named := p.isSet(name, "")
	props.WithoutTopic = false
	props.TopicName = *awscdk.Token_AsString(awscdk.Fn_ConditionIf(named.LogicalId(), name.ValueAsString(), awscdk.Aws_NO_VALUE()), nil)
	props.Emails = []string{*email.ValueAsString()}
}

// makeTopicConditional makes everything about the topic of a parsed template depend on its
// parameters: the resources, the permission to publish, references of other resources, and
// outputs. The constructs have no such switch, because an app knows at synthesis whether it wants
// a topic. A template without these parameters stays as it is.
func makeTopicConditional(template map[string]any) {
	conditions, _ := template["Conditions"].(map[string]any)
	resources, _ := template["Resources"].(map[string]any)
	if conditions[conditionTopic] == nil {
		return
	}
	var topic topicReference
	for id, value := range resources {
		resource := value.(map[string]any)
		switch resource["Type"] {
		case "AWS::SNS::Topic":
			topic = topicReference(id)
			resource["Condition"] = conditionTopic
		case "AWS::SNS::TopicPolicy":
			resource["Condition"] = conditionTopic
		case "AWS::SNS::Subscription":
			resource["Condition"] = conditionEmail
		}
	}
	topic.dependAlarms(resources)
	for _, value := range resources {
		resource := value.(map[string]any)
		if properties, hasSome := resource["Properties"].(map[string]any); hasSome && resource["Condition"] == nil {
			topic.dependIn(properties)
		}
	}
	outputs, _ := template["Outputs"].(map[string]any)
	for _, value := range outputs {
		if output := value.(map[string]any); topic.isIn(output["Value"]) {
			output["Condition"] = conditionTopic
		}
	}
}

// topicReference is the logical id of the topic.
type topicReference string

// dependIn makes every member of an object that refers to the topic depend on the condition.
func (t topicReference) dependIn(object map[string]any) {
	for name, member := range object {
		if name == "Fn::Join" { // no element of the text may be left out
			terms := member.([]any)
			terms[1] = t.depend(terms[1], "")
			continue
		}
		object[name] = t.depend(member, noValue())
	}
}

// depend returns value with every statement about the topic, and every other reference to it,
// made conditional. Without a topic, the reference is replaced by without.
func (t topicReference) depend(value, without any) any {
	switch value := value.(type) {
	case []any:
		for i, element := range value {
			value[i] = t.depend(element, without)
		}
	case map[string]any:
		switch {
		case value["Effect"] != nil && t.isIn(value["Resource"]):
			return choose(conditionTopic, value, noValue())
		case t.is(value):
			return choose(conditionTopic, value, without)
		}
		t.dependIn(value)
	}
	return value
}

// is reports whether an object is a reference to the topic.
func (t topicReference) is(object map[string]any) bool {
	attribute, _ := object["Fn::GetAtt"].([]any)
	return object["Ref"] == string(t) || len(attribute) > 0 && attribute[0] == string(t)
}

// isIn reports whether a value contains a reference to the topic.
func (t topicReference) isIn(value any) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, t.isIn)
	case map[string]any:
		return t.is(value) || slices.ContainsFunc(slices.Collect(maps.Values(value)), t.isIn)
	}
	return false
}

// choose returns with if a condition is true, and otherwise without.
func choose(condition string, with, without any) map[string]any {
	return map[string]any{"Fn::If": []any{condition, with, without}}
}

// noValue removes the member or the element that has it.
func noValue() map[string]any { return map[string]any{"Ref": "AWS::NoValue"} }
