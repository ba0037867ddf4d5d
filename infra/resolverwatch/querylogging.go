package resolverwatch

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53resolver"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// QueryLoggingProps configures a [QueryLogging].
type QueryLoggingProps struct {
	QueryLoggingSettings

	// Stream receives the query logs. An existing stream must be in the same account and
	// Region, and must have the tag LogDeliveryEnabled=true. Stream or LogBucket is required.
	Stream awskinesisfirehose.IDeliveryStream
	// LogBucket receives the query logs instead of a stream. Its policy must let the delivery of
	// logs write; an [S3LogSource] takes care of that.
	//
	// Default: the logs are sent to Stream.
	LogBucket awss3.IBucket
	// LogPrefix begins the keys of the objects in LogBucket, before AWSLogs/. It ends with a
	// slash.
	//
	// Default: the keys begin with AWSLogs/.
	LogPrefix string
	// VPCs whose queries are logged, at most 100. A VPC has one source of logs.
	//
	// Default: none, which is a warning; VPCs can be associated later.
	VPCs []awsec2.IVpc
	// ShareOutside lets accounts outside your organization accept the share.
	//
	// Default: only accounts of your organization can.
	ShareOutside bool
}

// maxAssociations is how many VPCs an account may associate in a Region ("Quotas on Route
// 53 Resolver" in the Route 53 developer guide).
const maxAssociations = 100

// associationsAtOnce limits how many associations CloudFormation creates at a time, because
// the API accepts only five requests per second.
const associationsAtOnce = 5

// queryLogName matches the names that the API accepts; a name of digits alone is rejected
// as well.
var queryLogName = regexp.MustCompile(`^[a-zA-Z0-9_' -]{1,64}$`)

var principal = regexp.MustCompile(`^(\d{12}|arn:[a-z-]+:(organizations|iam)::\d{12}:.+)$`)

func (p QueryLoggingProps) validate() error {
	var problems problems
	problems.required("Stream", p.Stream == nil && p.LogBucket == nil)
	problems.exclusive("Stream", p.Stream != nil, "LogBucket", p.LogBucket != nil)
	if p.LogPrefix != "" && p.LogBucket == nil {
		problems.addf("LogPrefix: has no effect without LogBucket")
	}
	checkLogPrefix(&problems, p.LogPrefix)
	problems.name("Name", p.Name, queryLogName, "1 to 64 of a-z A-Z 0-9 _ - ' and space")
	if p.Name != "" && strings.Trim(p.Name, "0123456789") == "" {
		problems.addf("Name: must not consist of digits alone, got %q", p.Name)
	}
	if len(p.VPCs) > maxAssociations {
		problems.addf("VPCs: at most %d can be associated in an account and Region, got %d: "+
			"use Route 53 Profiles, or several accounts and ShareWith", maxAssociations, len(p.VPCs))
	}
	checkVPCs(&problems, p.VPCs)
	checkPrincipals(&problems, p.ShareWith, p.ShareOutside)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p QueryLoggingProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	checkStreamIn(&problems, "Stream", p.Stream, home)
	for i, vpc := range p.VPCs {
		prop := fmt.Sprintf("VPCs[%d]", i)
		checkVPCIn(&problems, prop, vpc, home)
		if vpc != nil {
			checkUnused(&problems, scope, useOfVPC(prop, vpc))
		}
	}
	return errors.Join(p.validate(), problems.join())
}

// checkVPCs rejects a VPC that is nil, and a construct that is listed twice.
func checkVPCs(p *problems, vpcs []awsec2.IVpc) {
	seen := map[string]bool{}
	for i, vpc := range vpcs {
		prop := fmt.Sprintf("VPCs[%d]", i)
		p.required(prop, vpc == nil)
		if vpc == nil {
			continue
		}
		path := *vpc.Node().Path()
		if seen[path] {
			p.addf("%s: %s is listed twice", prop, path)
		}
		seen[path] = true
	}
}

