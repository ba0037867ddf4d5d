module example.com/security

go 1.26.0

// The version of Resolverwatch is filled in where it is tried out.
require (
	github.com/aws/aws-cdk-go/awscdk/v2 v2.220.0
	github.com/aws/jsii-runtime-go v1.119.0
)
