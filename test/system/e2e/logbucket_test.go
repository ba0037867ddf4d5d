//go:build e2e

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// logBucket is the deployed way of a log object to the marker. The emulator has the bucket, the
// rule, the queues and their events; the test polls the queue as the deployed mapping says.
type logBucket struct {
	name   string
	prefix string // before AWSLogs/
	queue  sourceQueue
	dead   string    // URL of the dead-letter queue
	held   []message // that were given back, until they are visible again
	made   int       // log objects
	first  logObject // the first one
	// waiting is a record in an object that waits for the first index.
	waiting *sample.Record
}

// logObject is a log object with its ETag.
type logObject struct{ key, etag string }

// sourceQueue is the queue of events.
type sourceQueue struct {
	url, arn string
	batch    int
}

// openLogBucket reads how log objects reach the marker.
func (m *machine) openLogBucket(t *testing.T) {
	t.Helper()
	queue := m.one(t, "AWS::SQS::Queue", "LogSourceQueue").id
	m.logs = logBucket{name: m.outputs["LogBucketName"], dead: m.one(t, "AWS::SQS::Queue", "LogSourceDeadLetters").id}
	section, err := settings.DecodeMarker(func(name string) (string, bool) {
		value, found := m.marker.Environment.Variables[name]
		return value, found
	})
	check(t, err)
	m.logs.prefix = section.LogPrefix
	var source mapping
	m.e.get(t, "lambda", "/2015-03-31/event-source-mappings/"+m.one(t, "AWS::Lambda::EventSourceMapping", "LogSource").id, &source)
	m.logs.queue = sourceQueue{url: queue, arn: m.queueAttributes(t, queue)["QueueArn"], batch: source.BatchSize}
	if source.FunctionARN != m.marker.FunctionArn || source.EventSourceARN != m.logs.queue.arn {
		t.Fatalf("the mapping gives messages of %s to %s", source.EventSourceARN, source.FunctionARN)
	}
	if !m.e.tellsEventBridge(t, m.logs.name) {
		t.Errorf("the log bucket %s does not send its events to EventBridge", m.logs.name)
	}
}

// linesPerObject cuts many records into several objects.
const linesPerObject = 400

// sendToBucket writes records into the log bucket as Resolver does, and has the marker mark them,
// which must give back some messages.
func (m *machine) sendToBucket(t *testing.T, records []sample.Record, back int) {
	t.Helper()
	byVPC := map[string][]sample.Record{}
	for _, record := range records {
		vpc := bucketVPC
		if len(record.Lines) > 0 {
			vpc = record.Lines[0].Host.VPCID
		}
		byVPC[vpc] = append(byVPC[vpc], record)
	}
	for vpc, all := range byVPC {
		for part := range slices.Chunk(all, linesPerObject) {
			m.put(t, m.newKey(vpc, time.Now()), pack(t, part))
		}
	}
	if got := m.poll(t); got != back {
		t.Fatalf("the marker gives back %d messages, want %d: see its log", got, back)
	}
}

// newKey returns the key of a new log object of a VPC.
func (m *machine) newKey(vpc string, began time.Time) string {
	m.logs.made++
	began = began.UTC()
	return fmt.Sprintf("%sAWSLogs/%s/vpcdnsquerylogs/%s/%s/%[3]s_vpcdnsquerylogs_%[2]s_%[5]s_%08[6]x.log.gz",
		m.logs.prefix, account, vpc, began.Format("2006/01/02"), began.Format("20060102T1504Z"), m.logs.made)
}

// pack returns a log object with records, one a line.
func pack(t *testing.T, records []sample.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	packer := gzip.NewWriter(&out)
	for _, record := range records {
		_, err := packer.Write(append(bytes.TrimRight(record.Data, "\r\n"), '\n'))
		check(t, err)
	}
	check(t, packer.Close())
	return out.Bytes()
}

// put writes a log object. The deployed policies must let the delivery of logs do so, and the
// deployed rules must pass its event into the queue once.
func (m *machine) put(t *testing.T, key string, body []byte) *s3.PutObjectOutput {
	t.Helper()
	m.mustLetDeliver(t, key)
	if n := m.heardBy(t, m.logs.name, key); n != 1 {
		t.Errorf("the deployed rules pass an event about %s into the queue of the marker %d times, want once", key, n)
	}
	out, err := s3Client(m.e).PutObject(context.Background(), &s3.PutObjectInput{Bucket: &m.logs.name, Key: &key, Body: bytes.NewReader(body)})
	check(t, err)
	if m.logs.first.key == "" {
		m.logs.first = logObject{key, aws.ToString(out.ETag)}
	}
	return out
}

