package resolverwatch

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsram"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53profiles"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// QueryLoggingProfileProps configures a [QueryLoggingProfile].
type QueryLoggingProfileProps struct {
	// QueryLogging are the configurations that the Profile carries, one or two, such as the
	// QueryLogging of a [Pipeline] or of an [S3LogSource]. Required.
	QueryLogging []IQueryLogging
	// Name of the Profile.
	//
	// Default: derived from the path of the construct.
	Name string
	// ShareWith are the accounts, organizations and organizational units that may associate
	// their own VPCs.
	//
	// Default: not shared.
	ShareWith []string
	// ShareOutside lets accounts outside your organization accept the share.
	//
	// Default: only accounts of your organization can.
	ShareOutside bool
}

// maxProfileConfigs is how many query logging configurations a Profile can have ("Quotas on
// Route 53 Profiles" in the Route 53 developer guide).
const maxProfileConfigs = 2

// profileName matches the names that the API of Profiles accepts.
var profileName = regexp.MustCompile(`^[a-zA-Z0-9_' -]{1,64}$`)

const profileNameRule = "1 to 64 of a-z A-Z 0-9 _ - ' and space"

func (p QueryLoggingProfileProps) validate() error {
	var problems problems
	problems.required("QueryLogging", len(p.QueryLogging) == 0)
	if n := len(p.QueryLogging); n > maxProfileConfigs {
		problems.addf("QueryLogging: a Profile can have at most %d configurations, got %d", maxProfileConfigs, n)
	}
	for i, config := range p.QueryLogging {
		problems.required(fmt.Sprintf("QueryLogging[%d]", i), config == nil)
	}
	problems.name("Name", p.Name, profileName, profileNameRule)
	checkPrincipals(&problems, p.ShareWith, p.ShareOutside)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p QueryLoggingProfileProps) check(scope constructs.Construct) error {
	var problems problems
	for i, config := range p.QueryLogging {
		if config != nil {
			checkSameRegion(&problems, fmt.Sprintf("QueryLogging[%d]", i), placeOfARN(config.ConfigArn(), place{}), placeOf(scope),
				"a Profile carries configurations of its own Region")
		}
	}
	return errors.Join(p.validate(), problems.join())
}

// QueryLoggingProfile is a Route 53 Profile that turns on query logging for the VPCs that are
// associated with it: up to 1,000, of all accounts that it is shared with. Members need one
// association for each VPC, a [QueryLoggingProfileAssociation].
type QueryLoggingProfile struct {
	constructs.Construct

	profile awsroute53profiles.CfnProfile
}

// ToString returns the path of the construct.
func (q *QueryLoggingProfile) ToString() *string { return q.Node().Path() }

// NewQueryLoggingProfile defines a [QueryLoggingProfile]. It panics if the props are not valid.
func NewQueryLoggingProfile(scope constructs.Construct, id string, props *QueryLoggingProfileProps) *QueryLoggingProfile {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	this := &QueryLoggingProfile{}
	begin(this, scope, id, problems)
	name := orDefault(p.Name, uniqueName(this))
	this.profile = awsroute53profiles.NewCfnProfile(this, jsii.String("Profile"), &awsroute53profiles.CfnProfileProps{Name: &name})
	for i, config := range p.QueryLogging {
		awsroute53profiles.NewCfnProfileResourceAssociation(this, jsii.String(fmt.Sprintf("Config%d", i)),
			&awsroute53profiles.CfnProfileResourceAssociationProps{
				Name:        jsii.String(fmt.Sprintf("query-logging-%d", i)),
				ProfileId:   this.profile.AttrId(),
				ResourceArn: jsii.String(config.ConfigArn()),
			})
	}
	shareResource(this, name, *this.profile.AttrArn(), p.ShareWith, p.ShareOutside)
	return this
}

// ProfileID returns the id of the Profile, which associations need.
func (q *QueryLoggingProfile) ProfileID() string { return *q.profile.AttrId() }

