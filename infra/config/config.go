// Package config reads the settings of a deployment: from the context of a CDK app to
// a typed [Config]. All of them stand under the one context key "resolverwatch" of
// cdk.json; a key "resolverwatch.<path>", as the CDK command's -c option gives it, is
// decoded over them.
//
// It is plain Go and starts no CDK. Values are checked for form here. What they may be
// beyond that (the range of a memory size, names that exclude each other) is for the
// construct that uses them, and so is the default of every setting whose zero value
// says nothing: where a field says "Default:" and Default() does not set it, the
// construct does.
package config

import "github.com/resolverwatch/resolverwatch/pkg/settings"

// Config is what a deployment is told.
type Config struct {
	// StackName is the name of the CloudFormation stack.
	//
	// Default: "Resolverwatch".
	StackName string `json:"stackName"`
	// Account is the AWS account to deploy to, twelve digits.
	//
	// Default: any account, the one of the credentials at deployment.
	Account string `json:"account"`
	// Region is the AWS Region to deploy to.
	//
	// Default: any Region, the one of the credentials at deployment.
	Region string `json:"region"`
	// TerminationProtection keeps the stack from being deleted by accident.
	TerminationProtection bool `json:"terminationProtection"`
	// Tags for everything in the stack.
	Tags map[string]string `json:"tags"`
	// RemovalPolicy says what becomes of buckets, table and the key of CreateKey when they
	// leave the stack. Log groups go in any case.
	//
	// Default: retain.
	RemovalPolicy RemovalPolicy `json:"removalPolicy"`
	// KeyARN is a KMS key of yours that encrypts everything. Its policy must let the
	// services use it; synthesis says how.
	//
	// Default: keys of the AWS services.
	KeyARN string `json:"keyArn"`
	// PreviousKeyARNs are KMS keys that encrypted everything before KeyARN or CreateKey did.
	// What was written then is still read with them.
	//
	// Default: none.
	PreviousKeyARNs []string `json:"previousKeyArns"`
	// CreateKey makes a KMS key for everything, with the policy it needs.
	CreateKey bool `json:"createKey"`
	// AccessLogBucket is the name of an existing bucket that takes the S3 access logs.
	//
	// Default: no access logs.
	AccessLogBucket string `json:"accessLogBucket"`

	Store        Store                    `json:"store"`
	Importer     Importer                 `json:"importer"`
	Feeds        map[string]settings.Feed `json:"feeds"` // by feed id
	Transformer  Transformer              `json:"transformer"`
	Delivery     Delivery                 `json:"delivery"`
	QueryLogging QueryLogging             `json:"queryLogging"`
	Catalog      Catalog                  `json:"catalog"`
}

// RemovalPolicy is what becomes of data that leaves the stack.
type RemovalPolicy string

// The zero RemovalPolicy is RemovalPolicyRetain.
const (
	RemovalPolicyRetain  RemovalPolicy = "retain"
	RemovalPolicyDestroy RemovalPolicy = "destroy"
	// RemovalPolicyRetainOnUpdateOrDelete retains, but for what a first deployment that fails
	// has created.
	RemovalPolicyRetainOnUpdateOrDelete RemovalPolicy = "retain-on-update-or-delete"
)

// Billing is how the table is paid for.
type Billing string

// The zero Billing is BillingOnDemand.
const (
	BillingOnDemand    Billing = "on-demand"
	BillingProvisioned Billing = "provisioned"
)

// Format is what the marked logs are written as.
type Format string

// The zero Format is FormatJSON.
const (
	FormatJSON    Format = "JSON"
	FormatParquet Format = "PARQUET"
)

// DefaultStackName is the stack's name where none is set.
const DefaultStackName = settings.DefaultStack

// Default returns the settings of a deployment that sets none.
func Default() Config {
	return Config{
		StackName:    DefaultStackName,
		Importer:     Importer{Guards: settings.DefaultGuards()},
		Transformer:  Transformer{CheckCNAMEs: true, CheckAddresses: true},
		QueryLogging: QueryLogging{Enabled: true},
		Catalog:      Catalog{Enabled: true},
	}
}
