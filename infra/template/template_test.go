//go:build !race

package template

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/stack"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// One process of the jsii runtime serves all tests, one after the other.
func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// contextOf returns the context of cdk.json with other settings.
func contextOf(t *testing.T, settings object) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var cdk struct{ Context map[string]any }
	if err := json.Unmarshal(text, &cdk); err != nil {
		t.Fatal(err)
	}
	context := maps.Clone(cdk.Context)
	context[config.ContextKey] = settings
	context["aws:cdk:bundling-stacks"] = []string{}
	return context
}

var testZips = Zips{importer: "importer-1.zip", transformer: "transformer-2.zip", notifier: "notifier-3.zip", hunter: "hunter-4.zip",
	marker: "marker-5.zip"}

func synthesize(t *testing.T, settings object) []byte {
	t.Helper()
	text, err := Synthesize(contextOf(t, settings), testZips)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var published struct {
	once sync.Once
	text []byte
}

// publishedTemplate returns the template of the default settings, which is synthesized only
// once.
func publishedTemplate(t *testing.T) []byte {
	t.Helper()
	published.once.Do(func() { published.text = synthesize(t, nil) })
	if published.text == nil {
		t.Fatal("the template was not synthesized")
	}
	return published.text
}

func parse(t *testing.T, text []byte) object {
	t.Helper()
	var parsed object
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// ofType returns the resources of a type, by logical id.
func ofType(resources object, kind string) map[string]object {
	found := map[string]object{}
	for id, value := range resources {
		if resource := value.(object); resource["Type"] == kind {
			found[id] = resource
		}
	}
	return found
}

// property returns a property of the one resource of a type whose id contains a word.
func property(t *testing.T, resources object, kind, word string, path ...string) any {
	t.Helper()
	for id, resource := range ofType(resources, kind) {
		if !strings.Contains(id, word) {
			continue
		}
		at := resource["Properties"]
		for _, name := range path {
			members, _ := at.(object)
			at = members[name]
		}
		return at
	}
	t.Fatalf("no %s with %q in its id", kind, word)
	return nil
}

const (
	associationType  = "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation"
	functionType     = "AWS::Lambda::Function"
	subscriptionType = "AWS::SNS::Subscription"
)

// A stack of the template has the same resources as a stack of the CDK app with the same
// settings, property by property, except for the code and the ids of the associations.
func TestSynthesize_equalsTheApp(t *testing.T) {
	const one, other = "vpc-0a1b2c3d4e5f60001", "vpc-0a1b2c3d4e5f60002"
	fromTemplate := deploy(t, publishedTemplate(t), map[string]string{
		parameterBucket: "code", parameterDatabase: "dns", parameterMemory: "1024", "VpcId2": one, "VpcId5": other,
		parameterTopicName: "soc", parameterEmail: "soc@corp.example",
	})
	fromApp := deploy(t, appTemplate(t, object{
		"stackName":    "blue",
		"catalog":      object{"database": "dns"},
		"alerts":       object{"topicName": "soc", "emails": []any{"soc@corp.example"}},
		"transformer":  object{"memoryMiB": 1024},
		"queryLogging": object{"name": "resolverwatch-1a2b3c4d", "vpcIds": []any{one, other}},
	}), nil)

	if got, want := vpcsOf(fromTemplate), vpcsOf(fromApp); !slices.Equal(got, want) || len(got) != 2 {
		t.Errorf("the VPCs %q are associated, those of the app are %q", got, want)
	}
	got, want := property(t, fromTemplate, subscriptionType, ""), property(t, fromApp, subscriptionType, "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the subscription (-app +template):\n%s", diff)
	}
	for _, resources := range []object{fromTemplate, fromApp} { // their ids differ
		maps.DeleteFunc(resources, func(_ string, value any) bool {
			typ := value.(object)["Type"]
			return typ == associationType || typ == subscriptionType
		})
		for _, value := range resources {
			delete(value.(object), "Metadata")
		}
		for _, function := range ofType(resources, functionType) {
			delete(function["Properties"].(object), "Code")
		}
	}
	if diff := cmp.Diff(fromApp, fromTemplate); diff != "" {
		t.Errorf("resources (-app +template):\n%s", diff)
	}
}

// appTemplate is the template of the CDK app.
func appTemplate(t *testing.T, settings object) []byte {
	t.Helper()
	context := contextOf(t, settings)
	decoded, err := config.Decode(context)
	if err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir:             jsii.String(t.TempDir()),
		Context:            &context,
		AnalyticsReporting: jsii.Bool(false),
		TreeMetadata:       jsii.Bool(false),
	})
	text, err := json.Marshal(assertions.Template_FromStack(stack.New(app, decoded), nil).ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// vpcsOf returns the ids of the associated VPCs, in order.
func vpcsOf(resources object) []string {
	var ids []string
	for _, association := range ofType(resources, associationType) {
		ids = append(ids, association["Properties"].(object)["ResourceId"].(string))
	}
	slices.Sort(ids)
	return ids
}

func TestSynthesize_isStable(t *testing.T) {
	if diff := cmp.Diff(string(publishedTemplate(t)), string(synthesize(t, nil))); diff != "" {
		t.Errorf("the second synthesis differs:\n%s", diff)
	}
}

// CloudFormation accepts templates of at most 1 MB. Everything that the CDK adds for its
// own use is removed.
func TestSynthesize_plain(t *testing.T) {
	text := publishedTemplate(t)
	const maxBytes = 1 << 20
	t.Logf("%d bytes", len(text))
	if len(text) > maxBytes {
		t.Errorf("the template has %d bytes, at most %d", len(text), maxBytes)
	}
	for _, word := range []string{"cdk", "asset", "bootstrapversion", "token["} {
		if strings.Contains(strings.ToLower(string(text)), word) {
			t.Errorf("the template has the word %q", word)
		}
	}
}

func TestSynthesize_vpcs(t *testing.T) {
	if got := vpcsOf(deploy(t, publishedTemplate(t), nil)); len(got) > 0 {
		t.Errorf("without a VPC, %q are associated", got)
	}
	for slot := 1; slot <= vpcSlots; slot++ {
		id := "vpc-0000000" + strconv.Itoa(slot)
		got := vpcsOf(deploy(t, publishedTemplate(t), map[string]string{parameterVPC + strconv.Itoa(slot): id}))
		if !slices.Equal(got, []string{id}) {
			t.Errorf("slot %d: %q are associated", slot, got)
		}
	}
}

// The rule rejects a VPC in two slots, but does not treat empty slots as the same VPC.
func TestSynthesize_vpcTwice(t *testing.T) {
	for name, test := range map[string]struct {
		vpcs    map[string]string
		refused string
	}{
		"none":  {nil, ""},
		"two":   {map[string]string{"VpcId1": "vpc-00000001", "VpcId4": "vpc-00000002"}, ""},
		"twice": {map[string]string{"VpcId2": "vpc-00000001", "VpcId5": "vpc-00000001"}, "VpcId2 and VpcId5 must not be the same VPC"},
	} {
		t.Run(name, func(t *testing.T) {
			r := resolver{template: parse(t, publishedTemplate(t)), values: map[string]string{}}
			for slot := 1; slot <= vpcSlots; slot++ {
				id := parameterVPC + strconv.Itoa(slot)
				r.values[id] = test.vpcs[id]
			}
			var refused []string
			for _, rule := range r.template["Rules"].(object) {
				for _, assertion := range rule.(object)["Assertions"].([]any) {
					if !r.evaluate(assertion.(object)["Assert"]) {
						refused = append(refused, assertion.(object)["AssertDescription"].(string))
					}
				}
			}
			if got := strings.Join(refused, "; "); got != test.refused {
				t.Errorf("refused %q, want %q", got, test.refused)
			}
		})
	}
}

func TestSynthesize_retention(t *testing.T) {
	uploads := object{"Id": "AbandonedUploads", "Status": "Enabled",
		"AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": "7"}}
	limited := object{"Id": "LogRetention", "Status": "Enabled", "ExpirationInDays": "400"}
	for days, want := range map[string][]any{"0": {uploads}, "400": {uploads, limited}} {
		resources := deploy(t, publishedTemplate(t), map[string]string{parameterRetention: days})
		got := property(t, resources, "AWS::S3::Bucket", "DeliveryLogs", "LifecycleConfiguration", "Rules")
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Errorf("%s days (-want +got):\n%s", days, diff)
		}
	}
}

