package resolverwatch

import (
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// finding is a rule of cdk-nag that a resource breaks on purpose.
type finding struct {
	rule   string
	reason string
	// folders narrows a rule of many findings to resources that end so; none is all.
	folders []string
}

// accept writes down why findings on the resource of c are no mistakes, as metadata
// that cdk-nag reads. Nothing of cdk-nag is imported: an app need not use it.
func accept(c constructs.Construct, findings ...finding) {
	resource := resourceOf(c)
	rules := make([]map[string]any, len(findings))
	for i, f := range findings {
		rules[i] = map[string]any{"id": f.rule, "reason": f.reason}
		if len(f.folders) > 0 {
			rules[i]["applies_to"] = resourceEnds(f.folders)
		}
	}
	if len(rules) > 0 {
		resource.AddMetadata(jsii.String("cdk_nag"), map[string]any{"rules_to_suppress": rules})
	}
}

// resourceEnds is a list of regular expressions as cdk-nag writes them. It does without
// logical ids, because asking for one would keep the user from overriding it.
func resourceEnds(folders []string) []map[string]any {
	ends := make([]map[string]any, len(folders))
	for i, folder := range folders {
		ends[i] = map[string]any{"regex": "/^Resource::.*" + strings.ReplaceAll(regexp.QuoteMeta(folder), "/", `\/`) + "$/"}
	}
	return ends
}

// resourceOf returns the one CloudFormation resource behind a construct.
func resourceOf(c constructs.IConstruct) awscdk.CfnResource {
	if resource, is := c.(awscdk.CfnResource); is {
		return resource
	}
	return c.Node().DefaultChild().(awscdk.CfnResource)
}

// Reasons that several resources share.
const (
	whyNoAccessLog = "server access logs are an option (AccessLogBucket); the access log itself would need another bucket"
	whyObjectKeys  = "the objects of one folder of one bucket: their keys are not known beforehand"
	whyNoTracing   = "traces would need a permission on every resource; EMF metrics and logs tell how long a run takes"
)
