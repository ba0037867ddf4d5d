//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// The names in the list without a feed id.
const (
	legacyName  = "sinkhole.legacy.example"
	guardedName = "www.guarded.example" // protected by an uploaded list
	ownName     = "mail.corp.example"   // protected by a setting, if it is set
)

// importLists uploads the sample lists to the deployed bucket. The deployed rule invokes
// the importer for each.
func (m *machine) importLists(t *testing.T) {
	t.Helper()
	m.upload(t, settings.GuardPrefix+"protected/ours.txt", []byte("guarded.example\n"))
	m.settle(t)
	for _, feed := range sample.Feeds() {
		m.upload(t, feed.Key, feed.Body())
	}
	m.upload(t, m.variant.listKey, []byte(strings.Join([]string{legacyName, guardedName, ownName, ""}, "\n")))
	m.settle(t)
	current := m.current(t)
	var ids []string
	for _, feed := range current.Feeds {
		ids = append(ids, string(feed.ID))
	}
	want := []string{sample.BotnetC2, "default", sample.MalwareHosts, sample.Partners, sample.Phishing}
	slices.Sort(ids)
	slices.Sort(want)
	if !slices.Equal(ids, want) {
		t.Errorf("the published index has the feeds %q, want %q: see the importer's log", ids, want)
	}
	m.checkRow(t, legacyName, "default#block#subtree", true)
	m.checkRow(t, guardedName, "default#block#subtree", false)
	m.checkRow(t, ownName, "default#block#subtree", len(m.importerSettings(t).Protected) == 0)
	m.checkRow(t, "dropper.malware.example", sample.MalwareHosts+"#block#name", true)
	m.checkRow(t, "cdn.partner.example", sample.Partners+"#allow#subtree", true)
	m.checkRow(t, "#feed", sample.BotnetC2, true)
}

// importerSettings returns the settings in the environment of the deployed importer.
func (m *machine) importerSettings(t *testing.T) settings.ImporterFunction {
	t.Helper()
	section, err := settings.DecodeImporter(func(name string) (string, bool) {
		value, found := m.importer.Environment.Variables[name]
		return value, found
	})
	check(t, err)
	return section
}

// upload stores a list as its owner does. If the bucket sends events, the deployed rules
// get one, and exactly one rule must pass it on.
func (m *machine) upload(t *testing.T, key string, body []byte) (version string) {
	t.Helper()
	bucket := m.outputs["ListBucketName"]
	out, err := s3Client(m.e).PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	check(t, err)
	m.deliver(t, objectEvent("Object Created", bucket, key, aws.ToString(out.VersionId)), key)
	return aws.ToString(out.VersionId)
}

// remove deletes a list as its owner does.
func (m *machine) remove(t *testing.T, key string) {
	t.Helper()
	bucket := m.outputs["ListBucketName"]
	out, err := s3Client(m.e).DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	check(t, err)
	m.deliver(t, objectEvent("Object Deleted", bucket, key, aws.ToString(out.VersionId)), key)
}

func (m *machine) deliver(t *testing.T, event map[string]any, key string) {
	t.Helper()
	if !m.e.tellsEventBridge(t, m.outputs["ListBucketName"]) {
		return // nothing receives the event
	}
	payloads := m.route(t, event, &m.importer)
	if len(payloads) != 1 {
		t.Fatalf("%s: the deployed rules pass it to the importer %d times, want once", key, len(payloads))
	}
	check(t, m.runningImporter.InvokeAsync(payloads[0]))
}

// tellsEventBridge reports whether a bucket sends its events to EventBridge.
func (e *emulator) tellsEventBridge(t *testing.T, bucket string) bool {
	t.Helper()
	events, err := s3Client(e).GetBucketNotificationConfiguration(context.Background(),
		&s3.GetBucketNotificationConfigurationInput{Bucket: &bucket})
	check(t, err)
	return events.EventBridgeConfiguration != nil
}

// settle waits until the importer has handled all its invocations.
func (m *machine) settle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	check(t, m.runningImporter.Wait(ctx))
}

// current reads the current index.
func (m *machine) current(t *testing.T) index.Current {
	t.Helper()
	current, err := index.DecodeCurrent(m.object(t, m.outputs["IndexBucketName"], index.CurrentKey))
	check(t, err)
	return current
}