// Each size of the transformer has the limits that the functions would have if they were
// synthesized with it.
func TestSynthesize_memory(t *testing.T) {
	parameter := parse(t, publishedTemplate(t))["Parameters"].(object)[parameterMemory].(object)
	allowed := parameter["AllowedValues"].([]any)
	if len(allowed) < 2 || !slices.Contains(allowed, parameter["Default"]) {
		t.Fatalf("allowed are %v, the default is %v", allowed, parameter["Default"])
	}
	for _, value := range allowed {
		mib, err := strconv.Atoi(value.(string))
		if err != nil {
			t.Fatal(err)
		}
		resources := deploy(t, publishedTemplate(t), map[string]string{parameterMemory: value.(string)})
		for _, limit := range []struct {
			function string
			path     []string
			want     string
		}{
			{"TransformerFunction", []string{"MemorySize"}, strconv.Itoa(mib)},
			{"TransformerFunction", []string{"Environment", "Variables", settings.EnvMemoryLimit}, settings.MemoryLimit(mib)},
		} {
			if got := property(t, resources, functionType, limit.function, limit.path...); got != limit.want {
				t.Errorf("%d MiB: %s %v is %v, want %s", mib, limit.function, limit.path, got, limit.want)
			}
		}
		importer := received(t, resources, "ImporterFunction", settings.DecodeImporter)
		if got, want := importer.MaxIndexBytes, settings.MaxIndexBytes(mib); got != want {
			t.Errorf("%d MiB: the importer publishes at most %d bytes, want %d", mib, got, want)
		}
	}
}

