package resolverwatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// storeFeeds writes the settings of each feed into its own parameter, because together they
// would not fit into the function's environment.
func (i *Importer) storeFeeds(feeds map[string]Feed) {
	for _, id := range slices.Sorted(maps.Keys(feeds)) {
		text, err := json.Marshal(feeds[id])
		if err != nil {
			panic(fmt.Errorf("encoding strings and numbers: %w", err))
		}
		awsssm.NewCfnParameter(i, jsii.String("Feed-"+id), &awsssm.CfnParameterProps{
			Name:        jsii.String(settings.FeedParameter(i.stack, id)),
			Description: jsii.String("Settings of the feed " + id),
			Type:        jsii.String("String"),
			Value:       jsii.String(string(text)),
		})
	}
}

// fetched returns the ids of the feeds that are fetched from a URL, sorted.
func fetched(feeds map[string]Feed) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(feeds)) {
		if feeds[id].URL != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// schedulerRetries is small, because the next scheduled fetch comes soon.
const schedulerRetries = 2

// scheduleFeeds defines a schedule for each feed with a URL.
func (i *Importer) scheduleFeeds(p ImporterProps) {
	ids := fetched(p.Feeds)
	if len(ids) == 0 {
		return
	}
	role, ready := i.newSchedulerRole(p)
	for _, id := range ids {
		schedule := awsscheduler.NewCfnSchedule(i, jsii.String("Fetch-"+id), &awsscheduler.CfnScheduleProps{
			Description:        jsii.String("Fetch the feed " + id),
			ScheduleExpression: jsii.String(orDefault(p.Feeds[id].Schedule, defaultSchedule)),
			FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn:              i.function.FunctionArn(),
				RoleArn:          role.RoleArn(),
				Input:            jsii.String(toJSON(map[string]string{"feed": id})),
				DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: i.deadLetters.QueueArn()},
				RetryPolicy:      &awsscheduler.CfnSchedule_RetryPolicyProperty{MaximumRetryAttempts: jsii.Number(schedulerRetries)},
			},
		})
		if p.SchedulerRole != nil {
			schedule.Node().AddDependency(ready)
		}
	}
}

var defaultSchedule = settings.Default[Feed]().Schedule

// newSchedulerRole returns the role with which the schedules of this account invoke the
// function.
func (i *Importer) newSchedulerRole(p ImporterProps) (role awsiam.IRole, ready constructs.IDependable) {
	group := awscdk.Stack_Of(i).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("scheduler"), Resource: jsii.String("schedule-group"), ResourceName: jsii.String("default")})
	return i.steps.newSchedulerRole(i, schedulerRole{
		given: p.SchedulerRole, step: "SchedulerRole", description: "EventBridge Scheduler has feeds fetched", group: *group,
		invoke: "InvokeImporter", function: i.function, deadLetters: i.deadLetters, key: p.EncryptionKey,
	})
}

// schedulerRole describes the role of schedules that invoke a function.
type schedulerRole struct {
	given       awsiam.IRole // nil = a new one
	step        string       // id of the step for a given role that cannot be changed
	description string
	group       string // ARN of the schedules' group
	invoke      string // id of the statement
	function    *function
	deadLetters awssqs.Queue
	key         awskms.IKey // of deadLetters
}

// newSchedulerRole returns a role that only the schedules of one group may assume (EventBridge
// Scheduler user guide, "Confused deputy prevention").
func (s *steps) newSchedulerRole(c constructs.Construct, p schedulerRole) (role awsiam.IRole, ready constructs.IDependable) {
	const scheduler = "scheduler.amazonaws.com"
	return s.newRole(c, roleProps{
		given:       p.given,
		id:          "SchedulerRole",
		step:        p.step,
		policy:      "Scheduler",
		description: p.description,
		trusted: awsiam.NewServicePrincipal(jsii.String(scheduler), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{
				"aws:SourceAccount": *awscdk.Stack_Of(c).Account(), "aws:SourceArn": p.group}},
		}),
		service: scheduler,
		statements: append([]statement{
			{sid: p.invoke, actions: []string{"lambda:InvokeFunction"}, resources: []string{*p.function.FunctionArn()}},
			{sid: "KeepFailedEvents", actions: []string{"sqs:SendMessage"}, resources: []string{*p.deadLetters.QueueArn()}},
		}, keyUse("sqs", keyWrite, p.key)...),
	})
}

// The policies of a role can have 10,240 bytes. These limits are for the parts that grow
// with the feeds.
const (
	maxNamedFolders = 16
	maxSecretBytes  = 3_300
	arnTokenBytes   = 100 // for a secret whose name is not known yet
)

