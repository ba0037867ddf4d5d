package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53resolver"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// QueryLoggingAssociationProps configures a [QueryLoggingAssociation].
type QueryLoggingAssociationProps struct {
	// QueryLogging is the query logging configuration, of this account or shared by another
	// account. It must be in the Region of the VPC.
	//
	// Default: the configuration with QueryLogConfigID.
	QueryLogging IQueryLogging
	// QueryLogConfigID is the id of the configuration, instead of QueryLogging. One of the
	// two is required.
	QueryLogConfigID string
	// VPC whose queries are logged. It must belong to this account, in the Region of the
	// configuration. Required.
	VPC awsec2.IVpc
}

func (p QueryLoggingAssociationProps) validate() error {
	var problems problems
	problems.required("QueryLogConfigID", p.QueryLogConfigID == "" && p.QueryLogging == nil)
	problems.exclusive("QueryLogConfigID", p.QueryLogConfigID != "", "QueryLogging", p.QueryLogging != nil)
	problems.required("VPC", p.VPC == nil)
	return problems.join()
}

// QueryLoggingAssociation turns on query logging for one VPC. Use it in the stack of a
// member account that a [QueryLogging] is shared with.
type QueryLoggingAssociation struct {
	constructs.Construct

	association awsroute53resolver.CfnResolverQueryLoggingConfigAssociation
}

// ToString returns the path of the construct.
func (a *QueryLoggingAssociation) ToString() *string { return a.Node().Path() }

// NewQueryLoggingAssociation defines a [QueryLoggingAssociation]. It panics if the props
// are not valid.
func NewQueryLoggingAssociation(
	scope constructs.Construct, id string, props *QueryLoggingAssociationProps,
) *QueryLoggingAssociation {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	this := &QueryLoggingAssociation{}
	begin(this, scope, id, problems)
	useOnce(this, useOfVPC("VPC", p.VPC))
	if p.QueryLogging != nil {
		p.QueryLogConfigID = p.QueryLogging.ConfigID()
	}
	this.association = awsroute53resolver.NewCfnResolverQueryLoggingConfigAssociation(this, jsii.String("Association"),
		&awsroute53resolver.CfnResolverQueryLoggingConfigAssociationProps{
			ResolverQueryLogConfigId: &p.QueryLogConfigID, ResourceId: p.VPC.VpcId()})
	return this
}

// AssociationID returns the id of the association.
func (a *QueryLoggingAssociation) AssociationID() string { return *a.association.AttrId() }
