//go:build !race

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/role"
	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// The roles of the embedded AWS have the same S3 permissions as those of the template, feeds
// with a URL included.
func TestLocalRoles(t *testing.T) {
	feeds := map[indicator.FeedID]settings.Feed{
		"fetched": {URL: "https://lists.example/names.txt"},
		"ours":    {URL: "https://lists.example/ours.txt", Allow: true},
		"sent":    {Format: "plain"},
	}
	template := synthesizeFeeds(t, feeds)

	local := role.Deployment{
		ListBucket:  "StoreLists",
		IndexBucket: "StoreIndex",
		LogBucket:   "DeliveryLogs",
		ListKey:     settings.Default[settings.Importer]().ListKey,
		Feeds:       feeds,
	}
	for key, id := range map[string]string{
		role.Importer:    "PipelineImporterRole",
		role.Transformer: "PipelineTransformerRole",
		role.Delivery:    "PipelineDeliveryRole",
	} {
		t.Run(id, func(t *testing.T) {
			deployed := template.permissions(t, id)
			if len(deployed) == 0 {
				t.Fatal("the template has no such role with S3 permissions")
			}
			if diff := cmp.Diff(deployed, localPermissions(local.Policies()[key])); diff != "" {
				t.Errorf("the embedded S3 does not allow what the template does (-template +local):\n%s", diff)
			}
		})
	}
}

// localPermissions returns the permissions of a policy, as in "s3:GetObject StoreLists/feeds/*".
func localPermissions(policy s3.Policy) []string {
	var found []string
	for _, statement := range policy {
		for _, action := range statement.Actions {
			for _, resource := range statement.Resources {
				found = append(found, strings.Join(append([]string{action, resource}, statement.Prefixes...), " "))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

type cloudFormation struct {
	Resources map[string]struct {
		Type       string
		Properties struct {
			PolicyDocument policyDocument
			Policies       []struct{ PolicyDocument policyDocument }
		}
	}
}

type policyDocument struct {
	Statement []struct {
		Action    any
		Resource  any
		Condition any
	}
}

// synthesizeFeeds returns the template of the default settings with these feeds.
func synthesizeFeeds(t *testing.T, feeds map[indicator.FeedID]settings.Feed) *cloudFormation {
	t.Helper()
	folder := t.TempDir()
	text, err := json.Marshal(map[string]any{"feeds": feeds})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "settings.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}

	t.Chdir("../..") // where main runs
	if err := synthesize(file, folder); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.template.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("templates %v, %v; want 1", files, err)
	}
	if text, err = os.ReadFile(files[0]); err != nil {
		t.Fatal(err)
	}
	var template cloudFormation
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	return &template
}

// permissions returns the S3 permissions of the role whose logical id begins with id.
func (c *cloudFormation) permissions(t *testing.T, id string) []string {
	t.Helper()
	var found []string
	for logical, resource := range c.Resources {
		if !strings.HasPrefix(logical, id) {
			continue
		}
		documents := []policyDocument{resource.Properties.PolicyDocument}
		for _, inline := range resource.Properties.Policies {
			documents = append(documents, inline.PolicyDocument)
		}
		for _, document := range documents {
			found = append(found, document.permissions(t)...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (d *policyDocument) permissions(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, statement := range d.Statement {
		for _, action := range list(statement.Action) {
			if !strings.HasPrefix(action.(string), "s3:") {
				continue
			}
			if statement.Condition != nil {
				t.Errorf("%s has the condition %v, which this test cannot compare", action, statement.Condition)
			}
			for _, resource := range list(statement.Resource) {
				found = append(found, action.(string)+" "+resourceName(t, resource))
			}
		}
	}
	return found
}

// list returns the elements of a JSON array, or a value that is not in an array.
func list(value any) []any {
	if values, ok := value.([]any); ok {
		return values
	}
	return []any{value}
}

// resourceName returns the ARN of a bucket or an object, with the id of the bucket in the
// construct library instead of its ARN: {"Fn::Join": ["", [{"Fn::GetAtt":
// ["PipelineStoreLists0230F795", "Arn"]}, "/feeds/*"]]} is "StoreLists/feeds/*".
func resourceName(t *testing.T, value any) string {
	t.Helper()
	switch value := value.(type) {
	case string:
		return value
	case map[string]any:
		if parts, ok := value["Fn::Join"].([]any); ok {
			var name strings.Builder
			for _, part := range parts[1].([]any) {
				name.WriteString(resourceName(t, part))
			}
			return name.String()
		}
		if attribute, ok := value["Fn::GetAtt"].([]any); ok {
			const hash = 8 // hexadecimal digits at the end of a logical id
			id := strings.TrimPrefix(attribute[0].(string), "Pipeline")
			return id[:len(id)-hash]
		}
	}
	t.Errorf("a resource that this test cannot compare: %v", value)
	return ""
}
