package template

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// conditionS3 is the condition that the VPCs log to S3.
const conditionS3 = "LogsToS3"

// offersS3 reports whether each deployment of a template chooses its source: the template has
// Firehose, as JSON, and the settings do not ask for logs in S3 in any case.
func offersS3(d settings.Deployment) bool {
	off := func(enabled *bool) bool { return enabled != nil && !*enabled }
	return !d.Source.S3 && !off(d.Source.Firehose) && !off(d.QueryLogging.Enabled) && d.Delivery.ExistingStream == "" &&
		d.Delivery.Format != settings.FormatParquet
}

// offerS3 merges the template of a deployment that has both sources into that of one with Firehose
// alone: a deployment has the second source if the parameter says so. The constructs have no such
// switch, because an app knows at synthesis which sources it wants.
func offerS3(firehose, both map[string]any) error {
	for _, section := range []string{"Conditions", "Mappings", "Parameters", "Rules"} {
		if err := addMissing(firehose, both, section); err != nil {
			return err
		}
	}
	resources, _ := firehose["Resources"].(map[string]any)
	more, _ := both["Resources"].(map[string]any)
	for id := range resources {
		if more[id] == nil {
			return fmt.Errorf("%s is not in a template with both sources", id)
		}
	}
	for id, value := range more {
		resource := value.(map[string]any)
		if resources[id] == nil {
			resources[id] = resource
			if err := depend(resource, id); err != nil {
				return err
			}
			continue
		}
		if err := mergeResource(resources[id].(map[string]any), resource, id); err != nil {
			return err
		}
	}
	return mergeOutputs(firehose, both)
}

// addMissing adds what a section of one template has more than that of the other.
func addMissing(firehose, both map[string]any, section string) error {
	have, _ := firehose[section].(map[string]any)
	more, _ := both[section].(map[string]any)
	for id, value := range more {
		switch {
		case have[id] == nil:
			have[id] = value
		case !reflect.DeepEqual(have[id], value):
			return fmt.Errorf("%s of %s depends on the source, but it cannot have a condition", section, id)
		}
	}
	return nil
}

// depend makes a resource or an output depend on the parameter.
func depend(value map[string]any, id string) error {
	if value["Condition"] != nil {
		return fmt.Errorf("%s has the condition %v already", id, value["Condition"])
	}
	value["Condition"] = conditionS3
	return nil
}

// mergeResource makes the properties of a resource that differ depend on the parameter.
func mergeResource(firehose, both map[string]any, id string) error {
	for name, value := range both {
		switch {
		case reflect.DeepEqual(firehose[name], value):
		case name == "Properties":
			firehose[name] = merge(value, firehose[name])
		default:
			return fmt.Errorf("%s of %s depends on the source, but it cannot have a condition", name, id)
		}
	}
	return nil
}

// mergeOutputs adds the outputs of the second source.
func mergeOutputs(firehose, both map[string]any) error {
	have, _ := firehose["Outputs"].(map[string]any)
	more, _ := both["Outputs"].(map[string]any)
	for id, value := range more {
		output := value.(map[string]any)
		if have[id] != nil {
			have[id] = merge(output, have[id])
			continue
		}
		have[id] = output
		if err := depend(output, id); err != nil {
			return err
		}
	}
	return nil
}

// merge returns a value that is with if the VPCs log to S3, and otherwise without.
func merge(with, without any) any {
	if reflect.DeepEqual(with, without) {
		return with
	}
	switch with := with.(type) {
	case map[string]any:
		if without, isObject := without.(map[string]any); isObject && !isFunction(with) && !isFunction(without) {
			return mergeObjects(with, without)
		}
	case []any:
		if without, isList := without.([]any); isList && len(with) == len(without) {
			merged := make([]any, len(with))
			for i := range with {
				merged[i] = merge(with[i], without[i])
			}
			return merged
		}
	}
	return choose(conditionS3, with, without)
}

// mergeObjects merges each member.
func mergeObjects(with, without map[string]any) map[string]any {
	merged := map[string]any{}
	for name, value := range with {
		if other, inBoth := without[name]; inBoth {
			merged[name] = merge(value, other)
		} else {
			merged[name] = choose(conditionS3, value, noValue())
		}
	}
	for name, value := range without {
		if _, inBoth := with[name]; !inBoth {
			merged[name] = choose(conditionS3, noValue(), value)
		}
	}
	return merged
}

// isFunction reports whether an object is a call of a function of CloudFormation.
func isFunction(object map[string]any) bool {
	for name := range object {
		if name == "Ref" || strings.HasPrefix(name, "Fn::") {
			return true
		}
	}
	return false
}
