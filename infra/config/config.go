// Package config reads the settings of a deployment from the context of a CDK app into a
// typed [Config]. All settings are under the context key "resolverwatch" in cdk.json; keys
// like "resolverwatch.<path>", which the CDK command's -c option sets, override them.
//
// It is plain Go and does not start the CDK. It checks only the form of values. Everything
// else (the range of a memory size, names that exclude each other) is checked by the
// construct that uses them. The construct also sets the default of every setting whose zero
// value means "unset": if a field says "Default:" and Default() does not set it, the
// construct does.
package config

import "github.com/resolverwatch/resolverwatch/pkg/settings"

// Config holds the settings of a deployment.
type Config struct {
	// StackName is the name of the CloudFormation stack.
	//
	// Default: "Resolverwatch".
	StackName string `json:"stackName"`
	// Account is the AWS account to deploy to, twelve digits.
	//
	// Default: any account; the credentials decide at deployment.
	Account string `json:"account"`
	// Region is the AWS Region to deploy to.
	//
	// Default: any Region; the credentials decide at deployment.
	Region string `json:"region"`
	// TerminationProtection keeps the stack from being deleted by accident.
	TerminationProtection bool `json:"terminationProtection"`
	// Tags for everything in the stack.
	Tags map[string]string `json:"tags"`
	// RemovalPolicy says what happens to the buckets, the table and the key of CreateKey
	// when they are removed from the stack. Log groups are always deleted.
	//
	// Default: retain.
	RemovalPolicy RemovalPolicy `json:"removalPolicy"`
	// KeyARN is the ARN of your KMS key that encrypts everything. Its policy must let
	// services use it; synthesis says how.
	//
	// Default: keys of the AWS services.
	KeyARN string `json:"keyArn"`
	// PreviousKeyARNs are the ARNs of KMS keys that encrypted everything before KeyARN or CreateKey
	// did. Data from that time is still read with them.
	//
	// Default: none.
	PreviousKeyARNs []string `json:"previousKeyArns"`
	// CreateKey creates a KMS key for everything, with the policy that it needs.
	CreateKey bool `json:"createKey"`
	// AccessLogBucket is the name of an existing bucket that receives the S3 access logs.
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

// RemovalPolicy says what happens to data that is removed from the stack.
type RemovalPolicy string

// The zero RemovalPolicy is RemovalPolicyRetain.
const (
	RemovalPolicyRetain  RemovalPolicy = "retain"
	RemovalPolicyDestroy RemovalPolicy = "destroy"
	// RemovalPolicyRetainOnUpdateOrDelete retains resources, except those that a failed
	// first deployment has created.
	RemovalPolicyRetainOnUpdateOrDelete RemovalPolicy = "retain-on-update-or-delete"
)

// Billing is how the table is paid for.
type Billing string

// The zero Billing is BillingOnDemand.
const (
	BillingOnDemand    Billing = "on-demand"
	BillingProvisioned Billing = "provisioned"
)

// Format is the file format of the marked logs.
type Format string

// The zero Format is FormatJSON.
const (
	FormatJSON    Format = "JSON"
	FormatParquet Format = "PARQUET"
)

// DefaultStackName is the stack's name if none is set.
const DefaultStackName = settings.DefaultStack

// Default returns the settings of a deployment that does not set any.
func Default() Config {
	return Config{
		StackName:    DefaultStackName,
		Importer:     Importer{Guards: settings.DefaultGuards()},
		Transformer:  Transformer{CheckCNAMEs: true, CheckAddresses: true},
		QueryLogging: QueryLogging{Enabled: true},
		Catalog:      Catalog{Enabled: true},
	}
}