// distinctVPCs returns the VPCs without duplicates by id. Two look-ups can find the same
// VPC. A panic would stop the CDK command from answering the other look-ups of the app, so
// a duplicate is an error annotation on c, which stops the deployment of the stack.
func distinctVPCs(c constructs.Construct, vpcs []awsec2.IVpc) []awsec2.IVpc {
	var distinct []awsec2.IVpc
	paths := map[string]string{}
	for i, vpc := range vpcs {
		id, path := *vpc.VpcId(), *vpc.Node().Path()
		if other, found := paths[id]; found && isKnown(id) {
			fail(c, fmt.Sprintf("VPCs[%d]: %s is %s, which is already listed as %s; remove one", i, path, id, other))
			continue
		}
		paths[id] = path
		distinct = append(distinct, vpc)
	}
	return distinct
}

// QueryLogging is the query logging configuration with its VPC associations and its share
// with other accounts.
type QueryLogging struct {
	constructs.Construct
	steps steps

	config awsroute53resolver.CfnResolverQueryLoggingConfig
}

// ToString returns the path of the construct.
func (q *QueryLogging) ToString() *string { return q.Node().Path() }

// NewQueryLogging defines a [QueryLogging]. It panics if the props are not valid.
func NewQueryLogging(scope constructs.Construct, id string, props *QueryLoggingProps) *QueryLogging {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	this := &QueryLogging{}
	begin(this, scope, id, problems)
	if p.Name == "" {
		p.Name = uniqueName(this)
	}
	this.config = awsroute53resolver.NewCfnResolverQueryLoggingConfig(this, jsii.String("Config"),
		&awsroute53resolver.CfnResolverQueryLoggingConfigProps{
			Name: &p.Name, DestinationArn: p.destination()})
	// Tags can be set only when the configuration is created. A new tag on the app would
	// replace it, and fail just as a new Name does.
	this.config.AddPropertyDeletionOverride(jsii.String("Tags"))
	// Deletion happens in the opposite order: associations, configuration, stream with its
	// role, or bucket with its policy.
	if p.Stream != nil {
		this.config.Node().AddDependency(p.Stream)
	} else {
		this.config.Node().AddDependency(p.LogBucket)
	}
	this.associate(p.VPCs)
	shareResource(this, p.Name, this.ConfigArn(), p.ShareWith, p.ShareOutside)
	return this
}

// destination returns the ARN of the stream, or that of the bucket with the prefix of the keys
// (CreateResolverQueryLogConfig in the API of Resolver).
func (p QueryLoggingProps) destination() *string {
	if p.Stream != nil {
		return p.Stream.DeliveryStreamArn()
	}
	if p.LogPrefix == "" {
		return p.LogBucket.BucketArn()
	}
	return p.LogBucket.ArnForObjects(&p.LogPrefix)
}

// associate defines an association for each VPC, under an id derived from the VPC, so that
// adding a VPC to the list does not replace the others.
func (q *QueryLogging) associate(vpcs []awsec2.IVpc) {
	var associations []*QueryLoggingAssociation
	for _, vpc := range distinctVPCs(q, vpcs) {
		id := *vpc.VpcId()
		if !isKnown(id) {
			id = *vpc.Node().Addr()
		}
		association := NewQueryLoggingAssociation(q, "Association-"+id,
			&QueryLoggingAssociationProps{QueryLogConfigID: q.ConfigID(), VPC: vpc})
		if at := len(associations) - associationsAtOnce; at >= 0 {
			association.Node().AddDependency(associations[at])
		}
		associations = append(associations, association)
	}
	if len(vpcs) == 0 {
		q.steps.remind(q, Step{
			ID:  StepAssociateVPC,
			Why: "No VPC is associated, so nothing is logged yet.",
			Text: fmt.Sprintf("aws route53resolver associate-resolver-query-log-config --resolver-query-log-config-id %s "+
				"--resource-id VPC_ID", q.ConfigID()),
		})
	}
}

