package localsecurityhub

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
)

// The rules are those of "AWS Security Finding Format (ASFF)" in the guide of Security Hub and
// of the data types in its API reference.

var (
	accountID   = regexp.MustCompile(`^\d{12}$`)
	timestamp   = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$`)
	instanceARN = regexp.MustCompile(`^arn:aws[a-z-]*:ec2:[a-z0-9-]+:\d{12}:instance/i-[0-9a-f]+$`)
)

// namespaces begin the types of findings.
var namespaces = []string{
	"Software and Configuration Checks", "TTPs", "Effects", "Unusual Behaviors", "Sensitive Data Identifications",
}

// checker collects the first problem of a finding.
type checker struct{ problem string }

func (c *checker) fail(format string, args ...any) {
	if c.problem == "" {
		c.problem = fmt.Sprintf(format, args...)
	}
}

// text checks the length of a text in characters. A text that is there must not be blank.
func (c *checker) text(name string, value *string, limit int, required bool) {
	switch {
	case value == nil && required:
		c.fail("%s is missing", name)
	case value == nil:
	case strings.TrimSpace(*value) == "":
		c.fail("%s is blank", name)
	case utf8.RuneCountInString(*value) > limit:
		c.fail("%s has more than %d characters", name, limit)
	}
}

func (c *checker) time(name string, value *string, required bool) {
	if value == nil {
		if required {
			c.fail("%s is missing", name)
		}
		return
	}
	if _, err := time.Parse(time.RFC3339, *value); err != nil || !timestamp.MatchString(*value) {
		c.fail("%s is not a time", name)
	}
}

func (c *checker) fields(name string, fields map[string]string, limit int) {
	if len(fields) > 50 {
		c.fail("%s has more than 50 members", name)
	}
	for key, value := range fields {
		c.text(name+" key", &key, 128, true)
		c.text(name+"."+key, &value, limit, true)
		if strings.HasPrefix(key, "aws/") {
			c.fail("%s has a member of AWS", name)
		}
	}
}

// check returns why a finding is not valid, or "".
func check(f *types.AwsSecurityFinding) string {
	c := &checker{}
	c.text("SchemaVersion", f.SchemaVersion, 10, true)
	if aws.ToString(f.SchemaVersion) != "2018-10-08" {
		c.fail("SchemaVersion is not 2018-10-08")
	}
	c.text("Id", f.Id, 512, true)
	c.text("ProductArn", f.ProductArn, 2048, true)
	c.text("GeneratorId", f.GeneratorId, 512, true)
	if !accountID.MatchString(aws.ToString(f.AwsAccountId)) {
		c.fail("AwsAccountId does not have 12 digits")
	}
	c.text("Title", f.Title, 256, true)
	c.text("Description", f.Description, 1024, true)
	c.time("CreatedAt", f.CreatedAt, true)
	c.time("UpdatedAt", f.UpdatedAt, true)
	c.time("FirstObservedAt", f.FirstObservedAt, false)
	c.time("LastObservedAt", f.LastObservedAt, false)
	if c.problem == "" && isLater(f.CreatedAt, f.UpdatedAt) {
		c.fail("UpdatedAt is before CreatedAt")
	}
	if !slices.Contains([]types.RecordState{"", types.RecordStateActive, types.RecordStateArchived}, f.RecordState) {
		c.fail("RecordState is not known")
	}
	c.fields("ProductFields", f.ProductFields, 2048)
	c.owners(f)
	c.provider(f.FindingProviderFields)
	c.resources(f.Resources)
	c.threats(f.ThreatIntelIndicators)
	c.action(f.Action)
	return c.problem
}

// owners checks that a provider leaves alone what analysts change.
func (c *checker) owners(f *types.AwsSecurityFinding) {
	if f.Severity != nil || f.Types != nil || f.Confidence != nil || f.Criticality != nil || f.RelatedFindings != nil {
		c.fail("severity, types, confidence, criticality and related findings belong into FindingProviderFields")
	}
	if f.Note != nil || f.UserDefinedFields != nil || f.VerificationState != "" || f.Workflow != nil {
		c.fail("Note, UserDefinedFields, VerificationState and Workflow cannot be imported")
	}
	if f.Region != nil || f.ProcessedAt != nil || f.CompanyName != nil || f.ProductName != nil {
		c.fail("Security Hub sets Region, ProcessedAt, CompanyName and ProductName")
	}
}

func (c *checker) provider(p *types.FindingProviderFields) {
	if p == nil || p.Severity == nil || len(p.Types) == 0 {
		c.fail("FindingProviderFields must have the severity and the types")
		return
	}
	if !slices.Contains(p.Severity.Label.Values(), p.Severity.Label) {
		c.fail("Severity.Label is not known")
	}
	c.text("Severity.Original", p.Severity.Original, 64, false)
	if len(p.Types) > 50 {
		c.fail("there are more than 50 types")
	}
	for _, kind := range p.Types {
		parts := strings.Split(kind, "/")
		if !slices.Contains(namespaces, parts[0]) || len(parts) > 3 || slices.Contains(parts, "") {
			c.fail("the type %q is not of a known namespace", kind)
		}
	}
	if p.Confidence != nil && (*p.Confidence < 0 || *p.Confidence > 100) {
		c.fail("Confidence is not in [0, 100]")
	}
}

func (c *checker) resources(resources []types.Resource) {
	if len(resources) == 0 || len(resources) > 32 {
		c.fail("a finding has 1 to 32 resources")
	}
	for i := range resources {
		r := &resources[i]
		c.text("Resources.Type", r.Type, 256, true)
		c.text("Resources.Id", r.Id, 512, true)
		c.text("Resources.Region", r.Region, 16, false)
		if r.Partition != "" && !slices.Contains(r.Partition.Values(), r.Partition) {
			c.fail("Resources.Partition is not known")
		}
		switch aws.ToString(r.Type) {
		case "AwsEc2Instance":
			if !instanceARN.MatchString(aws.ToString(r.Id)) {
				c.fail("the id of an instance is not its ARN")
			}
		case "Other":
		default:
			c.fail("the type of a resource is not known here")
		}
		if r.Details != nil {
			c.fields("Details.Other", r.Details.Other, 1024)
		}
	}
}

func (c *checker) threats(threats []types.ThreatIntelIndicator) {
	if threats != nil && (len(threats) == 0 || len(threats) > 5) {
		c.fail("a finding has 1 to 5 threat intelligence indicators")
	}
	for i := range threats {
		t := &threats[i]
		if !slices.Contains(t.Type.Values(), t.Type) {
			c.fail("the type of an indicator is not known")
		}
		if t.Category != "" && !slices.Contains(t.Category.Values(), t.Category) {
			c.fail("the category of an indicator is not known")
		}
		c.text("ThreatIntelIndicators.Value", t.Value, 512, true)
		c.text("ThreatIntelIndicators.Source", t.Source, 64, false)
		c.time("ThreatIntelIndicators.LastObservedAt", t.LastObservedAt, false)
	}
}

func (c *checker) action(a *types.Action) {
	if a == nil {
		return
	}
	if aws.ToString(a.ActionType) != "DNS_REQUEST" || a.DnsRequestAction == nil {
		c.fail("the action is not a DNS request")
		return
	}
	c.text("DnsRequestAction.Domain", a.DnsRequestAction.Domain, 128, true)
	c.text("DnsRequestAction.Protocol", a.DnsRequestAction.Protocol, 64, false)
}
