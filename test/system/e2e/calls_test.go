//go:build e2e

package e2e_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// roleCall is a call with the role that makes it.
type roleCall struct {
	permission.Call
	role          *role
	times, status int
}

// calls returns all different calls, sorted.
func (m *machine) calls(t *testing.T, roles map[string]*role) []*roleCall {
	t.Helper()
	all := map[string]*roleCall{}
	add := func(r *role, call permission.Call, status int) {
		call.Principal = r.arn
		key := call.String()
		if all[key] == nil {
			all[key] = &roleCall{Call: call, role: r}
		}
		all[key].times++
		all[key].status = status
	}
	entries, err := m.recorder.Entries()
	if err != nil {
		t.Errorf("calls that cannot be decided: %v", err)
	}
	for _, entry := range entries {
		r := roles[entry.Key]
		if r == nil {
			t.Fatalf("%v was signed with %q", entry.Calls, entry.Key)
		}
		for _, call := range entry.Calls {
			add(r, call, entry.Status)
			for _, behind := range m.behind(t, call, entry.Status) {
				add(r, behind, entry.Status)
			}
		}
	}
	for key, calls := range m.unseen(t) {
		for _, call := range calls {
			add(roles[key], call, 0)
		}
	}
	var sorted []*roleCall
	for _, key := range slices.Sorted(maps.Keys(all)) {
		sorted = append(sorted, all[key])
	}
	return sorted
}

// behind returns what a call needs in addition to its own action: the key of an encrypted
// resource, and permission to list, without which S3 answers 403 instead of 404 for a
// missing object.
func (d *deployed) behind(t *testing.T, call permission.Call, status int) (calls []permission.Call) {
	t.Helper()
	service, operation, _ := strings.Cut(call.Action, ":")
	if service == "s3" && strings.HasPrefix(operation, "GetObject") && status == http.StatusNotFound {
		bucket, _, _ := strings.Cut(call.Resource, "/")
		context := maps.Clone(call.Context)
		delete(context, "s3:prefix") // S3 does not document that it checks a prefix here
		calls = append(calls, permission.Call{Action: "s3:ListBucket", Resource: bucket, Context: context})
	}
	key := d.keyBehind(t, service, call.Resource)
	if key == "" {
		return calls
	}
	for _, action := range keyActions(call.Action) {
		calls = append(calls, permission.Call{Action: action, Resource: key, Context: map[string][]string{
			"kms:viaservice": {service + "." + region + ".amazonaws.com"}, "kms:calleraccount": {account}}})
	}
	return calls
}

// keyActions returns what services do with the customer managed key on behalf of the
// caller. S3 User Guide, "SSE-KMS"; DynamoDB developer guide, "Using IAM policies with
// encryption at rest"; SQS and SNS developer guides, "Encryption at rest".
func keyActions(action string) []string {
	switch {
	case action == "s3:PutObject":
		return []string{"kms:GenerateDataKey"}
	case strings.HasPrefix(action, "s3:GetObject") && !strings.Contains(action, "Tagging"):
		return []string{"kms:Decrypt"}
	case strings.HasPrefix(action, "dynamodb:"):
		return []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
	case action == "sqs:ReceiveMessage":
		return []string{"kms:Decrypt"}
	case action == "sqs:SendMessage", action == "sns:Publish":
		return []string{"kms:GenerateDataKey", "kms:Decrypt"}
	}
	return nil
}

// keyBehind returns the ARN of the customer managed key that encrypts a resource, or "" if
// there is none.
func (d *deployed) keyBehind(t *testing.T, service, resource string) string {
	t.Helper()
	if !d.variant.key {
		return ""
	}
	key := d.keyARN(t)
	switch service {
	case "s3":
		bucket, _, _ := strings.Cut(strings.TrimPrefix(resource, "arn:aws:s3:::"), "/")
		out, err := s3Client(d.e).GetBucketEncryption(context.Background(), &s3.GetBucketEncryptionInput{Bucket: &bucket})
		check(t, err)
		return aws.ToString(out.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.KMSMasterKeyID)
	case "dynamodb", "sqs", "sns":
		return key
	}
	return ""
}

// unseen returns calls that the roles must be able to make but that are not made here:
// calls of Lambda and Firehose themselves, and calls that happen only after a failure.
// Firehose developer guide, "Grant Firehose access to an Amazon S3 destination"; Lambda
// developer guide, "Retaining records of asynchronous invocations".
func (m *machine) unseen(t *testing.T) map[string][]permission.Call {
	t.Helper()
	all := map[string][]permission.Call{importerKey: m.unseenOfImporter(t)}
	if m.hasStream() {
		all[deliveryKey], all[transformerKey] = m.unseenOfStream(t), m.unseenOf(t, &m.transformer)
	}
	if m.hasAlerts() {
		all[notifierKey] = m.unseenOf(t, &m.notifier)
		all[hunterKey] = slices.Concat(m.unseenOf(t, &m.hunter), m.undelivered(t, "Hunts"), m.huntCalls(t))
	}
	if m.hasLogBucket() {
		all[markerKey] = slices.Concat(m.unseenOf(t, &m.marker), m.abandonedUploads(t))
		all[machineKey] = m.unseenOfMachine(t)
	}
	return all
}

