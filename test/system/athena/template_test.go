package athena_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// deployment holds the Athena resources of a synthesized template, by name.
type deployment struct {
	tables  map[string]tableInput
	queries map[string]string
}

// templates caches synthesized templates by context, because synthesis takes seconds.
var templates = map[string][]byte{}

// deploy synthesizes the app with context. A bucket of the stack is named after the logical
// id of its resource, in lower case.
func deploy(t *testing.T, context map[string]any) *deployment {
	t.Helper()
	context["aws:cdk:bundling-stacks"] = []string{} // the functions are not built
	given, err := json.Marshal(context)
	if err != nil {
		t.Fatal(err)
	}
	if templates[string(given)] == nil {
		templates[string(given)] = synthesize(t, string(given))
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(templates[string(given)], &template); err != nil {
		t.Fatal(err)
	}
	d := &deployment{tables: map[string]tableInput{}, queries: map[string]string{}}
	for _, resource := range template.Resources {
		switch properties := resource.Properties; resource.Type {
		case "AWS::Glue::Table":
			input := tableInput(settle(properties["TableInput"]).(map[string]any))
			d.tables[input["Name"].(string)] = input
		case "AWS::Athena::NamedQuery":
			d.queries[properties["Name"].(string)] = properties["QueryString"].(string)
		}
	}
	return d
}

// synthesize returns the template of the app.
func synthesize(t *testing.T, context string) []byte {
	t.Helper()
	out := t.TempDir()
	app := exec.Command("go", "run", "-mod=readonly", "./infra/app")
	app.Dir = root
	app.Env = append(os.Environ(), "CDK_OUTDIR="+out, "CDK_CONTEXT_JSON="+context)
	if printed, err := app.CombinedOutput(); err != nil {
		t.Fatalf("synthesizing: %v\n%s", err, printed)
	}
	text, err := os.ReadFile(filepath.Join(out, "Resolverwatch.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// settle replaces references that a template leaves open.
func settle(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = settle(value[i])
		}
	case map[string]any:
		if id, isReference := value["Ref"].(string); isReference {
			return strings.ToLower(id)
		}
		if join, isJoin := value["Fn::Join"].([]any); isJoin {
			var parts []string
			for _, part := range join[1].([]any) {
				parts = append(parts, fmt.Sprint(settle(part)))
			}
			return strings.Join(parts, join[0].(string))
		}
		if text, isEncoded := value["Fn::Base64"]; isEncoded {
			return base64.StdEncoding.EncodeToString([]byte(fmt.Sprint(settle(text))))
		}
		for name := range value {
			value[name] = settle(value[name])
		}
	}
	return value
}

func (t tableInput) storage() map[string]any { return t["StorageDescriptor"].(map[string]any) }

// location returns bucket and folder of a table.
func (t tableInput) location() (bucket, folder string) {
	bucket, folder, _ = strings.Cut(strings.TrimPrefix(t.storage()["Location"].(string), "s3://"), "/")
	return bucket, folder
}

// move moves the table to another bucket, and returns its folder.
func (t tableInput) move(test *testing.T, to string) string {
	test.Helper()
	from, folder := t.location()
	t.storage()["Location"] = "s3://" + to + "/" + folder
	const template = "storage.location.template"
	if parameters := t["Parameters"].(map[string]any); parameters[template] != nil {
		rest, found := strings.CutPrefix(parameters[template].(string), "s3://"+from+"/")
		if !found {
			test.Fatalf("%s is %v, not in bucket %s", template, parameters[template], from)
		}
		parameters[template] = "s3://" + to + "/" + rest
	}
	return folder
}
