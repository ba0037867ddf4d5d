// Package resolverwatch is the construct library of Resolverwatch, for CDK apps in Go. It
// turns on Route 53 Resolver query logging for VPCs, marks every query against lists of
// malicious names, delivers the marked logs to S3, ready for Athena, and alerts people to
// matches.
//
// [Pipeline] combines everything and works without any props. Each part can also be used
// alone, and accepts existing buckets, tables, keys, VPCs and streams instead of new ones:
//
//	IndicatorStore          table, list bucket, index bucket
//	Importer                turns lists into the index; feeds, schedules, dead letters
//	Transformer             marks the records that Firehose sends it
//	Delivery                delivery stream and output bucket
//	QueryLogging            query logging configuration, VPCs, RAM share
//	QueryLoggingAssociation one VPC, possibly of another account
//	QueryLoggingProfile     Route 53 Profile for the VPCs of an organisation
//	S3LogSource             log bucket and the function that marks its objects
//	Backfill                state machine that marks old objects
//	Catalog                 Glue tables and Athena workgroup
//	Alerts                  queue of matches, notifier, topic
//	Hunts                   named queries on a schedule
//
// [Pipeline.AddOutputs] adds the outputs that the resolverwatch command uses to find a
// pipeline.
//
// # Rules for all constructs
//
// Nil props mean the defaults, and props are never changed. Values that cdk.json can set, too,
// are in embedded structs such as [TransformerSettings]; docs/settings.md lists them with
// their defaults and bounds. A literal names the struct, and an assignment need not:
//
//	props := &resolverwatch.TransformerProps{
//		TransformerSettings: resolverwatch.TransformerSettings{MemoryMiB: 512},
//	}
//	props.LogRetentionDays = 30
//
// A constructor with invalid props panics. The text of the panic has a line for each
// problem, with the path of the construct, the prop and the remedy; a pipeline checks all
// its parts before it defines the first one. This includes resources that are known to
// belong to another Region or account than the stack. The path of the construct is added to
// panics of the CDK. Anything that is only suspicious is a warning, which can be
// acknowledged.
//
// Tokens and the dummy values of look-ups that are not answered yet pass the checks, with
// one exception: a prop from which the template is computed, such as a prefix, the URL of a
// feed, a number or a choice, must be known at synthesis, so a token in it is refused. Two
// VPC look-ups that find the same VPC are an error annotation instead of a panic, so that
// the CDK command can still answer the other look-ups of the app.
//
// Resources that hold state are kept when they are removed from their stack, unless
// RemovalPolicy says otherwise. Only the Glue database and the Athena workgroup get a
// physical name, because people type it; two pipelines in one stack need different names.
// Roles have exact statements. The Grant methods accept principals of the app, roles that
// are defined elsewhere, and principals of other accounts. If a policy that needs a
// statement cannot be changed by the app, the statement becomes a step: see [Pipeline.Steps].
// [Catalog.GrantQuery] refuses principals of other accounts.
//
// The ids of constructs, the logical ids of stateful resources and the keys of outputs are
// part of the API, because a new id would replace a bucket or a table.
package resolverwatch
