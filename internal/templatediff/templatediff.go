// Package templatediff compares two CloudFormation templates of one stack and returns
// what the update from the first to the second does to each stateful resource: which are
// kept, changed in place, replaced or removed.
//
// It compares what is written in the templates. A replacement that only the new value of
// a parameter or a mapping causes is not found.
package templatediff

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A Fate is what an update does to a resource.
type Fate string

// The fates of a resource.
const (
	// Kept resources have the same properties in both templates.
	Kept Fate = "kept"
	// Updated resources are changed in place.
	Updated Fate = "updated in place"
	// Added resources are only in the second template.
	Added Fate = "added"
	// Replaced resources are created empty; the earlier one is deleted or left behind.
	Replaced Fate = "replaced"
	// Removed resources are missing from the second template.
	Removed Fate = "removed"
	// Refused resources cannot be changed in this way, or have another type under the same
	// logical id: CloudFormation fails the update.
	Refused Fate = "refused"
	// Released resources lose a Retain policy: the next replacement or removal deletes them.
	Released Fate = "no longer retained"
	// Conditional resources have another condition: where it is false they are removed.
	Conditional Fate = "under another condition"
)

// A Finding is the fate of one resource.
type Finding struct {
	// LogicalID is the resource's logical id in the template.
	LogicalID string
	// Type is the CloudFormation type in the first template; in the second if the resource
	// is added.
	Type string
	// Path is the construct path in the CDK's metadata. It is empty without metadata.
	Path string
	// Fate is what the update does to the resource.
	Fate Fate
	// Changed has the names of the properties that differ, in order. If the resource is
	// replaced or refused, it has only those that cause it; DatabaseInput.Name is the Name
	// inside DatabaseInput.
	Changed []string
	// LeftBehind reports whether the earlier resource of a replacement or removal stays in
	// the account, outside of the stack, because a policy retains it. A replacement needs
	// the policy in both templates.
	LeftBehind bool
	// State is the kind of state that the type has.
	State State
}

// LosesState reports whether the update takes state away from the stack, so that somebody
// should approve it. It is false for stateless types.
func (f Finding) LosesState() bool {
	switch f.Fate {
	case Kept, Updated, Added:
		return false
	default:
		return f.State != Stateless
	}
}

// String returns the finding as one line: logical id, type, fate and reason.
func (f Finding) String() string {
	line := fmt.Sprintf("%s %s: %s", f.LogicalID, f.Type, f.Fate)
	if len(f.Changed) > 0 {
		line += " (" + strings.Join(f.Changed, ", ") + ")"
	}
	switch {
	case f.Fate != Replaced && f.Fate != Removed:
		return line
	case f.LeftBehind:
		return line + "; the earlier one stays in the account, outside of the stack"
	default:
		return line + "; the earlier one is deleted"
	}
}

// Compare returns a finding for each resource of the templates before and after that is
// of a stateful type, of another type in the table of this package, or retained. They are
// in the order of their logical ids. It returns an error if a template is not a
// JSON object with resources.
func Compare(before, after []byte) ([]Finding, error) {
	earlier, err := decode(before)
	if err != nil {
		return nil, fmt.Errorf("reading the template before: %w", err)
	}
	later, err := decode(after)
	if err != nil {
		return nil, fmt.Errorf("reading the template after: %w", err)
	}

	findings := make(map[string]Finding)
	for id, resource := range earlier {
		if resource.matters() {
			findings[id] = compare(id, resource, later[id])
		}
	}
	for id, resource := range later {
		if _, ok := earlier[id]; !ok && resource.matters() {
			findings[id] = Finding{LogicalID: id, Type: resource.Type, Path: resource.path(), Fate: Added, State: resource.state()}
		}
	}
	followReferences(findings, earlier, later)

	return slices.SortedFunc(maps.Values(findings), func(a, b Finding) int {
		return cmp.Compare(a.LogicalID, b.LogicalID)
	}), nil
}

// compare returns the finding for one resource. Later is nil if the resource is missing.
func compare(id string, earlier, later *resource) Finding {
	finding := Finding{
		LogicalID: id,
		Type:      earlier.Type,
		Path:      earlier.path(),
		Fate:      Kept,
		State:     earlier.state(),
	}
	if later == nil {
		finding.Fate = Removed
		finding.LeftBehind = retains(earlier.DeletionPolicy)
		return finding
	}

	changed, forcing := differences(earlier, later)
	finding.Changed = changed
	switch {
	case later.Type != earlier.Type:
		finding.Fate, finding.Changed = Refused, []string{"Type"}
	case len(forcing) > 0 && types[earlier.Type].refuses:
		finding.Fate, finding.Changed = Refused, forcing
	case len(forcing) > 0:
		finding.replace(forcing, earlier, later)
	case earlier.Condition != later.Condition && later.Condition != "":
		finding.Fate = Conditional
	case retains(earlier.DeletionPolicy) && !retains(later.DeletionPolicy),
		retains(earlier.UpdateReplacePolicy) && !retains(later.UpdateReplacePolicy):
		finding.Fate = Released
	case len(changed) > 0:
		finding.Fate = Updated
	}
	return finding
}

// replace turns f into the finding of a replacement that the properties forcing cause.
func (f *Finding) replace(forcing []string, earlier, later *resource) {
	f.Fate, f.Changed = Replaced, forcing
	f.LeftBehind = retains(earlier.UpdateReplacePolicy) && retains(later.UpdateReplacePolicy)
}