// secure is the context of every call to S3.
func secure() map[string][]string {
	return map[string][]string{"aws:securetransport": {"true"}, "s3:tlsversion": {"1.3"}}
}

// unseenOfStream returns the calls of Firehose.
func (m *machine) unseenOfStream(t *testing.T) []permission.Call {
	t.Helper()
	stream := m.stream
	delivery := append(logCalls(stream.LogGroup, "PutLogEvents"),
		permission.Call{Action: "lambda:GetFunctionConfiguration", Resource: stream.Config.Processing.LambdaArn},
		permission.Call{Action: "lambda:InvokeFunction", Resource: m.transformer.FunctionArn + ":$LATEST"})
	for _, action := range []string{"GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"} {
		delivery = append(delivery, permission.Call{Action: "s3:" + action, Resource: stream.BucketARN, Context: secure()})
	}
	for _, action := range []string{"AbortMultipartUpload", "GetObject", "PutObject"} {
		object := permission.Call{Action: "s3:" + action, Resource: stream.BucketARN + "/any", Context: secure()}
		delivery = append(append(delivery, object), m.behind(t, object, http.StatusOK)...)
	}
	if c := stream.Config.Conversion; c != nil {
		delivery = append(delivery, schemaCalls(c.Table.DatabaseName, c.Table.TableName)...)
	}
	if m.variant.key {
		delivery = append(delivery, m.withContext(t, "aws:kinesisfirehose:arn", m.outputs["DeliveryStreamArn"], "kms:Decrypt", "kms:GenerateDataKey")...)
	}
	return delivery
}

// unseenOfImporter returns the calls after a failure, and those of a day and more.
func (m *machine) unseenOfImporter(t *testing.T) []permission.Call {
	t.Helper()
	forImporter := append(m.unseenOf(t, &m.importer),
		// The importer deletes indexes older than ten generations and a day.
		permission.Call{Action: "s3:DeleteObject", Resource: "arn:aws:s3:::" + m.outputs["IndexBucketName"] + "/index/1-old.rwx", Context: secure()},
		permission.Call{Action: "s3:DeleteObject", Resource: "arn:aws:s3:::" + m.outputs["ListBucketName"] + "/accepted/a/1", Context: secure()})
	for range m.feedSchedules() { // fetched lists are stored as if they were uploaded
		forImporter = append(forImporter, permission.Call{Action: "s3:PutObject",
			Resource: "arn:aws:s3:::" + m.outputs["ListBucketName"] + "/feeds/" + remoteFeed + "/fetched", Context: secure()})
	}
	return append(forImporter, m.undelivered(t, "Importer")...)
}

// unseenOf returns the calls that Lambda makes for every function.
func (m *machine) unseenOf(t *testing.T, f *functionConfig) []permission.Call {
	t.Helper()
	calls := logCalls(f.LoggingConfig.LogGroup, "CreateLogStream", "PutLogEvents")
	if m.variant.key {
		calls = append(calls, m.withContext(t, "aws:lambda:functionarn", f.FunctionArn, "kms:Decrypt")...)
	}
	return calls
}

// logCalls returns calls on a stream of a log group.
func logCalls(group string, actions ...string) (calls []permission.Call) {
	for _, action := range actions {
		calls = append(calls, permission.Call{Action: "logs:" + action,
			Resource: "arn:aws:logs:" + region + ":" + account + ":log-group:" + group + ":log-stream:s"})
	}
	return calls
}

// undelivered returns the calls that store an event that a function of a construct failed to
// handle.
func (m *machine) undelivered(t *testing.T, construct string) []permission.Call {
	t.Helper()
	queue := m.queueAttributes(t, m.one(t, "AWS::SQS::Queue", construct).id)["QueueArn"]
	call := permission.Call{Action: "sqs:SendMessage", Resource: queue}
	return append([]permission.Call{call}, m.behind(t, call, http.StatusOK)...)
}

// schemaCalls returns the calls with which a conversion reads its table: Glue checks
// permission on each level.
func schemaCalls(database, table string) (calls []permission.Call) {
	for _, action := range []string{"GetTable", "GetTableVersion", "GetTableVersions"} {
		for _, resource := range []string{"catalog", "database/" + database, "table/" + database + "/" + table} {
			calls = append(calls, permission.Call{Action: "glue:" + action,
				Resource: "arn:aws:glue:" + region + ":" + account + ":" + resource})
		}
	}
	return calls
}

// withContext returns calls that use the key with an encryption context.
func (m *machine) withContext(t *testing.T, name, value string, actions ...string) (calls []permission.Call) {
	t.Helper()
	for _, action := range actions {
		calls = append(calls, permission.Call{Action: action, Resource: m.keyARN(t),
			Context: map[string][]string{"kms:encryptioncontext:" + name: {value}}})
	}
	return calls
}

// deliveredBy returns the calls of a role that invokes a function and stores the events
// that it could not deliver.
func (m *machine) deliveredBy(t *testing.T, arn, function, construct string) []permission.Call {
	t.Helper()
	calls := append([]permission.Call{{Action: "lambda:InvokeFunction", Resource: function}}, m.undelivered(t, construct)...)
	for i := range calls {
		calls[i].Principal = arn
	}
	return calls
}