func TestSynthesize_code(t *testing.T) {
	resources := deploy(t, publishedTemplate(t), map[string]string{parameterBucket: "code", parameterPrefix: "v1/"})
	for function, name := range map[string]string{"ImporterFunction": testZips[importer], "TransformerFunction": testZips[transformer],
		"AlertsFunction": testZips[notifier], "HuntsFunction": testZips[hunter]} {
		want := object{"S3Bucket": "code", "S3Key": "v1/" + name}
		if diff := cmp.Diff(any(want), property(t, resources, functionType, function, "Code")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", function, diff)
		}
	}
}

// The console shows every parameter once, under a label, and says what values it accepts.
func TestSynthesize_parameters(t *testing.T) {
	parsed := parse(t, publishedTemplate(t))
	declared := slices.Sorted(maps.Keys(parsed["Parameters"].(object)))
	shownBy := parsed["Metadata"].(object)["AWS::CloudFormation::Interface"].(object)
	var shown []string
	for _, group := range shownBy["ParameterGroups"].([]any) {
		for _, id := range group.(object)["Parameters"].([]any) {
			shown = append(shown, id.(string))
		}
	}
	slices.Sort(shown)
	if !slices.Equal(shown, declared) {
		t.Errorf("parameters %q, shown are %q", declared, shown)
	}
	if labels := slices.Sorted(maps.Keys(shownBy["ParameterLabels"].(object))); !slices.Equal(labels, declared) {
		t.Errorf("parameters %q, labels of %q", declared, labels)
	}
	for id, value := range parsed["Parameters"].(object) {
		parameter := value.(object)
		if parameter["Description"] == "" || parameter["ConstraintDescription"] == "" {
			t.Errorf("%s: description %q, rule %q", id, parameter["Description"], parameter["ConstraintDescription"])
		}
		if _, hasDefault := parameter["Default"]; hasDefault == (id == parameterBucket) {
			t.Errorf("%s has a default: %v; only the bucket is required", id, hasDefault)
		}
	}
}

func TestSynthesize_parameterRules(t *testing.T) {
	declared := parse(t, publishedTemplate(t))["Parameters"].(object)
	for id, values := range map[string]struct{ taken, refused []string }{
		parameterBucket:    {[]string{"my-code.bucket", "abc"}, []string{"", "ab", "My-code", "code-", "s3://code"}},
		parameterPrefix:    {[]string{"", "resolverwatch/", "a/b c/"}, []string{"resolverwatch", "/", "/a/"}},
		parameterDatabase:  {[]string{"resolverwatch", "dns_2"}, []string{"", "DNS", "2dns", "dns-logs"}},
		parameterRetention: {[]string{"0", "1", "400", "9999"}, []string{"", "00", "-1", "1.5", "10000"}},
		parameterTopicName: {[]string{"", "dns-logs-match-topic"}, []string{"dns.fifo", "a b"}},
		parameterEmail:     {[]string{"", "soc@corp.example"}, []string{"soc", "@", "so c@corp.example"}},
		parameterVPC + "1": {[]string{"", "vpc-0a1b2c3d", "vpc-0a1b2c3d4e5f60001"}, []string{"vpc-1", "subnet-0a1b2c3d", "vpc-0A1B2C3D", " "}},
	} {
		pattern := regexp.MustCompile(declared[id].(object)["AllowedPattern"].(string))
		for _, value := range values.taken {
			if !pattern.MatchString(value) {
				t.Errorf("%s does not accept %q", id, value)
			}
		}
		for _, value := range values.refused {
			if pattern.MatchString(value) {
				t.Errorf("%s accepts %q", id, value)
			}
		}
	}
}