// ProfileArn returns the ARN of the Profile.
func (q *QueryLoggingProfile) ProfileArn() string { return *q.profile.AttrArn() }

// QueryLoggingProfileAssociationProps configures a [QueryLoggingProfileAssociation].
type QueryLoggingProfileAssociationProps struct {
	// ProfileID is the id of the Profile, of this account or shared by another account. It must
	// be in the Region of the VPC. Required.
	ProfileID string
	// VPC that is associated with the Profile. A VPC has one Profile, and it must not be
	// associated with a query logging configuration as well. Required.
	VPC awsec2.IVpc
	// Name of the association.
	//
	// Default: derived from the path of the construct.
	Name string
}

var profileID = regexp.MustCompile(`^rp-[0-9a-z]+$`)

func (p QueryLoggingProfileAssociationProps) validate() error {
	var problems problems
	problems.required("ProfileID", p.ProfileID == "")
	problems.name("ProfileID", p.ProfileID, profileID, "the id of a Route 53 Profile, like rp-0123456789abcdef")
	problems.required("VPC", p.VPC == nil)
	problems.name("Name", p.Name, profileName, profileNameRule)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p QueryLoggingProfileAssociationProps) check(scope constructs.Construct) error {
	var problems problems
	checkVPCIn(&problems, "VPC", p.VPC, placeOf(scope))
	if p.VPC != nil {
		checkUnused(&problems, scope, useOfVPC("VPC", p.VPC))
	}
	return errors.Join(p.validate(), problems.join())
}

// QueryLoggingProfileAssociation turns on query logging for one VPC by a Profile. Use it in the
// stack of a member account that a [QueryLoggingProfile] is shared with.
type QueryLoggingProfileAssociation struct {
	constructs.Construct

	association awsroute53profiles.CfnProfileAssociation
}

// ToString returns the path of the construct.
func (q *QueryLoggingProfileAssociation) ToString() *string { return q.Node().Path() }

// NewQueryLoggingProfileAssociation defines a [QueryLoggingProfileAssociation]. It panics if the
// props are not valid.
func NewQueryLoggingProfileAssociation(
	scope constructs.Construct, id string, props *QueryLoggingProfileAssociationProps,
) *QueryLoggingProfileAssociation {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	this := &QueryLoggingProfileAssociation{}
	begin(this, scope, id, problems)
	useOnce(this, useOfVPC("VPC", p.VPC))
	name := orDefault(p.Name, uniqueName(this))
	this.association = awsroute53profiles.NewCfnProfileAssociation(this, jsii.String("Association"),
		&awsroute53profiles.CfnProfileAssociationProps{Name: &name, ProfileId: &p.ProfileID, ResourceId: p.VPC.VpcId()})
	return this
}

// AssociationID returns the id of the association.
func (q *QueryLoggingProfileAssociation) AssociationID() string { return *q.association.AttrId() }

// uniqueName returns a name that is derived from the path of c.
func uniqueName(c constructs.Construct) string {
	return *awscdk.Names_UniqueResourceName(c, &awscdk.UniqueResourceNameOptions{
		MaxLength: jsii.Number(64), Separator: jsii.String("-")})
}

// checkPrincipals rejects values that RAM cannot share with.
func checkPrincipals(p *problems, with []string, outside bool) {
	for i, principalOf := range with {
		p.name(fmt.Sprintf("ShareWith[%d]", i), orDefault(principalOf, " "), principal,
			"a 12-digit account id, or the ARN of an organization, unit, role or user")
	}
	if outside && len(with) == 0 {
		p.addf("ShareOutside: has no effect without ShareWith")
	}
}

// shareResource shares a resource with other accounts, if there are any.
func shareResource(c constructs.Construct, name, arn string, with []string, outside bool) {
	if len(with) == 0 {
		return
	}
	awsram.NewCfnResourceShare(c, jsii.String("Share"), &awsram.CfnResourceShareProps{
		Name:                    &name,
		ResourceArns:            jsii.Strings(arn),
		Principals:              jsii.Strings(with...),
		AllowExternalPrincipals: outside,
	})
}