// followReferences marks the resources as replaced that have the name or ARN of a replaced
// one in a create-only property, until there are no more.
func followReferences(findings map[string]Finding, earlier, later map[string]*resource) {
	for again := true; again; {
		again = false
		for id, finding := range findings {
			if finding.Fate != Kept && finding.Fate != Updated {
				continue
			}
			var forcing []string
			for _, property := range types[finding.Type].createOnly {
				targets := references(lookUp(later[id].Properties, property))
				if slices.ContainsFunc(targets, func(target string) bool { return findings[target].Fate == Replaced }) {
					forcing = append(forcing, property)
				}
			}
			if len(forcing) > 0 {
				finding.replace(forcing, earlier[id], later[id])
				findings[id], again = finding, true
			}
		}
	}
}

// differences returns the top-level properties that differ, and the create-only ones.
func differences(earlier, later *resource) (changed, forcing []string) {
	names := slices.Collect(maps.Keys(earlier.Properties))
	names = slices.AppendSeq(names, maps.Keys(later.Properties))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !reflect.DeepEqual(earlier.Properties[name], later.Properties[name]) {
			changed = append(changed, name)
		}
	}
	for _, property := range types[earlier.Type].createOnly {
		if !reflect.DeepEqual(lookUp(earlier.Properties, property), lookUp(later.Properties, property)) {
			forcing = append(forcing, property)
		}
	}
	if earlier.Type == "AWS::DynamoDB::Table" && attributeEdited(earlier.Properties, later.Properties) {
		forcing = append(forcing, "AttributeDefinitions")
	}
	return changed, forcing
}

// attributeEdited reports whether an attribute that both tables define has another type.
// CloudFormation replaces such a table. Adding an attribute for an index does not.
func attributeEdited(earlier, later map[string]any) bool {
	types := make(map[any]any)
	for _, attribute := range list(earlier["AttributeDefinitions"]) {
		types[attribute["AttributeName"]] = attribute["AttributeType"]
	}
	return slices.ContainsFunc(list(later["AttributeDefinitions"]), func(attribute map[string]any) bool {
		before, ok := types[attribute["AttributeName"]]
		return ok && before != attribute["AttributeType"]
	})
}

// list returns the objects of a JSON array.
func list(value any) []map[string]any {
	var objects []map[string]any
	items, _ := value.([]any)
	for _, item := range items {
		if object, ok := item.(map[string]any); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// lookUp returns the value of a property, whose name may have parts separated by dots, or
// nil if there is none.
func lookUp(properties map[string]any, name string) any {
	first, rest, nested := strings.Cut(name, ".")
	if !nested {
		return properties[first]
	}
	inner, _ := properties[first].(map[string]any)
	return lookUp(inner, rest)
}

// references returns the logical ids that a value names by Ref, Fn::GetAtt or Fn::Sub.
func references(value any) []string {
	var found []string
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			found = append(found, references(item)...)
		}
	case map[string]any:
		for name, argument := range value {
			switch name {
			case "Ref", "Fn::GetAtt":
				found = append(found, target(argument))
			case "Fn::Sub":
				found = append(found, substituted(argument)...)
			default:
				found = append(found, references(argument)...)
			}
		}
	}
	return found
}

// target returns the logical id in the argument of Ref or Fn::GetAtt.
func target(argument any) string {
	if items, ok := argument.([]any); ok && len(items) > 0 {
		argument = items[0]
	}
	text, _ := argument.(string)
	id, _, _ := strings.Cut(text, ".")
	return id
}

// substituted returns the logical ids in the argument of Fn::Sub.
func substituted(argument any) []string {
	var found []string
	if items, ok := argument.([]any); ok && len(items) > 0 {
		found = references(items[1:])
		argument = items[0]
	}
	text, _ := argument.(string)
	for _, part := range strings.Split(text, "${")[1:] {
		name, _, _ := strings.Cut(part, "}")
		found = append(found, target(name))
	}
	return found
}

// resource is what a template says about one resource.
type resource struct {
	Type                string
	Condition           string
	DeletionPolicy      string
	UpdateReplacePolicy string
	Properties          map[string]any
	Metadata            map[string]any
}

func decode(text []byte) (map[string]*resource, error) {
	var template struct{ Resources map[string]*resource }
	if err := json.Unmarshal(text, &template); err != nil {
		return nil, err
	}
	if template.Resources == nil {
		return nil, errors.New("it has no Resources")
	}
	for id, resource := range template.Resources {
		if resource == nil {
			return nil, fmt.Errorf("the resource %s is null", id)
		}
	}
	return template.Resources, nil
}

// matters reports whether an update of the resource is worth a finding.
func (r *resource) matters() bool {
	_, known := types[r.Type]
	return known || retains(r.DeletionPolicy)
}

// state returns the kind of state of the resource. A type that is missing from the table
// has data, because only retained resources of such types are compared.
func (r *resource) state() State {
	if known, ok := types[r.Type]; ok {
		return known.state
	}
	return Data
}

func (r *resource) path() string {
	path, _ := r.Metadata["aws:cdk:path"].(string)
	return path
}

// retains reports whether a policy keeps the resource: Retain or RetainExceptOnCreate,
// which differs only for a resource whose creation is rolled back.
func retains(policy string) bool { return strings.HasPrefix(policy, "Retain") }