// ConfigID returns the id of the query logging configuration, which associations need.
func (q *QueryLogging) ConfigID() string { return *q.config.AttrId() }

// ConfigArn returns the ARN of the query logging configuration.
func (q *QueryLogging) ConfigArn() string { return *q.config.AttrArn() }

// StepAssociateVPC is the id of the step to associate a VPC.
const StepAssociateVPC = "AssociateVpc"

// Steps returns what is left to do by hand, before or after a deployment.
func (q *QueryLogging) Steps() []Step { return slices.Clone(q.steps) }

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

// check returns the problems with props under scope: see [problems].
func (p QueryLoggingAssociationProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	checkVPCIn(&problems, "VPC", p.VPC, home)
	if p.VPC != nil {
		checkUnused(&problems, scope, useOfVPC("VPC", p.VPC))
	}
	if p.QueryLogging != nil {
		checkSameRegion(&problems, "QueryLogging", placeOfARN(p.QueryLogging.ConfigArn(), place{}), home,
			"a query logging configuration serves the VPCs of its own Region")
	}
	return errors.Join(p.validate(), problems.join())
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

// IQueryLogging is a query logging configuration: a [QueryLogging] of this app, or one that
// [QueryLoggingFromAttributes] refers to.
type IQueryLogging interface {
	// ConfigID returns the id, which associations need.
	ConfigID() string
	// ConfigArn returns the ARN, which RAM shares and Route 53 Profiles need.
	ConfigArn() string
}

// QueryLoggingAttributes identify a query logging configuration that another stack defines.
// One of the two is enough.
type QueryLoggingAttributes struct {
	// ConfigID is the id, as in the output QueryLogConfigId of [Pipeline.AddOutputs].
	//
	// Default: the last part of ConfigArn.
	ConfigID string
	// ConfigArn is the ARN, as RAM shows it to the accounts that it is shared with.
	//
	// Default: derived from ConfigID, for the account and the Region of the stack.
	ConfigArn string
}

// The forms of ids and ARNs of query logging configurations.
var (
	queryLogConfigID  = regexp.MustCompile(`^rqlc-[0-9a-z]+$`)
	queryLogConfigARN = regexp.MustCompile(`^arn:[a-z-]+:route53resolver:[a-z0-9-]+:\d{12}:resolver-query-log-config/rqlc-[0-9a-z]+$`)
)

const queryLogConfigResource = "resolver-query-log-config"

type importedQueryLogging struct{ id, arn string }

func (q importedQueryLogging) ConfigID() string  { return q.id }
func (q importedQueryLogging) ConfigArn() string { return q.arn }

// QueryLoggingFromAttributes refers to a query logging configuration of another stack or
// another account. It defines no resource; id appears in errors. It panics if the
// attributes are not valid.
func QueryLoggingFromAttributes(scope constructs.Construct, id string, attributes *QueryLoggingAttributes) IQueryLogging {
	a := orEmpty(attributes)
	var problems problems
	problems.required("ConfigID or ConfigArn", a.ConfigID == "" && a.ConfigArn == "")
	problems.name("ConfigID", a.ConfigID, queryLogConfigID, "the id of a query logging configuration, like rqlc-0123456789abcdef")
	// The parts of an ARN may be tokens.
	if !isToken(a.ConfigArn) {
		problems.name("ConfigArn", a.ConfigArn, queryLogConfigARN, "the ARN of a query logging configuration")
	}
	if problems.errs != nil {
		panic(refuse(*scope.Node().Path()+"/"+id, problems.join()))
	}
	stack := awscdk.Stack_Of(scope)
	q := importedQueryLogging{a.ConfigID, a.ConfigArn}
	if q.arn == "" {
		q.arn = *stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("route53resolver"),
			Resource: jsii.String(queryLogConfigResource), ResourceName: &q.id})
	}
	if q.id == "" {
		q.id = *stack.SplitArn(&q.arn, awscdk.ArnFormat_SLASH_RESOURCE_NAME).ResourceName
	}
	return q
}
