// Package resolverwatch is the construct library: Route 53 Resolver query logs of
// your VPCs, marked against your lists of malicious names on their way to S3, as
// parts of a CDK app in Go. [Pipeline] is all of it and works without any setting;
// each part can be used alone, and takes existing buckets, tables, keys, VPCs and
// streams in place of new ones.
//
//	IndicatorStore          table, list bucket, index bucket
//	Importer                lists -> index; feeds, schedules, dead letters
//	Transformer             marks what Firehose gives it
//	Delivery                delivery stream and output bucket
//	QueryLogging            query logging configuration, VPCs, RAM share
//	QueryLoggingAssociation a VPC of a member account
//	Catalog                 Glue table and Athena workgroup
//
// # What holds of every construct
//
// Nil props are the defaults. Props are never changed. What is wrong with them is
// reported together, by a panic that names the construct's path, the prop and the
// remedy: a synthesis that would fail at deployment, or deploy what cannot work, ends
// here. What only may be wrong is a warning that can be acknowledged.
//
// Resources that hold state are retained when their stack goes, unless RemovalPolicy
// says otherwise. No resource gets a physical name that is not asked for, but the
// database and the workgroup, which people type. Roles carry exact statements; `Grant`
// methods are for the users' own principals.
//
// Construct ids and logical ids of stateful resources are part of the API: changing
// one would replace a bucket or a table.
package resolverwatch
