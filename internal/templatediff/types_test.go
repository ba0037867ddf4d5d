package templatediff

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stateless has the types of a default deployment whose replacement nobody notices.
var stateless = []string{
	"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard",
	"AWS::Events::Rule", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function",
	"AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission", "AWS::Logs::LogStream", "AWS::SNS::TopicPolicy",
	"AWS::SQS::QueuePolicy", "AWS::Scheduler::ScheduleGroup",
}

// Each type of a default deployment is in the table, or somebody has decided that it is
// stateless.
func TestTypes_inventory(t *testing.T) {
	inventory, err := os.ReadFile("../../infra/stack/testdata/inventory.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`AWS::\w+::\w+`).FindAllString(string(inventory), -1)
	if len(found) == 0 {
		t.Fatal("no types in the inventory")
	}
	for _, name := range found {
		if _, ok := types[name]; !ok && !slices.Contains(stateless, name) {
			t.Errorf("%s: decide whether it holds state, and add it to types or to stateless", name)
		}
	}
}

// The CDK's command has CloudFormation's resource schemas. The table has every property
// that they call create-only, and calls stateful what they do.
func TestTypes_schemas(t *testing.T) {
	const database = "../../.bin/cdk/node_modules/aws-cdk/db.json.gz"
	seen := make(map[string]bool)
	for _, schema := range schemas(t, database) {
		known, ok := types[schema.Type]
		if !ok {
			continue
		}
		seen[schema.Type] = true
		if schema.IsStateful && known.state == Stateless {
			t.Errorf("%s is stateful", schema.Type)
		}
		for name, property := range schema.Properties {
			if property.CausesReplacement == "yes" && !slices.Contains(known.createOnly, name) {
				t.Errorf("%s: %s replaces the resource", schema.Type, name)
			}
		}
		for _, name := range known.createOnly {
			name, _, _ = strings.Cut(name, ".")
			if _, ok := schema.Properties[name]; !ok {
				t.Errorf("%s has no property %s", schema.Type, name)
			}
		}
	}
	for name := range types {
		if !seen[name] {
			t.Errorf("there is no type %s", name)
		}
	}
}

type schema struct {
	Type       string `json:"cloudFormationType"`
	IsStateful bool
	Properties map[string]struct{ CausesReplacement string }
}

func schemas(t *testing.T, path string) []schema {
	t.Helper()
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the CDK's command is not installed; `make e2e` installs it")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var decoded struct {
		Schema struct {
			Resource struct{ Entities []schema }
		}
	}
	if err := json.NewDecoder(text).Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	return decoded.Schema.Resource.Entities
}
