//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// withRoles returns props of a pipeline with all roles given.
func withRoles(role func(service string) awsiam.IRole) *resolverwatch.PipelineProps {
	return &resolverwatch.PipelineProps{
		Importer: &resolverwatch.ImporterProps{
			Feeds: map[string]resolverwatch.Feed{"x": {URL: "https://lists.example/x"}},
			Role:  role("lambda-importer"), SchedulerRole: role("scheduler"),
		},
		Transformer: &resolverwatch.TransformerProps{Role: role("lambda-transformer")},
		Delivery:    &resolverwatch.DeliveryProps{Role: role("firehose")},
		Alerts:      &resolverwatch.AlertsProps{Role: role("lambda-notifier")},
		Hunts:       &resolverwatch.HuntsProps{Role: role("lambda-hunter"), SchedulerRole: role("scheduler-hunts")},
	}
}

// A role of the app, or an imported one of this account, gets the statements in a policy of
// its own, the same that a new role would have.
func TestRole_given(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, withRoles(func(service string) awsiam.IRole {
		if service == "lambda-transformer" {
			return awsiam.Role_FromRoleName(stack, &service, &service, nil)
		}
		trusted, _, _ := strings.Cut(service, "-")
		return awsiam.NewRole(stack, &service, &awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(jsii.String(trusted+".amazonaws.com"), nil)})
	}))
	made := synth(t, stack)
	fresh := newStack(t)
	newPipeline(fresh, &resolverwatch.PipelineProps{Importer: &resolverwatch.ImporterProps{
		Feeds: map[string]resolverwatch.Feed{"x": {URL: "https://lists.example/x"}}}})
	want := synth(t, fresh)
	for part, typ := range map[string]string{"ImporterRole": "AWS::Lambda::Function", "TransformerRole": "AWS::Lambda::Function",
		"DeliveryRole": "AWS::KinesisFirehose::DeliveryStream", "ImporterSchedulerRole": "AWS::Scheduler::Schedule", "AlertsRole": "AWS::Lambda::Function",
		"HuntsRole": "AWS::Lambda::Function", "HuntsSchedulerRole": "AWS::Scheduler::Schedule"} {
		id := made.id("AWS::IAM::Policy", part+"Policy")
		got := resource{Properties: object{"Policies": []any{object{"PolicyDocument": made.resources[id].get("PolicyDocument")}}}}.permissions()
		if wanted := want.one("AWS::IAM::Role", part).permissions(); !slices.Equal(wanted, got) {
			t.Errorf("%s: %q, want %q", part, got, wanted)
		}
		user := made.one(typ, strings.TrimSuffix(strings.NewReplacer("ImporterSchedulerRole", "Fetchx", "HuntsSchedulerRole", "Runtunnels").Replace(part), "Role"))
		if !slices.Contains(list(user.DependsOn), any(id)) {
			t.Errorf("%s depends on %v, not on %s", user.Type, user.DependsOn, id)
		}
	}
	if ids := made.ids("AWS::IAM::Role"); len(ids) != 6 {
		t.Errorf("roles %v, want the six of the app", ids)
	}
	if ids := made.ids("AWS::IAM::Policy"); len(ids) != 7 {
		t.Errorf("policies %v, want one per role", ids)
	}
	for _, step := range pipeline.Steps() {
		if strings.HasSuffix(step.ID, "Role") {
			t.Errorf("a step is left: %v", step)
		}
	}
}

// A role that must not be changed is left alone; the policy that it needs is a step. The
// CDK reports that such a role accepted a statement.
func TestRole_cannotBeChanged(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, withRoles(func(service string) awsiam.IRole {
		if service == "firehose" {
			return awsiam.NewRole(stack, &service, &awsiam.RoleProps{
				AssumedBy: awsiam.NewServicePrincipal(jsii.String("firehose.amazonaws.com"), nil)}).WithoutPolicyUpdates(nil)
		}
		return awsiam.Role_FromRoleName(stack, &service, jsii.String("platform-"+service), &awsiam.FromRoleNameOptions{Mutable: jsii.Bool(false)})
	}))
	made := synth(t, stack)
	if ids := made.ids("AWS::IAM::Policy"); len(ids) > 0 {
		t.Errorf("policies %v", ids)
	}
	texts := map[string]string{}
	for _, step := range pipeline.Steps() {
		texts[step.ID] = step.Text
		if *awscdk.Token_IsUnresolved(step.Why) {
			t.Errorf("%s: a token in %s", step.ID, step.Why)
		}
	}
	for id, want := range map[string]string{"ImporterRole": `"s3:GetObjectVersion"`, "TransformerRole": `"Sid":"ReadIndex"`,
		"SchedulerRole": `"sqs:SendMessage"`, "NotifierRole": `"events:PutEvents"`, "HunterRole": `"athena:StartQueryExecution"`,
		"HuntSchedulerRole": `"Sid":"InvokeHunter"`} {
		_, policy, _ := strings.Cut(texts[id], "--policy-document ")
		if !strings.HasPrefix(texts[id], "aws iam put-role-policy --role-name ") || !strings.Contains(policy, want) ||
			!json.Valid([]byte(strings.Trim(policy, "'"))) {
			t.Errorf("step %s: %s", id, texts[id])
		}
	}
	if !strings.Contains(texts["ImporterRole"], "--role-name platform-lambda-importer --policy-name ResolverwatchFunction") {
		t.Errorf("step of the importer: %s", texts["ImporterRole"])
	}
	if policy, ok := strings.CutPrefix(texts["DeliveryRole"], "add to the InlinePolicies of "); !ok ||
		!strings.HasPrefix(policy, "Test/firehose") || !strings.Contains(policy, `"lambda:InvokeFunction"`) {
		t.Errorf("step of a role of the app: %s", texts["DeliveryRole"])
	}
}

