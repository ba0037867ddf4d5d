package topic_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/topic"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var _ notifier.Topic = (*topic.Topic)(nil)

const arn = "arn:aws:sns:us-east-1:111122223333:alerts"

func TestTopic_Publish(t *testing.T) {
	t.Parallel()
	var got url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r.PostForm
		_, _ = w.Write([]byte(`<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`))
	}))
	t.Cleanup(server.Close)
	err := topic.New(localclient.Config(server.URL), arn).Publish(t.Context(), notifier.Notice{
		Subject: "Resolverwatch: 1 host, worst high", Body: "evil[.]example\n", Severity: "high", Kind: "alerts",
	})
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]string{}
	for _, n := range []string{"1", "2"} {
		prefix := "MessageAttributes.entry." + n + "."
		attributes[got.Get(prefix+"Name")] = got.Get(prefix+"Value.DataType") + " " + got.Get(prefix+"Value.StringValue")
	}
	if diff := cmp.Diff(map[string]string{"severity": "String high", "kind": "String alerts"}, attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if got.Get("TopicArn") != arn || got.Get("Subject") != "Resolverwatch: 1 host, worst high" || got.Get("Message") != "evil[.]example\n" {
		t.Errorf("sent %v", got)
	}
}

func TestTopic_Publish_fails(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>`))
	}))
	t.Cleanup(server.Close)
	err := topic.New(localclient.Config(server.URL), arn).Publish(t.Context(), notifier.Notice{Subject: "s", Body: "b", Severity: "low", Kind: "alerts"})
	if err == nil || !strings.Contains(err.Error(), arn) || !strings.Contains(err.Error(), "AuthorizationError") {
		t.Errorf("error %v", err)
	}
}