// mustLetDeliver fails unless the policy of the log bucket and that of its key let the delivery of
// logs write an object.
func (m *machine) mustLetDeliver(t *testing.T, key string) {
	t.Helper()
	source := map[string][]string{"aws:sourceaccount": {account}, "aws:sourcearn": {"arn:aws:logs:" + region + ":" + account + ":*"},
		"s3:x-amz-acl": {"bucket-owner-full-control"}, "aws:securetransport": {"true"}, "s3:tlsversion": {"1.3"}}
	policy := parsePolicy(t, "of the log bucket", m.e.bucketPolicy(t, m.logs.name))
	bucket := "arn:aws:s3:::" + m.logs.name
	for action, resource := range map[string]string{"s3:GetBucketAcl": bucket, "s3:ListBucket": bucket, "s3:PutObject": bucket + "/" + key} {
		mustAllow(t, permission.Call{Principal: "delivery.logs.amazonaws.com", Action: action, Resource: resource, Context: source}, nil, policy)
	}
	if k := m.keyBehind(t, "s3", bucket); k != "" {
		for _, action := range []string{"kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:DescribeKey"} {
			mustAllow(t, permission.Call{Principal: "delivery.logs.amazonaws.com", Action: action, Resource: k, Context: source}, nil, m.keyPolicy(t, k))
		}
	}
}

// heardBy returns how often the deployed rules pass an event about a new object into the queue of
// the marker. The queue and the queue for events that could not be delivered must take them.
func (m *machine) heardBy(t *testing.T, bucket, key string) (n int) {
	t.Helper()
	event := encode(objectEvent("Object Created", bucket, key, ""))
	for _, r := range m.rules(t) {
		if !m.matches(t, &r, event) {
			continue
		}
		for _, to := range r.targets {
			if to.Arn == m.logs.queue.arn {
				n++
				m.mustTakeEvents(t, &r, to.Arn)
				m.mustTakeEvents(t, &r, to.DeadLetterConfig.Arn)
			}
		}
	}
	return n
}

// poll gives the visible messages of the queue to a new process of the marker, as Lambda does, and
// returns how many it gave back. Those of the poll before are visible again: half an hour is over.
func (m *machine) poll(t *testing.T) (back int) {
	t.Helper()
	for _, waiting := range m.logs.held {
		m.onQueue(t, "ChangeMessageVisibility", map[string]any{"ReceiptHandle": waiting.receipt, "VisibilityTimeout": 0})
	}
	m.logs.held = nil
	marker := m.start(t, "marker", m.marker, markerKey)
	for {
		batch := m.receive(t, m.logs.queue.url, m.logs.queue.batch)
		for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
			m.recorder.Note(markerKey, permission.Call{Action: "sqs:" + action, Resource: m.logs.queue.arn})
		}
		if len(batch) == 0 {
			return len(m.logs.held)
		}
		failed := give(t, marker, m.logs.queue.arn, batch)
		m.logs.held = append(m.logs.held, failed...)
		for _, done := range batch {
			if !slices.ContainsFunc(failed, func(f message) bool { return f.id == done.id }) {
				m.onQueue(t, "DeleteMessage", map[string]any{"ReceiptHandle": done.receipt})
			}
		}
	}
}

// receive receives messages of a queue of the emulator.
func (m *machine) receive(t *testing.T, queue string, most int) (all []message) {
	t.Helper()
	var in struct {
		Messages []struct {
			MessageID, ReceiptHandle, Body string
			Attributes                     map[string]string
		}
	}
	m.e.ask(t, "sqs", "AmazonSQS.ReceiveMessage", map[string]any{"QueueUrl": queue, "MaxNumberOfMessages": min(most, 10),
		"AttributeNames": []string{"All"}}, &in)
	for _, got := range in.Messages {
		receives, err := strconv.Atoi(got.Attributes["ApproximateReceiveCount"])
		check(t, err)
		all = append(all, message{id: got.MessageID, body: got.Body, receipt: got.ReceiptHandle, receives: receives})
	}
	return all
}

// onQueue calls an operation on the queue of events.
func (m *machine) onQueue(t *testing.T, operation string, in map[string]any) {
	t.Helper()
	in["QueueUrl"] = m.logs.queue.url
	m.e.send(t, "sqs", http.MethodPost, "/", encode(in), http.Header{"X-Amz-Target": {"AmazonSQS." + operation},
		"Content-Type": {"application/x-amz-json-1.0"}})
}

// tell puts an event into the queue.
func (m *machine) tell(t *testing.T, event any) {
	t.Helper()
	m.onQueue(t, "SendMessage", map[string]any{"MessageBody": encode(event)})
}

// abandonedUploads returns the calls of the marker after a failure in the middle of an upload, and
// of those in parts.
func (m *machine) abandonedUploads(t *testing.T) (calls []permission.Call) {
	t.Helper()
	bucket := "arn:aws:s3:::" + m.outputs["OutputBucketName"] + "/"
	for _, prefix := range []string{m.outputs["MarkedPrefix"], m.outputs["ErrorPrefix"], settings.BackfillPrefix} {
		folder, _, _ := strings.Cut(prefix, "!{")
		calls = append(calls, permission.Call{Action: "s3:AbortMultipartUpload", Resource: bucket + folder + "any", Context: secure()})
	}
	return calls
}

// eventOf returns an event of a rule about an object, in the words of AWS.
func (m *machine) eventOf(key, etag, version string) map[string]any {
	event := objectEvent("Object Created", m.logs.name, key, version)
	object := event["detail"].(map[string]any)["object"].(map[string]any)
	object["etag"], object["size"] = strings.Trim(etag, `"`), 1
	if version == "" {
		delete(object, "version-id")
	}
	return event
}

// decode returns the JSON in a text.
func decode(t *testing.T, text string, out any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
