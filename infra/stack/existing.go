package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// existing refers to existing resources by the names in the settings. It does not look them
// up, so synthesis works without credentials.
type existing struct{ scope constructs.Construct }

func (e existing) bucket(id, name string) awss3.IBucket {
	if name == "" {
		return nil
	}
	return awss3.Bucket_FromBucketName(e.scope, &id, &name)
}

func (e existing) table(name string) awsdynamodb.ITable {
	if name == "" {
		return nil
	}
	return awsdynamodb.Table_FromTableName(e.scope, jsii.String("Table"), &name)
}

func (e existing) key(arn string) awskms.IKey {
	if arn == "" {
		return nil
	}
	return awskms.Key_FromKeyArn(e.scope, jsii.String("ExistingKey"), &arn)
}

func (e existing) topic(arn string) awssns.ITopic {
	if arn == "" {
		return nil
	}
	return awssns.Topic_FromTopicArn(e.scope, jsii.String("AlertTopic"), &arn)
}

func (e existing) previousKeys(arns []string) []awskms.IKey {
	var keys []awskms.IKey
	for i, arn := range arns {
		keys = append(keys, awskms.Key_FromKeyArn(e.scope, jsii.String(fmt.Sprintf("PreviousKey%d", i)), &arn))
	}
	return keys
}

func (e existing) stream(name string) awskinesisfirehose.IDeliveryStream {
	if name == "" {
		return nil
	}
	return awskinesisfirehose.DeliveryStream_FromDeliveryStreamName(e.scope, jsii.String("Stream"), &name)
}

// vpcs refers to VPCs by their ids alone, which is enough for query logging. It names one
// zone, because the CDK divides the number of subnets, 0, by the number of zones.
func (e existing) vpcs(ids []string) []awsec2.IVpc {
	var vpcs []awsec2.IVpc
	for _, id := range ids {
		vpcs = append(vpcs, awsec2.Vpc_FromVpcAttributes(e.scope, jsii.String(fmt.Sprintf("Vpc-%s", id)),
			&awsec2.VpcAttributes{VpcId: &id, AvailabilityZones: jsii.Strings("unknown")}))
	}
	return vpcs
}
