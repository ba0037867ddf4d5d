//go:build !race

package upgrade_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/templatediff"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// outcome is what a change does to a resource or, for a whole pair, the worst outcome of
// any resource. A higher value is worse.
type outcome int

const (
	unchanged outcome = iota
	added
	inPlace
	remade       // stateless, and removed or replaced
	released     // no longer retained: its removal would delete it
	leavesBehind // another one takes its place; the old one stays in the account
	unreadable   // stays, but roles lose the key that encrypts it
	deletes      // deleted with its content
	fails        // CloudFormation cannot do it: the update fails and is rolled back
	refused      // refused at synthesis
	anotherStack // a second stack is made; nothing happens to the first
)

// effect is what a change does to one resource.
type effect struct {
	outcome  outcome
	label    string // what happens, in the words of the page
	resource string // the resource, in the words of the page
	cause    string // may be empty
}

// compare returns the effects of a change from one deployment to another, the worst first.
// Unchanged resources have none.
func compare(t *testing.T, before, after deployment) []effect {
	t.Helper()
	switch {
	case before.refused != nil:
		t.Fatalf("the side before the change is refused: %v", before.refused)
	case after.refused != nil:
		return []effect{{refused, "**refused at synthesis**", refusal(after.refused), ""}}
	case !sameStack(before.stack, after.stack):
		return []effect{{anotherStack, "**another stack**", "the first one stays as it is", ""}}
	}
	was, now := parse(t, before.template), parse(t, after.template)
	findings, err := templatediff.Compare(encode(t, was), encode(t, now))
	if err != nil {
		t.Fatal(err)
	}
	var effects []effect
	for _, finding := range findings {
		resource := cmp.Or(now[finding.LogicalID], was[finding.LogicalID])
		if name := resource.name(); name != "" && finding.Fate != templatediff.Kept {
			effects = append(effects, effectOf(finding, name))
		}
	}
	effects = append(effects, otherPlaces(was, now, effects)...)
	effects = append(effects, lostKeys(was, now)...)
	effects = append(effects, collisions(was, now, findings)...)
	slices.SortFunc(effects, func(a, b effect) int {
		return cmp.Or(int(b.outcome-a.outcome), cmp.Compare(a.label, b.label), rank(a.resource)-rank(b.resource),
			cmp.Compare(a.resource, b.resource), cmp.Compare(a.cause, b.cause))
	})
	return slices.Compact(effects)
}

// effectOf returns the effect on the resource of a finding.
func effectOf(finding templatediff.Finding, name string) effect {
	changed := strings.Join(finding.Changed, "`, `")
	replaced := finding.Fate == templatediff.Replaced
	stateless := finding.State == templatediff.Stateless
	switch {
	case finding.Fate == templatediff.Added:
		return effect{added, "new", name, ""}
	case finding.Fate == templatediff.Updated:
		return effect{inPlace, "updated in place", name, ""}
	case finding.Fate == templatediff.Released:
		return effect{released, "**no longer retained**", name, ""}
	case replaced && finding.LeftBehind:
		return effect{leavesBehind, "**replaced by an empty one; the old one stays outside the stack**", name, "`" + changed + "`"}
	case replaced && stateless:
		return effect{remade, "replaced", name, ""}
	case replaced:
		return effect{deletes, "**replaced; the old one is deleted**", name, "`" + changed + "`"}
	case finding.LeftBehind:
		return effect{leavesBehind, "**leaves the stack and stays in the account**", name, ""}
	case finding.Fate == templatediff.Removed && stateless:
		return effect{remade, "removed", name, ""}
	case finding.Fate == templatediff.Removed:
		return effect{deletes, "**deleted**", name, ""}
	default:
		return effect{fails, "**the update fails**", name, "`" + changed + "`"}
	}
}

// refusal returns the prop or setting that an error is about, without the problem.
func refusal(err error) string {
	for part := range strings.SplitSeq(err.Error(), ": ") {
		if !strings.Contains(part, "/") { // the path of the construct comes first
			return "`" + part + "`"
		}
	}
	return "`" + err.Error() + "`"
}

// sameStack reports whether two sides are deployed to one stack. If a side leaves its
// account or Region open, those of the other side are assumed.
func sameStack(before, after string) bool {
	was, now := strings.Split(before, "/"), strings.Split(after, "/")
	return len(was) == len(now) && slices.EqualFunc(was, now, func(a, b string) bool {
		return a == b || strings.HasPrefix(a, "unknown-") || strings.HasPrefix(b, "unknown-")
	})
}

// resource is a resource of a template, resolved.
type resource struct {
	Type                string
	Properties          map[string]any
	Metadata            map[string]any `json:",omitempty"`
	DeletionPolicy      string         `json:",omitempty"`
	UpdateReplacePolicy string         `json:",omitempty"`
}

func parse(t *testing.T, template []byte) map[string]*resource {
	t.Helper()
	var parsed struct{ Resources map[string]*resource }
	if err := json.Unmarshal(template, &parsed); err != nil {
		t.Fatal(err)
	}
	for _, resource := range parsed.Resources {
		resource.Properties, _ = resolve(resource.Properties).(map[string]any)
	}
	return parsed.Resources
}

