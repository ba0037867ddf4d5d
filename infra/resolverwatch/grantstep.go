package resolverwatch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// grantStep collects what is left to do by hand for one grant.
type grantStep struct {
	why   []string
	texts []string
	// resource is the policy that the last text is about.
	resource string
}

// allow adds a statement for the policy of a resource that the app cannot change.
func (g *grantStep) allow(policy policied, text string) {
	if g.resource == policy.name { // one text for all statements of a policy
		g.texts[len(g.texts)-1] += "," + text
		return
	}
	owner := "which this app cannot change"
	if !isToken(policy.account) {
		owner = "of account " + policy.account
	}
	g.why = append(g.why, fmt.Sprintf("%s, %s, must allow the principal in its own policy. Add the statements after the principal "+
		"exists, because AWS rejects one that does not.", policy.path, owner))
	g.texts = append(g.texts, "add to the policy of "+policy.name+": "+text)
	g.resource = policy.name
}

// own adds the statements for the policies of a principal that the app cannot change.
func (g *grantStep) own(c constructs.Construct, method string, principal awsiam.IPrincipal, statements []statement) {
	account := principal.PrincipalAccount()
	switch {
	case otherAccount(awscdk.Stack_Of(c).Account(), account):
		g.why = append(g.why, "The principal of account "+*account+" needs the permission in its own policies, too.")
		g.texts = append(g.texts, "add to the policies of the principal: "+policyText(statements))
	case isFixed(c, principal):
		role := principal.(awsiam.IRole)
		g.why = append(g.why, "This app cannot change the role "+pathOfRole(role)+", which needs the permission in its policies.")
		g.texts = append(g.texts, fmt.Sprintf("aws iam put-role-policy --role-name %s --policy-name Resolverwatch%s --policy-document '%s'",
			*role.RoleName(), method, policyText(statements)))
	}
}

// remindOfGrant adds the step for a grant, unless nothing is left to do or the same was
// granted before. Its id is derived from the grantee, so that other grants do not change
// it.
func (s *steps) remindOfGrant(c constructs.Construct, method string, principal awsiam.IPrincipal, g grantStep) {
	id := method + granteeID(c, principal)
	same := func(step Step) bool { return step.ID == id }
	if len(g.texts) == 0 || slices.ContainsFunc(*s, same) {
		return
	}
	s.remind(c, Step{ID: id, Why: strings.Join(g.why, " "), Text: strings.Join(g.texts, "; ")})
}

// remindOfFixedRole adds a step if grantee is a principal of another account, or a role
// that a grant of the CDK's own constructs silently leaves as it is.
func (s *steps) remindOfFixedRole(c constructs.Construct, method string, grantee awsiam.IGrantable, granted statement) {
	principal := grantee.GrantPrincipal()
	var g grantStep
	g.own(c, method, principal, []statement{granted})
	s.remindOfGrant(c, method, principal, g)
}

// granteeID returns eight hexadecimal digits that identify a principal: by its path if it
// is a construct, by the member Principal of its statements otherwise.
func granteeID(c constructs.Construct, principal awsiam.IPrincipal) string {
	name := ""
	if construct, isConstruct := principal.(constructs.IConstruct); isConstruct {
		name = *construct.Node().Path()
	} else {
		name = toJSON(awscdk.Stack_Of(c).Resolve(principal.PolicyFragment().PrincipalJson()))
	}
	hash := sha256.Sum256([]byte(name))
	return strings.ToUpper(hex.EncodeToString(hash[:4]))
}

// isFixed reports whether a principal is a role that ignores new statements. It reports
// success for them (ImmutableRole of the CDK), so a policy is attached for a moment to see.
func isFixed(c constructs.Construct, principal awsiam.IPrincipal) bool {
	role, isRole := principal.(awsiam.IRole)
	if !isRole {
		return false
	}
	switch role.(type) {
	case awsiam.Role, awsiam.LazyRole:
		return false
	}
	const id = "Probe"
	probe := awsiam.NewPolicy(c, jsii.String(id), &awsiam.PolicyProps{Document: policyDocument([]statement{
		{actions: []string{"sts:GetCallerIdentity"}, resources: []string{"*"}}})})
	role.AttachInlinePolicy(probe)
	fixed := !attached(probe)
	c.Node().TryRemoveChild(jsii.String(id))
	return fixed
}