func (m *machine) object(t *testing.T, bucket, key string) []byte {
	t.Helper()
	out, err := s3Client(m.e).GetObject(context.Background(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatalf("reading s3://%s/%s: %v", bucket, key, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	check(t, err)
	return body
}

// checkRow fails unless the presence of a row in the deployed table is as wanted.
func (m *machine) checkRow(t *testing.T, name, entry string, want bool) {
	t.Helper()
	out, err := dynamodb.NewFromConfig(m.e.config()).GetItem(context.Background(), &dynamodb.GetItemInput{
		TableName: aws.String(m.outputs["TableName"]),
		Key: map[string]types.AttributeValue{
			"name": &types.AttributeValueMemberS{Value: name}, "entry": &types.AttributeValueMemberS{Value: entry}}})
	check(t, err)
	if got := len(out.Item) > 0; got != want {
		t.Errorf("the table has a row %s, %s: %v, want %v", name, entry, got, want)
	}
}

// changeLists removes a name from a list, and then a whole list. The deployed rule must
// report both.
func (m *machine) changeLists(t *testing.T) {
	t.Helper()
	before := m.current(t)
	for _, feed := range sample.Feeds() {
		switch feed.ID {
		case sample.BotnetC2:
			shorter := feed.Without("beacon.botnet.example")
			m.upload(t, shorter.Key, shorter.Body())
		case sample.Partners:
			m.remove(t, feed.Key)
		}
	}
	m.settle(t)
	after := m.current(t)
	if after.Generation <= before.Generation {
		t.Errorf("generation %d is current after the change, before: %d", after.Generation, before.Generation)
	}
	hasPartners := func(c index.Current) bool {
		return slices.ContainsFunc(c.Feeds, func(f index.CurrentFeed) bool { return f.ID == sample.Partners })
	}
	if !hasPartners(after) {
		t.Error("the deleted list is not served during its grace period")
	}
	force := encode(map[string]string{"feed": sample.Partners, "force": "partnership ended"})
	if _, err := m.runningImporter.Invoke(context.Background(), []byte(force)); err != nil {
		t.Error(err)
	}
	if hasPartners(m.current(t)) {
		t.Error("the deleted list is still served, although it was to end at once")
	}
}

// refuseList uploads an error page as a list. The previous list must stay in use, and a
// report must say why.
func (m *machine) refuseList(t *testing.T) {
	t.Helper()
	before := m.current(t)
	key := settings.BlockPrefix + sample.Phishing + "/filter.txt"
	version := m.upload(t, key, []byte("<!DOCTYPE html><html><body>503 Service Unavailable</body></html>\n"))
	m.settle(t)
	var report list.Report
	at := settings.ReportPrefix + sample.Phishing + "/" + version + ".json"
	check(t, json.Unmarshal(m.object(t, m.outputs["ListBucketName"], at), &report))
	if report.Outcome != list.OutcomeRefused {
		t.Errorf("an error page was %s, want %s", report.Outcome, list.OutcomeRefused)
	}
	if after := m.current(t); after.Generation != before.Generation {
		t.Errorf("generation %d is current after a refused list, before: %d", after.Generation, before.Generation)
	}
}

// nothingLoops checks that no object that a function writes would invoke the importer or the
// marker again.
func (m *machine) nothingLoops(t *testing.T) {
	t.Helper()
	entries, err := m.recorder.Entries()
	check(t, err)
	written := 0
	for _, entry := range entries {
		for _, call := range entry.Calls {
			path, isObject := strings.CutPrefix(call.Resource, "arn:aws:s3:::")
			if !isObject || call.Action != "s3:PutObject" && call.Action != "s3:DeleteObject" {
				continue
			}
			written++
			bucket, key, _ := strings.Cut(path, "/")
			if m.hasLogBucket() && m.heardBy(t, bucket, key) > 0 {
				t.Errorf("%s, written by a function itself, is marked again", path)
			}
			for _, kind := range []string{"Object Created", "Object Deleted"} {
				if payloads := m.route(t, objectEvent(kind, bucket, key, "v"), &m.importer); len(payloads) > 0 {
					t.Errorf("%s of %s, made by a function itself, invokes the importer again", kind, path)
				}
			}
		}
	}
	if written == 0 {
		t.Error("no object was written")
	}
}
