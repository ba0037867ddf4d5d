// Package resolverwatch is the construct library of Resolverwatch, for CDK apps in Go. It
// defines what turns on Route 53 Resolver query logging for VPCs, marks every query against
// lists of malicious names, and delivers the marked logs to S3, ready for Athena.
//
// [Pipeline] is all of it and works without any setting. Each part can also be used alone,
// and takes existing buckets, tables, keys, VPCs and streams instead of new ones:
//
//	IndicatorStore          table, list bucket, index bucket
//	Importer                turns lists into the index; feeds, schedules, dead letters
//	Transformer             marks the records that Firehose sends it
//	Delivery                delivery stream and output bucket
//	QueryLogging            query logging configuration, VPCs, RAM share
//	QueryLoggingAssociation one VPC, also of another account
//	Catalog                 Glue tables and Athena workgroup
//
// [Pipeline.AddOutputs] adds the outputs by which the resolverwatch command finds a pipeline.
//
// # Rules for all constructs
//
// Nil props are the defaults, and props are never changed.
//
// Problems of props end the synthesis with a panic. Its text has a line for each problem,
// with the path of the construct, the prop and the remedy; a pipeline checks all its parts
// before it defines the first one. This includes resources that are known to be of another
// Region or account than the stack. A panic of the CDK gets the path of the construct. What
// is only suspicious is a warning, which can be acknowledged.
//
// Tokens and the dummy values of look-ups that are not answered yet pass every check. Two
// VPC look-ups that find the same VPC are an error annotation instead of a panic, so that
// the CDK command can still answer the other look-ups of the app.
//
// Resources that hold state stay when they leave their stack, unless RemovalPolicy says
// otherwise. Only the Glue database and the Athena workgroup get a physical name, because
// people type it; two pipelines of a stack need a name each. Roles have exact statements.
// The Grant methods are for principals of the app.
//
// The ids of constructs and the logical ids of stateful resources are part of the API, and
// so are the keys of outputs: another id would replace a bucket or a table.
package resolverwatch
