//go:build e2e

package e2e_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
	"github.com/resolverwatch/resolverwatch/test/localsecurityhub"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/recorder"
)

// targets are where alerts go, and the queue that they come from. The deployed topic is that of
// the emulator; a mailbox is subscribed to it. The emulator keeps no events and any finding, so
// a bus and a hub of ours replace its own.
type targets struct {
	queue   *queue
	bus     *bus
	hub     *localsecurityhub.Server
	mailbox string // URL of a queue with all notices, or "" without a topic
	notices []notice
}

// newTargets returns the targets, and lets them answer the calls of the functions.
func newTargets(t *testing.T, d *deployed, r *recorder.Recorder) *targets {
	t.Helper()
	to := &targets{
		queue: &queue{url: d.outputs["AlertQueueUrl"], seen: map[string]bool{}},
		bus:   &bus{},
		hub:   localsecurityhub.New(localsecurityhub.Config{Account: account, Region: region, Partition: "aws", IsOff: true}),
	}
	if arn := d.outputs["AlertTopicArn"]; arn != "" {
		to.mailbox = d.e.newMailbox(t, arn)
	}
	r.Answer("sqs", to.queue)
	r.Answer("events", to.bus)
	r.Answer("securityhub", to.hub)
	return to
}

// newMailbox subscribes a new queue to a topic.
func (e *emulator) newMailbox(t *testing.T, topic string) (address string) {
	t.Helper()
	var made struct{ QueueURL string }
	e.ask(t, "sqs", "AmazonSQS.CreateQueue", map[string]string{"QueueName": fmt.Sprintf("mailbox-%d", time.Now().UnixNano())}, &made)
	e.askSNS(t, url.Values{"Action": {"Subscribe"}, "TopicArn": {topic}, "Protocol": {"sqs"},
		"Endpoint": {"arn:aws:sqs:" + region + ":" + account + ":" + nameOf(made.QueueURL)}}, &struct{}{})
	return made.QueueURL
}

// notice is what a subscriber of the topic receives.
type notice struct {
	Subject, Message  string
	MessageAttributes map[string]struct{ Value string }
}

// readNotices returns all notices so far.
func (to *targets) readNotices(t *testing.T, e *emulator) []notice {
	t.Helper()
	for to.mailbox != "" {
		var in struct {
			Messages []struct{ Body, ReceiptHandle string }
		}
		e.ask(t, "sqs", "AmazonSQS.ReceiveMessage", map[string]any{"QueueUrl": to.mailbox, "MaxNumberOfMessages": 10}, &in)
		if len(in.Messages) == 0 {
			break
		}
		for _, message := range in.Messages {
			var received notice
			check(t, json.Unmarshal([]byte(message.Body), &received))
			to.notices = append(to.notices, received)
			e.send(t, "sqs", http.MethodPost, "/", encode(map[string]string{"QueueUrl": to.mailbox, "ReceiptHandle": message.ReceiptHandle}),
				http.Header{"X-Amz-Target": {"AmazonSQS.DeleteMessage"}, "Content-Type": {"application/x-amz-json-1.0"}})
		}
	}
	return to.notices
}

// queue takes messages for the deployed queue. The emulator can be too slow for the
// transformer, which waits for half a second at most.
type queue struct {
	url string

	mu       sync.Mutex
	messages []message
	seen     map[string]bool // calls: the SDK repeats one whose answer comes late
}

type message struct {
	id, body string
	receives int
	receipt  string // of a queue of the emulator
}

func (q *queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	invocation := r.Header.Get("Amz-Sdk-Invocation-Id")
	api := awsjson.API{Version: "1.0", Operations: map[string]awsjson.Operation{
		"SendMessage": func(_ context.Context, body []byte) (any, error) { return q.put(body, invocation) }}}
	api.ServeHTTP(w, r)
}

func (q *queue) put(body []byte, invocation string) (any, error) {
	var in struct{ QueueURL, MessageBody string }
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	if in.QueueURL != q.url {
		return nil, &awsjson.Error{Code: "com.amazonaws.sqs#QueueDoesNotExist", Message: "The specified queue does not exist."}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	id := fmt.Sprintf("message-%d", len(q.seen))
	if !q.seen[invocation] {
		q.seen[invocation] = true
		q.messages = append(q.messages, message{id: id, body: in.MessageBody})
	}
	sum := md5.Sum([]byte(in.MessageBody))
	return map[string]string{"MessageId": id, "MD5OfMessageBody": hex.EncodeToString(sum[:])}, nil
}

// take removes the oldest messages, at most most.
func (q *queue) take(most int) []message {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(most, len(q.messages))
	taken := q.messages[:n:n]
	q.messages = q.messages[n:]
	for i := range taken {
		taken[i].receives++
	}
	return taken
}

// len returns the number of messages that wait.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}

// giveBack returns messages that failed to the queue.
func (q *queue) giveBack(failed []message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = append(q.messages, failed...)
}

// bus keeps the events that functions put on the default event bus.
type bus struct {
	mu     sync.Mutex
	events []event
}

type event struct{ Source, DetailType, Detail, EventBusName string }

func (b *bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := awsjson.API{Version: "1.1", Operations: map[string]awsjson.Operation{"PutEvents": b.put}}
	api.ServeHTTP(w, r)
}

func (b *bus) put(_ context.Context, body []byte) (any, error) {
	var in struct{ Entries []event }
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []map[string]string
	for _, entry := range in.Entries {
		if entry.EventBusName != "" && entry.EventBusName != "default" || !json.Valid([]byte(entry.Detail)) {
			return nil, awsjson.Invalid("the bus is not the default one, or the detail is not JSON")
		}
		b.events = append(b.events, entry)
		ids = append(ids, map[string]string{"EventId": fmt.Sprintf("event-%d", len(b.events))})
	}
	return map[string]any{"FailedEntryCount": 0, "Entries": ids}, nil
}

// of returns the events of a type.
func (b *bus) of(kind string) (found []event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e.DetailType == kind {
			found = append(found, e)
		}
	}
	return found
}

// asDelivered returns an event as a rule matches it and passes it on.
func (e *event) asDelivered() map[string]any {
	return map[string]any{"version": "0", "id": "event", "detail-type": e.DetailType, "source": e.Source, "account": account,
		"region": region, "time": time.Now().UTC().Format(time.RFC3339), "resources": []string{}, "detail": json.RawMessage(e.Detail)}
}