// Two stacks in an account and Region must not share a name. Names of named queries only
// need to be unique in a workgroup.
func TestSynthesize_names(t *testing.T) {
	for id, value := range parse(t, publishedTemplate(t))["Resources"].(object) {
		resource := value.(object)
		if resource["Type"] == "AWS::Athena::NamedQuery" {
			continue
		}
		properties, _ := resource["Properties"].(object)
		for _, name := range []string{"Name", "BucketName", "DeliveryStreamName", "FunctionName", "LogGroupName", "QueueName", "RoleName", "TableName", "TopicName"} {
			if text, isText := properties[name].(string); isText {
				t.Errorf("%s %s has the fixed %s %q", resource["Type"], id, name, text)
			}
		}
	}
	first := deploy(t, publishedTemplate(t), nil)
	if got := property(t, first, "AWS::Route53Resolver::ResolverQueryLoggingConfig", "", "Name"); got != "resolverwatch-1a2b3c4d" {
		t.Errorf("the query logging configuration is named %v", got)
	}
	if got := property(t, first, "AWS::Athena::WorkGroup", "", "Name"); got != "blue" {
		t.Errorf("the workgroup is named %v", got)
	}
}

// Settings of cdk.json become the defaults of parameters. Parts that are left out add no
// parameters.
func TestSynthesize_settings(t *testing.T) {
	declared := parse(t, synthesize(t, object{
		"transformer": object{"memoryMiB": 384}, "catalog": object{"database": "dns"},
		"delivery": object{"markedLogRetentionDays": 400}, "queryLogging": object{"enabled": false},
		"alerts": object{"topic": false, "topicName": "soc"},
	}))["Parameters"].(object)
	for id, want := range map[string]string{parameterMemory: "384", parameterDatabase: "dns", parameterRetention: "400",
		parameterTopic: "N", parameterTopicName: "soc"} {
		if got := declared[id].(object)["Default"]; got != want {
			t.Errorf("the default of %s is %v, want %s", id, got, want)
		}
	}
	if allowed := declared[parameterMemory].(object)["AllowedValues"].([]any); !slices.Contains(allowed, any("384")) {
		t.Errorf("the memory may be %v", allowed)
	}
	if declared[parameterVPC+"1"] != nil {
		t.Error("there is a parameter for a VPC, although query logging is off")
	}

	declared = parse(t, synthesize(t, object{"delivery": object{"existingStream": "dns"},
		"alerts": object{"existingTopicArn": "arn:aws:sns:eu-west-1:111122223333:soc"}}))["Parameters"].(object)
	for _, id := range []string{parameterRetention, parameterDatabase, parameterTopic, parameterTopicName, parameterEmail} {
		if declared[id] != nil {
			t.Errorf("there is a parameter %s, although the stream and the topic do not belong to the stack", id)
		}
	}
}

func TestSynthesize_refused(t *testing.T) {
	for name, test := range map[string]struct {
		settings object
		want     string
	}{
		"unknown setting":    {object{"transformer": object{"memory": 256}}, "resolverwatch.transformer.memory"},
		"memory too small":   {object{"transformer": object{"memoryMiB": 64}}, "transformer.memoryMiB: 64: must be in [128, 10240]"},
		"retention too long": {object{"delivery": object{"markedLogRetentionDays": 10_000}}, "delivery.markedLogRetentionDays: must be at most 9999"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Synthesize(contextOf(t, test.settings), testZips)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestLeftOut(t *testing.T) {
	decoded, err := config.Decode(contextOf(t, object{"account": "111122223333", "region": "eu-west-1", "stackName": "Other",
		"tags": object{"team": "soc"}, "terminationProtection": true, "queryLogging": object{"vpcIds": []any{"vpc-0a1b2c3d4e5f60001"}},
		"alerts": object{"emails": []any{"soc@corp.example"}}}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"account", "region", "stackName", "tags", "terminationProtection", "queryLogging.vpcIds", "alerts.emails"}
	if diff := cmp.Diff(want, LeftOut(decoded)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := LeftOut(settings.Deployment{StackName: settings.DefaultStack}); len(got) > 0 {
		t.Errorf("without settings: %q", got)
	}
}

// The table in the documentation lists every parameter with its default.
func TestDocumentedParameters(t *testing.T) {
	text, err := os.ReadFile("../../docs/template.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)`(?: to `VpcId5`)? \\| ([^|]+) \\|").FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = strings.Trim(row[2], "`")
	}
	declared := parse(t, publishedTemplate(t))["Parameters"].(object)
	for id, value := range declared {
		want, hasDefault := value.(object)["Default"].(string)
		switch {
		case !hasDefault:
			want = "required"
		case want == "":
			want = "empty"
		}
		slot, isVPC := strings.CutPrefix(id, parameterVPC)
		if isVPC && slot != "1" { // one row has all slots
			continue
		}
		if documented[id] != want {
			t.Errorf("%s: documented is %q, want %q", id, documented[id], want)
		}
	}
	if last := parameterVPC + strconv.Itoa(vpcSlots); last != "VpcId5" || declared[last] == nil {
		t.Errorf("the documentation ends at VpcId5, the template at %s", last)
	}
}
