package resolverwatch

import (
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

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
