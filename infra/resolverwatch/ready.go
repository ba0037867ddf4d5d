package resolverwatch

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// A bucket or table that is given may be defined by the same app. Then synthesis knows how
// it is set up; otherwise it knows nothing about it.

// isVersioned reports whether a bucket is defined by the app with versioning.
func isVersioned(bucket awss3.IBucket) bool {
	resource := cfnBucket(bucket)
	if resource == nil {
		return false
	}
	var versioning struct{ Status string }
	resolve(resource, resource.VersioningConfiguration(), &versioning)
	return versioning.Status == "Enabled"
}

// sendsEvents reports whether a bucket is defined by the app and sends its events to
// EventBridge: by a property, or by the resource that the CDK defines for
// EventBridgeEnabled.
func sendsEvents(bucket awss3.IBucket) bool {
	resource := cfnBucket(bucket)
	if resource == nil {
		return false
	}
	type notifications struct{ EventBridgeConfiguration *struct{} }
	var set notifications
	resolve(resource, resource.NotificationConfiguration(), &set)
	if set.EventBridgeConfiguration != nil {
		return true
	}
	child := bucket.Node().TryFindChild(jsii.String("Notifications"))
	if child == nil {
		return false
	}
	custom, ok := child.Node().TryFindChild(jsii.String("Resource")).(awscdk.CfnResource)
	if !ok {
		return false
	}
	var properties struct{ NotificationConfiguration notifications }
	resolve(custom, custom.CfnProperties(), &properties)
	return properties.NotificationConfiguration.EventBridgeConfiguration != nil
}

// isIndicatorTable reports whether a table is defined by the app with the keys and the TTL
// attribute that the importer needs.
func isIndicatorTable(table awsdynamodb.ITable) bool {
	own, ok := table.(awsdynamodb.Table)
	if !ok {
		return false
	}
	resource, ok := own.Node().DefaultChild().(awsdynamodb.CfnTable)
	if !ok {
		return false
	}
	type key struct{ AttributeName, KeyType string }
	var keys []key
	resolve(resource, resource.KeySchema(), &keys)
	var expiry struct {
		AttributeName string
		Enabled       bool
	}
	resolve(resource, resource.TimeToLiveSpecification(), &expiry)
	want := []key{{settings.TablePartitionKey, "HASH"}, {settings.TableSortKey, "RANGE"}}
	return expiry.Enabled && expiry.AttributeName == settings.TableTTL && slices.Equal(keys, want)
}

// cfnBucket returns the resource of a bucket that the app defines, or nil.
func cfnBucket(bucket awss3.IBucket) awss3.CfnBucket {
	own, ok := bucket.(awss3.Bucket)
	if !ok {
		return nil
	}
	resource, _ := own.Node().DefaultChild().(awss3.CfnBucket)
	return resource
}

// resolve decodes a property of a resource. The CDK begins the names of its members with a
// lower case letter or, in custom resources, with a capital letter.
func resolve(resource constructs.IConstruct, property, into any) {
	if property == nil {
		return
	}
	text, err := json.Marshal(awscdk.Stack_Of(resource).Resolve(property))
	if err == nil {
		_ = json.Unmarshal(text, into) // a token in place of a value is treated as not known
	}
}