// The first deployment fails without the policies, so they name only what is known before
// it. They still cover every resource that the roles use.
func TestRole_knownBeforeDeployment(t *testing.T) {
	stack := newStackOf(t, ownAccount)
	props := withRoles(func(service string) awsiam.IRole {
		return awsiam.Role_FromRoleName(stack, &service, &service, &awsiam.FromRoleNameOptions{Mutable: jsii.Bool(false)})
	})
	props.EncryptionKey = awskms.NewKey(stack, jsii.String("Key"), nil)
	props.Store = &resolverwatch.IndicatorStoreProps{StoreSettings: resolverwatch.StoreSettings{TableName: "indicators"}}
	props.Alerts.SecurityHub = true
	secret := awssecretsmanager.NewSecret(stack, jsii.String("Token"), nil)
	props.Importer.Feeds = map[string]resolverwatch.Feed{"x": {URL: "https://lists.example/x", SecretARN: *secret.SecretArn(), SecretHeader: "Auth-Key"}}
	pipeline := newPipeline(stack, props)
	texts := map[string]string{}
	for _, step := range pipeline.Steps() {
		texts[step.ID] = flatten(stack.Resolve(step.Text))
	}
	const here = ":eu-west-1:" + ownAccount + ":"
	for id, want := range map[string][]string{
		"ImporterRole": {":s3:::known-*/feeds/*", ":s3:::known-*\"", ":dynamodb" + here + "table/indicators", ":sqs" + here + "Known-*",
			":logs" + here + "log-group:Known-*", ":kms" + here + "key/*", ":secretsmanager" + here + "secret:Token"},
		"TransformerRole": {":s3:::known-*/index/*"},
		"DeliveryRole":    {":s3:::known-*/*", ":lambda" + here + "function:Known-*\"", ":lambda" + here + "function:Known-*:$LATEST"},
		"SchedulerRole":   {":lambda" + here + "function:Known-*", ":sqs" + here + "Known-*"},
		"NotifierRole": {":sns" + here + "Known-*", ":dynamodb" + here + "table/Known-*", ":securityhub" + here + "product/",
			":events" + here + "event-bus/default"},
		"HunterRole": {":athena" + here + "workgroup/Known", ":glue" + here + "table/known/dns_logs", ":s3:::known-*/dns-query-logs/*"},
	} {
		for _, part := range want {
			if !strings.Contains(texts[id], part) {
				t.Errorf("%s lacks %s: %s", id, part, texts[id])
			}
		}
		text := strings.NewReplacer("<AWS::Partition>", "", "<AWS::URLSuffix>", "").Replace(texts[id])
		if strings.Contains(text, "<") {
			t.Errorf("%s names what is known only after the deployment: %s", id, text)
		}
	}
}

func TestRole_refusesOtherAccount(t *testing.T) {
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false), TreeMetadata: jsii.Bool(false)})
	stack := awscdk.NewStack(app, jsii.String("Test"), &awscdk.StackProps{Env: &awscdk.Environment{Account: jsii.String("111122223333")}})
	defer func() {
		const want = "Test/Transformer: Role: belongs to account 444455556666, but a service accepts only roles of its own account; use a role of account 111122223333"
		if err, _ := recover().(error); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}()
	resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{IndexBucket: indexBucket(stack), Code: code(),
		Role: awsiam.Role_FromRoleArn(stack, jsii.String("Role"), jsii.String("arn:aws:iam::444455556666:role/x"), nil)})
}