// fetchFolders returns the folders in which the importer stores fetched lists. If there are
// too many feeds to name each one, it returns the folders of all feeds.
func fetchFolders(feeds map[string]Feed) []string {
	ids := fetched(feeds)
	var folders []string
	for _, id := range ids {
		folder := settings.BlockPrefix
		if feeds[id].Allow {
			folder = settings.AllowPrefix
		}
		if len(ids) <= maxNamedFolders {
			folder += id + "/"
		}
		if folder += "*"; !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// feedSecrets returns the secrets of feeds, without duplicates.
func feedSecrets(feeds map[string]Feed) []string {
	var secrets []string
	for _, id := range fetched(feeds) {
		if secret := feeds[id].SecretARN; secret != "" && !slices.Contains(secrets, secret) {
			secrets = append(secrets, secret)
		}
	}
	return secrets
}

// checkSecretsFit rejects more secrets than the policies of a role can name.
func checkSecretsFit(p *problems, feeds map[string]Feed) {
	bytes := 0
	for _, secret := range feedSecrets(feeds) {
		if isToken(secret) {
			bytes += arnTokenBytes
		} else {
			bytes += len(secret)
		}
	}
	if bytes > maxSecretBytes {
		p.addf("Feeds: the ARNs of their secrets have %d bytes, at most %d fit into the policy of the function's role: "+
			"let feeds share one secret that is a JSON object, and select its members with SecretKey", bytes, maxSecretBytes)
	}
}

// fetchStatements let the importer store fetched lists and read the secrets of feeds. For a
// secret under a customer managed key, [Importer.Role] also needs permission to use the
// key.
func fetchStatements(p ImporterProps) []statement {
	folders, secrets := fetchFolders(p.Feeds), feedSecrets(p.Feeds)
	var statements []statement
	if len(folders) > 0 {
		statements = append(statements, statement{sid: "StoreFetchedLists", actions: []string{"s3:PutObject"},
			resources: objects(p.Store.ListBucket(), folders...)})
	}
	if len(secrets) > 0 {
		statements = append(statements, statement{sid: "ReadFeedSecrets",
			actions: []string{"secretsmanager:GetSecretValue"}, resources: secrets})
	}
	return statements
}

// Placeholders for values that are known only later: at deployment, or when a look-up is
// answered.
const (
	anySecret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:of-a-token-000000" //nolint:gosec // a name, not a secret
	anyURL    = "https://lists.example/"
)

// checkFeeds rejects settings that the importer would reject when it reads them.
func checkFeeds(p *problems, feeds map[string]Feed) {
	for _, id := range slices.Sorted(maps.Keys(feeds)) {
		prop, feed := fmt.Sprintf("Feeds[%q]", id), feeds[id]
		checkFeedTokens(p, prop, &feed)
		p.wrap(prop, settings.CheckFeedID(id))
		p.wrap(prop, feed.Validate())
	}
}

// checkFeedTokens rejects tokens in settings that are checked at synthesis, and replaces other
// unknown values with placeholders that pass the checks. The ARN of a secret, and free
// text, may be tokens; everything else about a secret is part of its pin.
func checkFeedTokens(p *problems, prop string, feed *Feed) {
	if isToken(feed.URL) {
		p.addf("%s: url: must be known at synthesis, where it is checked, got a token: write it out, or look it up with "+
			"StringParameter_ValueFromLookup; a secret in it belongs in SecretARN, with SecretQuery or SecretHeader", prop)
	}
	if !isKnown(feed.URL) {
		feed.URL = anyURL
	}
	if !isKnown(feed.SecretARN) {
		feed.SecretARN = anySecret
	}
	for _, member := range []struct {
		name  string
		value *string
	}{
		{"format", &feed.Format}, {"scope", &feed.Scope}, {"severity", &feed.Severity},
		{"schedule", &feed.Schedule}, {"secretKey", &feed.SecretKey},
	} {
		if isToken(*member.value) {
			p.token(prop + ": " + member.name)
			*member.value = ""
		}
	}
	if feed.Confidence != nil && *feed.Confidence == numberToken {
		p.token(prop + ": confidence")
		feed.Confidence = nil
	}
	if isToken(feed.SecretHeader) {
		p.token(prop + ": secretHeader")
		feed.SecretHeader = "Authorization"
	}
	if isToken(feed.SecretQuery) {
		p.token(prop + ": secretQuery")
		feed.SecretQuery = "key"
	}
}

// Limits on the resources and bytes that feeds add to a stack, which can have 500 resources
// and a template of 1 MB (CloudFormation user guide, "Understand CloudFormation quotas"). A
// feed adds one resource, or two if it has a URL.
const (
	maxStackResources  = 500
	importerResources  = 20  // of an importer without feeds and its store, rounded up
	pipelineResources  = 110 // of a pipeline without feeds, VPCs and addresses, with room for a few others
	logSourceResources = 20  // of a log source with a backfill, without VPCs
	maxFeedsBytes      = 512 << 10
	// monitoringResources is the number of alarms, helpers and rules, with room for a few others.
	monitoringResources = 85
)

// checkFeedsFit rejects more feeds than a stack has room for, given the number of other
// resources.
func checkFeedsFit(p *problems, feeds map[string]Feed, others int) {
	urls, bytes := len(fetched(feeds)), 0
	for _, feed := range feeds {
		text, _ := json.Marshal(feed) //nolint:errchkjson // strings and numbers
		bytes += len(text)
	}
	if need, fit := len(feeds)+urls, maxStackResources-others; need > fit {
		p.addf("Feeds: %d feeds, %d of them with a URL, need %d resources, and %d fit into a stack. Upload the lists of some "+
			"feeds instead of fetching them: a feed without settings adds no resources", len(feeds), urls, need, fit)
	}
	if bytes > maxFeedsBytes {
		p.addf("Feeds: the settings have %d bytes, and %d fit into a template", bytes, maxFeedsBytes)
	}
}

// checkListKey rejects a key whose object would count as a list twice, or that the importer
// itself writes.
func checkListKey(p *problems, key string) {
	for _, folder := range []string{settings.BlockPrefix, settings.AllowPrefix, settings.GuardPrefix, settings.AcceptedPrefix, settings.ReportPrefix} {
		if strings.HasPrefix(key, folder) {
			p.addf("ListKey: must not be under %s, which has a meaning of its own, got %q", folder, key)
		}
	}
	if strings.HasSuffix(key, "/") || strings.HasPrefix(key, "/") {
		p.addf("ListKey: must be the key of one object, without a slash at its start or end, got %q", key)
	}
}

// checkProtected rejects names with which the importer could not start.
func checkProtected(p *problems, names []string) {
	for i, name := range names {
		if isKnown(name) {
			p.wrap(fmt.Sprintf("Protected[%d]", i), settings.CheckProtected(name))
		}
	}
}
