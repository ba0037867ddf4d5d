//go:build !race

package upgrade_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/templatediff"
)

// createOnly are the properties that replace a resource when they change, for the stateful
// types of a deployment, with the settings that change them.
var createOnly = []struct {
	typ        string
	properties []string
	why        string
}{
	{"AWS::S3::Bucket", []string{"BucketName", "ObjectLockEnabled"}, "the settings of names"},
	{"AWS::DynamoDB::Table", []string{"TableName", "KeySchema", "LocalSecondaryIndexes"}, "`store.tableName`; the keys are fixed"},
	{"AWS::KMS::Key", []string{"KeySpec", "KeyUsage", "MultiRegion", "Origin"}, "nothing does; CloudFormation would fail the update"},
	{"AWS::KinesisFirehose::DeliveryStream", []string{"DeliveryStreamName", "DeliveryStreamType"}, "nothing does"},
	{"AWS::Route53Resolver::ResolverQueryLoggingConfig", []string{"Name", "DestinationArn", "Tags"},
		"`queryLogging.name`, another stream; it gets no tags, so that new ones do not replace it"},
	{"AWS::Glue::Database", []string{"DatabaseInput.Name", "CatalogId"}, "`catalog.database`, the account"},
	{"AWS::Athena::WorkGroup", []string{"Name"}, "`catalog.workGroup`"},
	{"AWS::SQS::Queue", []string{"QueueName", "FifoQueue"}, "nothing does"},
	{"AWS::SNS::Topic", []string{"TopicName", "FifoTopic"}, "`alerts.topicName`"},
	{"AWS::Logs::LogGroup", []string{"LogGroupName"}, "nothing does"},
}

func createOnlyTable() string {
	var text strings.Builder
	text.WriteString("\n| type | properties | changed by |\n| --- | --- | --- |\n")
	for _, row := range createOnly {
		fmt.Fprintf(&text, "| `%s` | `%s` | %s |\n", row.typ, strings.Join(row.properties, "`, `"), row.why)
	}
	return text.String() + "\n"
}

// The comparison of templates knows the properties that the page lists.
func TestCreateOnly(t *testing.T) {
	for _, row := range createOnly {
		for _, property := range row.properties {
			findings, err := templatediff.Compare(one(t, row.typ, property, "before"), one(t, row.typ, property, "after"))
			if err != nil {
				t.Fatal(err)
			}
			if len(findings) != 1 || !findings[0].LosesState() {
				t.Errorf("a change of %s %s does not replace it: %v", row.typ, property, findings)
			}
		}
	}
}

// The page lists every stateful type of a deployment.
func TestCreateOnly_hasAllTypes(t *testing.T) {
	listed := map[string]bool{}
	for _, row := range createOnly {
		listed[row.typ] = true
	}
	template := encode(t, parse(t, deployed(`{"createKey":true}`).synthesize(t).template))
	findings, err := templatediff.Compare(template, template)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		if finding.State != templatediff.Stateless && !listed[finding.Type] {
			t.Errorf("%s is stateful, and its create-only properties are not listed", finding.Type)
		}
	}
}

// one returns the template of one resource with a value for one property.
func one(t *testing.T, typ, property, value string) []byte {
	t.Helper()
	properties := any(value)
	steps := strings.Split(property, ".")
	for i := len(steps) - 1; i >= 0; i-- {
		properties = map[string]any{steps[i]: properties}
	}
	text, err := json.Marshal(map[string]any{"Resources": map[string]any{"One": map[string]any{"Type": typ, "Properties": properties}}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