// With Role_CustomizeRoles a platform team creates the roles from a report of the CDK,
// which must contain every statement. The template has no role and no policy.
func TestRole_customized(t *testing.T) {
	out := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: &out, AnalyticsReporting: jsii.Bool(false), TreeMetadata: jsii.Bool(false)})
	stack := awscdk.NewStack(app, jsii.String("Test"), nil)
	names := map[string]*string{}
	for _, path := range []string{"Importer/Role", "Importer/SchedulerRole", "Transformer/Role", "Delivery/Role", "Alerts/Role",
		"Hunts/Role", "Hunts/SchedulerRole"} {
		names["Test/Pipeline/"+path] = jsii.String(strings.ReplaceAll(path, "/", ""))
	}
	awsiam.Role_CustomizeRoles(stack, &awsiam.CustomizeRolesOptions{UsePrecreatedRoles: &names})
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{Importer: &resolverwatch.ImporterProps{
		Feeds: map[string]resolverwatch.Feed{"x": {URL: "https://lists.example/x"}}}})
	awss3.Bucket_FromBucketName(stack, jsii.String("More"), jsii.String("more")).GrantRead(pipeline.Importer().Function(), nil)
	made := synth(t, stack)
	for _, typ := range []string{"AWS::IAM::Role", "AWS::IAM::Policy"} {
		if ids := made.ids(typ); len(ids) > 0 {
			t.Errorf("%s: %v", typ, ids)
		}
	}
	if step := pipeline.Transformer().Steps()[0]; step.ID != "TransformerRole" || !strings.Contains(step.Text, "--role-name TransformerRole ") {
		t.Errorf("no step for the role that is created elsewhere: %v", step)
	}
	made.one("AWS::Lambda::Function", "Transformer").want(t, object{"Role": "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/TransformerRole"})
	app.Synth(nil)

	got := policyReport(t, out)
	for role, want := range map[string]string{
		"DeliveryRole":          "SeeBucket WriteLogs InvokeTransformer WriteErrorLog ReadSchema",
		"ImporterSchedulerRole": "InvokeImporter KeepFailedEvents",
		"TransformerRole":       "ReadIndex SeeThatIndexIsMissing SendMatches WriteOwnLogs",
		"AlertsRole":            "ReceiveMatches RememberAlerts SendEvents SendNotices WriteOwnLogs",
		"HuntsSchedulerRole":    "InvokeHunter KeepFailedEvents",
		"ImporterRole": "FindNewestList ReadLists ReadGuardLists KeepAcceptedLists WriteReports SeeIndexes PublishIndexes " +
			"PublishIndicators KeepTable ReadFeedSettings KeepFailedEvents SendEvents StoreFetchedLists WriteOwnLogs ", // the last is the grant
	} {
		if got[role] != want {
			t.Errorf("report of %s: %q, want %q", role, got[role], want)
		}
	}
}

// policyReport returns the ids of all statements in the CDK's report, by role.
func policyReport(t *testing.T, out string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(out, "iam-policy-report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Roles []struct {
			RoleName                 string
			IdentityPolicyStatements []struct{ Sid string }
		}
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, role := range report.Roles {
		var sids []string
		for _, s := range role.IdentityPolicyStatements {
			sids = append(sids, s.Sid)
		}
		got[role.RoleName] = strings.Join(sids, " ")
	}
	return got
}

// roleAspect is how organizations set the path and the names of all roles.
type roleAspect struct{ path, prefix string }

func (a *roleAspect) Visit(node constructs.IConstruct) {
	if role, ok := node.(awsiam.CfnRole); ok {
		role.SetPath(&a.path)
		role.SetRoleName(jsii.String(a.prefix + *node.Node().Addr()))
	}
}

// A permissions boundary, a path and role names that an aspect sets reach every role.
func TestRole_aspects(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{Importer: &resolverwatch.ImporterProps{
		Feeds: map[string]resolverwatch.Feed{"x": {URL: "https://lists.example/x"}}}})
	awsiam.PermissionsBoundary_Of(stack).Apply(awsiam.ManagedPolicy_FromManagedPolicyName(stack, jsii.String("Boundary"), jsii.String("boundary")))
	awscdk.Aspects_Of(stack).Add(&roleAspect{path: "/platform/", prefix: "rw-"}, nil)
	made := synth(t, stack)
	roles := made.ids("AWS::IAM::Role")
	if len(roles) != 7 {
		t.Errorf("roles %v, want seven", roles)
	}
	for _, id := range roles {
		made.resources[id].want(t, object{"Path": "/platform/",
			"PermissionsBoundary": "arn:<AWS::Partition>:iam::<AWS::AccountId>:policy/boundary"})
		if name := flatten(made.resources[id].get("RoleName")); !strings.HasPrefix(name, "rw-") {
			t.Errorf("%s is named %s", id, name)
		}
	}
}
