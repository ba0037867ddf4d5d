//go:build !race

package template

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Without a topic there is no permission to publish, no output about it, and the notifier is told
// so. Without an address there is no subscription.
func TestSynthesize_topic(t *testing.T) {
	with := deploy(t, publishedTemplate(t), nil)
	if found := ofType(with, subscriptionType); len(found) > 0 {
		t.Errorf("without an address there are subscriptions: %v", found)
	}
	if topic := received(t, with, "AlertsFunction", settings.DecodeNotifier).Topic; !strings.Contains(topic, "AlertsTopic") {
		t.Errorf("the topic is %q", topic)
	}
	without := deploy(t, publishedTemplate(t), map[string]string{parameterTopic: "N", parameterEmail: "soc@corp.example"})
	text, _ := json.Marshal(without)
	for _, trace := range []string{"AWS::SNS", "sns:Publish", "AlertsTopic"} {
		if strings.Contains(string(text), trace) {
			t.Errorf("without a topic there is %s", trace)
		}
	}
	for _, watcher := range []string{"QueryLoggingChanged", "WatchdogFailed", "NoticesUndelivered"} {
		if id := "PipelineMonitoring" + watcher; !strings.Contains(string(publishedTemplate(t)), id) || strings.Contains(string(text), id) {
			t.Errorf("%s does not depend on the topic", watcher)
		}
	}
	if topic := received(t, without, "AlertsFunction", settings.DecodeNotifier).Topic; topic != "" {
		t.Errorf("without a topic the notifier is told %q", topic)
	}
	for name, output := range parse(t, publishedTemplate(t))["Outputs"].(object) {
		text, _ := json.Marshal(output.(object)["Value"])
		if strings.Contains(string(text), "AlertsTopic") && output.(object)["Condition"] != conditionTopic {
			t.Errorf("the output %s refers to a topic that may not exist", name)
		}
	}
}

// A resource that merely mentions the topic stays: in a list the element goes, as an action of an
// alarm, and in a text its name is empty.
func TestMakeTopicConditional_references(t *testing.T) {
	const text = `{
		"Conditions": {"HasAlertTopic": {"Fn::Equals": [{"Ref": "AlertTopic"}, "Y"]}},
		"Parameters": {"AlertTopic": {"Type": "String", "Default": "N"}},
		"Resources": {
			"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
			"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmActions": [{"Ref": "Topic"}, "arn:of:another"]}},
			"Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {
				"DashboardBody": {"Fn::Join": ["", ["topic ", {"Fn::GetAtt": ["Topic", "TopicName"]}]]}}}
		}}`
	template := parse(t, []byte(text))
	makeTopicConditional(template)
	written, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	want := object{
		"Alarm": object{"Type": "AWS::CloudWatch::Alarm", "Properties": object{"AlarmActions": []any{"arn:of:another"}}},
		"Board": object{"Type": "AWS::CloudWatch::Dashboard", "Properties": object{"DashboardBody": "topic "}},
	}
	if diff := cmp.Diff(want, deploy(t, written, nil)); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}
