package resolverwatch

import (
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// finding is a cdk-nag rule that a resource breaks on purpose.
type finding struct {
	rule   string
	reason string
	// folders and resources limit a rule to findings about resources that end with one of
	// the folders or are one of the resources. Without either, it covers all findings.
	folders, resources []string
}

// accept records why findings about the resource of c are not mistakes, as metadata that
// cdk-nag reads. It does not import cdk-nag, because an app need not use it. A role that
// the app takes from elsewhere, with Role_CustomizeRoles, has no resource.
func accept(c constructs.Construct, findings ...finding) {
	if _, isResource := c.(awscdk.CfnResource); !isResource && c.Node().DefaultChild() == nil {
		return
	}
	resource := resourceOf(c)
	rules := make([]map[string]any, len(findings))
	for i, f := range findings {
		rules[i] = map[string]any{"id": f.rule, "reason": f.reason}
		if len(f.folders)+len(f.resources) > 0 {
			rules[i]["applies_to"] = f.appliesTo()
		}
	}
	if len(rules) > 0 {
		resource.AddMetadata(jsii.String("cdk_nag"), map[string]any{"rules_to_suppress": rules})
	}
}

// appliesTo names resources the way cdk-nag does, by regular expression or in full. Logical
// ids are left out, because reading one would stop the user from overriding it.
func (f finding) appliesTo() []any {
	var applies []any
	for _, folder := range f.folders {
		applies = append(applies, map[string]any{
			"regex": "/^Resource::.*" + strings.ReplaceAll(regexp.QuoteMeta(folder), "/", `\/`) + "$/"})
	}
	for _, resource := range f.resources {
		applies = append(applies, "Resource::"+resource)
	}
	return applies
}

// resourceOf returns the CloudFormation resource behind a construct.
func resourceOf(c constructs.IConstruct) awscdk.CfnResource {
	if resource, ok := c.(awscdk.CfnResource); ok {
		return resource
	}
	return c.Node().DefaultChild().(awscdk.CfnResource)
}

// Reasons that several resources share.
const (
	whyNoAccessLog   = "server access logs are an option (AccessLogBucket); the access log itself would need another bucket"
	whyObjectKeys    = "the objects of one folder of one bucket: their keys are not known beforehand"
	whyNoTracing     = "traces would need a permission on every resource; EMF metrics and logs tell how long a run takes"
	whyEveryResource = "X-Ray and Lambda's connection to a VPC need these actions on every resource; the function's own code is denied those on the VPC"
)
