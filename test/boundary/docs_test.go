package boundary_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The example in docs/deploying.md is the one that is compiled.
func TestDocumentedExample(t *testing.T) {
	_, body, _ := strings.Cut(read(t, "infra", "resolverwatch", "example_test.go"), "func ExampleNewPipeline() {\n")
	body = strings.TrimSuffix(body, "}\n")
	if body == "" {
		t.Fatal("no ExampleNewPipeline")
	}
	example := "```go\n" + strings.TrimPrefix(strings.ReplaceAll("\n"+body, "\n\t", "\n"), "\n") + "```\n"
	if !strings.Contains(read(t, "docs", "deploying.md"), example) {
		t.Errorf("docs/deploying.md does not contain the compiled example:\n%s", example)
	}
}

// Each role has exactly the permissions that docs/security.md lists, each with its reason. The
// permissions of a deployment are in the inventory of its template.
func TestDocumentedPermissions(t *testing.T) {
	action := regexp.MustCompile(`[a-z0-9]+:[A-Z][A-Za-z]+`)
	inventory := read(t, "infra", "stack", "testdata", "inventory.txt") + read(t, "infra", "stack", "testdata", "inventory-s3.txt")
	document := read(t, "docs", "security.md")
	for _, role := range []struct {
		heading, inventory string   // one or several roles and policies
		optional           []string // actions that a deployment without settings does not need
	}{
		{"The importer", "PipelineImporterRole", []string{"secretsmanager:GetSecretValue"}},
		{"The transformer", "PipelineTransformerRole", nil},
		{"Firehose", "PipelineDeliveryRole", nil},
		{"The notifier", "PipelineAlertsRole", []string{"securityhub:BatchImportFindings"}},
		{"The hunter", "PipelineHuntsRole", []string{"glue:CreateTable", "glue:UpdateTable", "s3:DeleteObject"}},
		{"The marker", "PipelineLogSourceRole PipelineBackfillPlanRolePolicy", nil},
		{"The state machine of backfills", "PipelineBackfillRole PipelineBackfillRunRolePolicy", nil},
	} {
		t.Run(role.heading, func(t *testing.T) {
			_, section, _ := strings.Cut(document, "### "+role.heading+"\n")
			section, _, _ = strings.Cut(section, "\n### ")
			section = regexp.MustCompile("(?m)^[^|].*$").ReplaceAllString(section, "") // rows only
			if row := regexp.MustCompile(`(?m)^.*\|\s*\|$`).FindString(section); row != "" {
				t.Errorf("no reason in %q", row)
			}
			documented := action.FindAllString(section, -1)
			var granted []string
			for line := range strings.Lines(inventory) {
				if name, may, _ := strings.Cut(strings.TrimSpace(line), " "); slices.Contains(strings.Fields(role.inventory), name) && may != "sts:AssumeRole" {
					granted = append(granted, may)
				}
			}
			granted = append(granted, role.optional...)
			slices.Sort(documented)
			slices.Sort(granted)
			granted, documented = slices.Compact(granted), slices.Compact(documented)
			if !slices.Equal(granted, documented) {
				t.Errorf("may:        %v\ndocumented: %v", granted, documented)
			}
		})
	}
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{root(t)}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docs/operating.md lists every metric that the functions write, and no others.
func TestDocumentedMetrics(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "docs", "operating.md"), "\n## Metrics\n")
	var documented, written []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+) \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, regexp.MustCompile(`[A-Za-z]+`).FindAllString(row[1], -1)...)
	}
	names := regexp.MustCompile(`(?m)^\t[A-Z]\w+ +=\s+"(\w+)"`).FindAllStringSubmatch(read(t, "pkg", "metric", "names.go"), -1)
	if len(names) < 40 {
		t.Errorf("only %d metrics found", len(names))
	}
	for _, name := range names {
		written = append(written, name[1])
	}
	slices.Sort(documented)
	slices.Sort(written)
	if !slices.Equal(documented, written) {
		t.Errorf("written:    %v\ndocumented: %v", written, documented)
	}
}

// The CDK command has the same version wherever it is named.
func TestCDKVersion(t *testing.T) {
	pinned := regexp.MustCompile(`"aws-cdk": "([^"]+)"`).FindStringSubmatch(read(t, "test", "system", "e2e", "package.json"))
	if pinned == nil {
		t.Fatal("no version in package.json")
	}
	named := regexp.MustCompile(`(?:aws-cdk@|CDK_VERSION: ")(\d[\d.]*\d)`)
	for _, path := range append(documents(t), ".github/workflows/ci.yml") {
		for _, match := range named.FindAllStringSubmatch(read(t, path), -1) {
			if match[1] != pinned[1] {
				t.Errorf("%s names aws-cdk %s, and `make e2e` deploys with %s", path, match[1], pinned[1])
			}
		}
	}
}