func encode(t *testing.T, resources map[string]*resource) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Resources": resources})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// physicalNames are the properties that must be unique among the resources of a type. A
// stack creates before it deletes, so a second resource with the same value fails.
var physicalNames = map[string]string{
	"AWS::Athena::WorkGroup": "Name",
	"AWS::DynamoDB::Table":   "TableName",
	"AWS::Glue::Database":    "DatabaseInput.Name",
	"AWS::S3::Bucket":        "BucketName",
	"AWS::SSM::Parameter":    "Name",
	// A VPC can log to Firehose only once, and to S3 only once: see resource.space.
	"AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation": "ResourceId",
}

// collisions returns the resources that are created under a name that is in use.
func collisions(was, now map[string]*resource, findings []templatediff.Finding) []effect {
	type key struct{ typ, space, name string }
	taken := map[key]bool{}
	for _, before := range was {
		taken[key{before.Type, before.space(), before.physicalName()}] = true
	}
	var effects []effect
	for _, finding := range findings {
		after := now[finding.LogicalID]
		if finding.Fate != templatediff.Added && finding.Fate != templatediff.Replaced {
			continue
		}
		name := after.physicalName()
		if name != "" && taken[key{after.Type, after.space(), name}] {
			effects = append(effects, effect{fails, "**the update fails**", after.name(), "`" + name + "` is in use until the old one is deleted"})
		}
	}
	return effects
}

// space returns what the name of a resource is unique in besides its type, or "". A VPC can be
// associated with one configuration for each kind of destination, and a deployment has one
// configuration of a kind.
func (r *resource) space() string {
	if r.Type != "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation" {
		return ""
	}
	return fmt.Sprint(r.Properties["ResolverQueryLogConfigId"])
}

// physicalName returns the unique name of a resource, or "".
func (r *resource) physicalName() string {
	property := physicalNames[r.Type]
	if property == "" {
		return ""
	}
	return plain(r.get(property))
}

// get returns the property with a name whose steps are separated by dots, or nil.
func (r *resource) get(property string) any {
	var value any = r.Properties
	for _, step := range strings.Split(property, ".") {
		inner, _ := value.(map[string]any)
		value = inner[step]
	}
	return value
}

// places returns where a resource says that state is, by the name of the state. It reads the
// environment of the importer as the importer does, that of an earlier release included.
func (r *resource) places() map[string]string {
	path, _ := r.Metadata["aws:cdk:path"].(string)
	switch {
	case r.Type == "AWS::Lambda::Function" && strings.Contains(path, "/Importer/"):
		importer, err := settings.DecodeImporter(func(name string) (string, bool) {
			text := plain(r.get("Environment.Variables." + name))
			return text, text != ""
		})
		if err != nil {
			panic(fmt.Errorf("%s: %w", path, err))
		}
		return map[string]string{"list bucket": importer.ListBucket, "index bucket": importer.IndexBucket, "table": importer.Table}
	case r.Type == "AWS::KinesisFirehose::DeliveryStream" && strings.Contains(path, "/Delivery/"):
		return map[string]string{"output bucket": plain(r.get("ExtendedS3DestinationConfiguration.BucketARN"))}
	case r.Type == "AWS::Athena::WorkGroup" && strings.Contains(path, "/Catalog/"):
		return map[string]string{"results bucket": plain(r.get("WorkGroupConfiguration.ResultConfiguration.OutputLocation"))}
	default:
		return nil
	}
}

// otherPlaces returns the state that is elsewhere after the change although no resource of
// the template was removed, because the stack used an existing one.
func otherPlaces(was, now map[string]*resource, known []effect) []effect {
	var effects []effect
	for id, before := range was {
		after := now[id]
		if after == nil {
			continue
		}
		places := after.places()
		for name, place := range before.places() {
			moved := slices.ContainsFunc(known, func(e effect) bool { return e.resource == name && e.outcome >= leavesBehind })
			if place == places[name] || moved {
				continue
			}
			effects = append(effects, effect{leavesBehind, "**another one is used; the old one stays as it is**", name, ""})
		}
	}
	return effects
}

// lostKeys returns the roles that lose permission to decrypt with a key: data encrypted
// with it becomes unreadable for them.
func lostKeys(was, now map[string]*resource) []effect {
	var effects []effect
	for id, role := range was {
		if now[id] == nil || role.Type != "AWS::IAM::Role" {
			continue
		}
		before, after := role.decrypts(), now[id].decrypts()
		for _, key := range before {
			if owner := role.owner(); owner != "" && !slices.Contains(after, key) {
				effects = append(effects, effect{unreadable, "**may not use the old key any more**", owner, ""})
			}
		}
	}
	return effects
}

// decrypts returns the keys with which a role may decrypt objects and items. The variables
// of a function are encrypted again at each update.
func (r *resource) decrypts() []string {
	var keys []string
	policies, _ := r.Properties["Policies"].([]any)
	for _, policy := range policies {
		document := policy.(map[string]any)["PolicyDocument"].(map[string]any)
		for _, value := range document["Statement"].([]any) {
			statement := value.(map[string]any)
			if statement["Sid"] == "KeyForEnvironment" || statement["Sid"] == "KeyForStream" {
				continue
			}
			if slices.Contains(texts(statement["Action"]), "kms:Decrypt") {
				keys = append(keys, texts(statement["Resource"])...)
			}
		}
	}
	return keys
}

// texts returns a policy value, which may be a single text or a list.
func texts(value any) []string {
	many, isList := value.([]any)
	if !isList {
		many = []any{value}
	}
	var texts []string
	for _, one := range many {
		texts = append(texts, plain(one))
	}
	return texts
}
