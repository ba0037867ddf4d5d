//go:build e2e

package e2e_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Services that only this test uses are called without their SDK clients: these would be
// many times larger than the few members that are read, and would be in everybody's go.mod.

// ask calls an operation of the JSON protocol, such as "AWSGlue.GetTable" of "glue".
func (e *emulator) ask(t *testing.T, service, target string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	answer := e.send(t, service, http.MethodPost, "/", string(body), http.Header{
		"X-Amz-Target": {target}, "Content-Type": {"application/x-amz-json-1.1"}})
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatalf("%s answers %s: %v", target, answer, err)
	}
}

// get reads a resource of a REST service, such as "lambda".
func (e *emulator) get(t *testing.T, service, path string, out any) {
	t.Helper()
	answer := e.send(t, service, http.MethodGet, path, "", nil)
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatalf("%s answers %s: %v", path, answer, err)
	}
}

// askSNS calls an operation of SNS, which speaks the query protocol.
func (e *emulator) askSNS(t *testing.T, form url.Values, out any) {
	t.Helper()
	form.Set("Version", "2010-03-31")
	answer := e.send(t, "sns", http.MethodPost, "/", form.Encode(), http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}})
	if err := xml.Unmarshal(answer, out); err != nil {
		t.Fatalf("%s answers %s: %v", form.Get("Action"), answer, err)
	}
}

// topicPolicy returns the policy of a topic.
func (e *emulator) topicPolicy(t *testing.T, topic string) string {
	t.Helper()
	var out struct {
		Entries []struct {
			Key   string `xml:"key"`
			Value string `xml:"value"`
		} `xml:"GetTopicAttributesResult>Attributes>entry"`
	}
	e.askSNS(t, url.Values{"Action": {"GetTopicAttributes"}, "TopicArn": {topic}}, &out)
	for _, entry := range out.Entries {
		if entry.Key == "Policy" {
			return entry.Value
		}
	}
	return ""
}

// newVPC creates a VPC that exists before the deployment.
func (e *emulator) newVPC(t *testing.T, block string) (id string) {
	t.Helper()
	form := url.Values{"Action": {"CreateVpc"}, "Version": {"2016-11-15"}, "CidrBlock": {block}}
	answer := e.send(t, "ec2", http.MethodPost, "/", form.Encode(), http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}})
	var out struct {
		VPC struct {
			ID string `xml:"vpcId"`
		} `xml:"vpc"`
	}
	if err := xml.Unmarshal(answer, &out); err != nil || out.VPC.ID == "" {
		t.Fatalf("CreateVpc answers %s: %v", answer, err)
	}
	return out.VPC.ID
}

// send sends a request as the account's owner, and returns the response.
func (e *emulator) send(t *testing.T, service, method, path, body string, header http.Header) []byte {
	t.Helper()
	status, text := e.request(t, service, method, path, body, header)
	if status >= http.StatusBadRequest {
		t.Fatalf("%s %s %s%s: status %d\n%s", service, method, path, header.Get("X-Amz-Target"), status, text)
	}
	return text
}

// peek reads something that may be missing. It returns "" if it is.
func (e *emulator) peek(t *testing.T, service, path string) string {
	t.Helper()
	status, text := e.request(t, service, http.MethodGet, path, "", nil)
	if status >= http.StatusBadRequest && status != http.StatusNotFound {
		t.Fatalf("%s %s: status %d\n%s", service, path, status, text)
	}
	if status == http.StatusNotFound {
		return ""
	}
	return string(text)
}

// request sends a request to the emulator, which finds the service from the signature's
// scope and does not verify the signature.
func (e *emulator) request(t *testing.T, service, method, path, body string, header http.Header) (status int, text []byte) {
	t.Helper()
	request, err := http.NewRequest(method, e.URL.String()+path, strings.NewReader(body))
	check(t, err)
	if header != nil {
		request.Header = header
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=OWNER/20260101/"+region+"/"+service+
		"/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(request)
	check(t, err)
	defer answer.Body.Close()
	text, err = io.ReadAll(answer.Body)
	check(t, err)
	return answer.StatusCode, text
}

// bucketPolicy returns the policy of a bucket, or "" if it has none.
func (e *emulator) bucketPolicy(t *testing.T, bucket string) string {
	t.Helper()
	return e.peek(t, "s3", "/"+bucket+"?policy")
}
