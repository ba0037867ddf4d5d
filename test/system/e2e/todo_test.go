//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
)

// policyStep is a step by hand that adds statements to the policy of a resource.
var policyStep = regexp.MustCompile(`add to the policy of (arn:\S+): (\[?\{.*\}\]?)`)

// placeholders are replaced by the values of the deployment.
var placeholders = strings.NewReplacer("<AWS::Partition>", "aws", "<AWS::Region>", region, "<AWS::AccountId>", account,
	"<AWS::URLSuffix>", "amazonaws.com")

// followSynthesis adds the statements that synthesis warns about, before anything is
// deployed: without them, AWS could not create a log group with the key. It returns them.
func (c *cdk) followSynthesis(t *testing.T, args ...string) (added []string) {
	t.Helper()
	printed := c.run(t, root(t), append([]string{"synth", "--quiet"}, args...)...)
	for _, found := range policyStep.FindAllStringSubmatch(placeholders.Replace(printed), -1) {
		if text := found[0]; !slices.Contains(added, text) { // each part of the pipeline says what it needs
			c.emulator.addStatement(t, found[1], found[2])
			added = append(added, text)
		}
	}
	if len(added) == 0 {
		t.Error("synthesis does not list the statements that the existing resources need")
	}
	return added
}

// addStatement adds statements to the policy of a key, a bucket or a topic, as a person would.
func (e *emulator) addStatement(t *testing.T, arn, text string) {
	t.Helper()
	policy, statements := map[string]any{"Version": "2012-10-17", "Statement": []any{}}, []any{}
	check(t, json.Unmarshal([]byte("["+strings.Trim(text, "[]")+"]"), &statements))
	add := func(document string) string {
		if document != "" {
			check(t, json.Unmarshal([]byte(document), &policy))
		}
		policy["Statement"] = append(policy["Statement"].([]any), statements...)
		return encode(policy)
	}
	if bucket, isBucket := strings.CutPrefix(arn, "arn:aws:s3:::"); isBucket {
		_, err := s3Client(e).PutBucketPolicy(context.Background(), &s3.PutBucketPolicyInput{Bucket: &bucket,
			Policy: aws.String(add(e.bucketPolicy(t, bucket)))})
		check(t, err)
		return
	}
	if strings.HasPrefix(arn, "arn:aws:sns:") {
		e.askSNS(t, url.Values{"Action": {"SetTopicAttributes"}, "TopicArn": {arn}, "AttributeName": {"Policy"},
			"AttributeValue": {add(e.topicPolicy(t, arn))}}, &struct{}{})
		return
	}
	var out struct{ Policy string }
	name := map[string]string{"KeyId": arn, "PolicyName": "default"}
	e.ask(t, "kms", "TrentService.GetKeyPolicy", name, &out)
	name["Policy"] = add(out.Policy)
	e.send(t, "kms", "POST", "/", encode(name), map[string][]string{"X-Amz-Target": {"TrentService.PutKeyPolicy"}})
}

// followOutputs does the steps in the outputs of the deployed stack exactly as written: it
// runs commands in a shell, with an address of its own, and checks that statements are those that synthesis listed.
func (d *deployed) followOutputs(t *testing.T, added []string) (done []string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(d.outputs)) {
		text := d.outputs[name]
		switch {
		case !strings.HasPrefix(name, "ToDo"):
			continue
		case strings.HasPrefix(text, "aws "):
			d.e.shell(t, strings.ReplaceAll(text, "ADDRESS", "soc@corp.example"))
		case !slices.Contains(added, text):
			t.Errorf("output %s is neither a command nor a statement that synthesis listed: %s", name, text)
		}
		done = append(done, name)
	}
	return done
}

// shell runs a command like a person who copies it into a shell.
func (e *emulator) shell(t *testing.T, line string) {
	t.Helper()
	tool, err := filepath.Abs(filepath.Join("moto", "aws.py"))
	check(t, err)
	command := exec.Command("sh", "-c", `aws() { "$E2E_PYTHON" "$TOOL" "$@"; }`+"\n"+line)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "TOOL=" + tool, "E2E_PYTHON=" + needed(t, "E2E_PYTHON"),
		"AWS_ENDPOINT_URL=" + e.URL.String(), "AWS_DEFAULT_REGION=" + region, "AWS_ACCESS_KEY_ID=OWNER",
		"AWS_SECRET_ACCESS_KEY=local", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("$ %s\n%v\n%s", line, err, out)
	}
}

// uploadUnheard uploads a list before the bucket sends events, and checks that it is not
// imported, which the output about events warns of.
func (m *machine) uploadUnheard(t *testing.T) {
	t.Helper()
	for _, feed := range sample.Feeds() {
		if feed.ID == sample.MalwareHosts {
			m.upload(t, feed.Key, feed.Body())
		}
	}
	m.settle(t)
	out, err := s3Client(m.e).ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String(m.outputs["IndexBucketName"])})
	check(t, err)
	if len(out.Contents) > 0 {
		t.Errorf("a list was imported without an event: the index bucket has %d objects", len(out.Contents))
	}
	m.checkRow(t, "dropper.malware.example", sample.MalwareHosts+"#block#name", false)
}
