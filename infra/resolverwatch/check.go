package resolverwatch

import (
	"errors"
	"fmt"

	"github.com/aws/constructs-go/constructs/v10"
)

// The check methods return every problem with the props of a part under scope: those that
// validate finds in the props alone, and those that depend on the stack of the part. They
// define nothing, so that a pipeline can check all its parts before it defines the first
// one.

func (p IndicatorStoreProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	problems.tableIn("Table", p.Table, home)
	problems.listsIn("ListBucket", p.ListBucket, home)
	problems.keyIn("EncryptionKey", p.EncryptionKey, home)
	problems.accessLogsIn(p.AccessLogBucket, home)
	problems.ownNames(scope, p.bucketNames()...)
	return errors.Join(p.validate(), problems.join())
}

func (p ImporterProps) check(scope constructs.Construct) error {
	var problems problems
	stack := orDefault(p.StackName, stackName(scope))
	home := placeOf(scope)
	problems.free(scope, "", "StackName", stack)
	problems.keyIn("EncryptionKey", p.EncryptionKey, home)
	if p.Store != nil {
		problems.unused(scope, p.Store.uses()...)
		problems.storeIn(p.Store, home)
	}
	problems.layersIn(p.Layers, home)
	problems.fit(p.withDefaults().environment(stack), p.Environment, "Protected")
	return errors.Join(p.validate(), p.checkStackName(stack), problems.join(),
		checkRole(scope, "Role", p.Role), checkRole(scope, "SchedulerRole", p.SchedulerRole))
}

func (p TransformerProps) check(scope constructs.Construct) error {
	var problems problems
	stack := orDefault(p.StackName, stackName(scope))
	problems.free(scope, transformerKind, "StackName", stack)
	problems.indexFrom(scope, p)
	problems.keyOf("IndexKey", p.IndexKey, p.IndexBucket)
	problems.keyIn("EncryptionKey", p.EncryptionKey, placeOf(scope))
	problems.layersIn(p.Layers, placeOf(scope))
	problems.fit(p.withDefaults().environment(stack), p.Environment, "")
	return errors.Join(p.validate(), problems.join(), checkRole(scope, "Role", p.Role))
}

func (p DeliveryProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	problems.keyOf("OutputKey", p.OutputKey, p.OutputBucket)
	problems.keyIn("EncryptionKey", p.EncryptionKey, home)
	problems.accessLogsIn(p.AccessLogBucket, home)
	problems.ownNames(scope, givenName{"OutputBucketName", p.OutputBucketName})
	problems.unused(scope, p.uses(p.OutputBucket)...)
	return errors.Join(p.validate(), problems.join(), checkRole(scope, "Role", p.Role))
}

func (p QueryLoggingProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	problems.streamIn("Stream", p.Stream, home)
	for i, vpc := range p.VPCs {
		prop := fmt.Sprintf("VPCs[%d]", i)
		problems.vpcIn(prop, vpc, home)
		if vpc != nil {
			problems.unused(scope, useOfVPC(prop, vpc))
		}
	}
	return errors.Join(p.validate(), problems.join())
}

func (p QueryLoggingAssociationProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	problems.vpcIn("VPC", p.VPC, home)
	if p.VPC != nil {
		problems.unused(scope, useOfVPC("VPC", p.VPC))
	}
	if p.QueryLogging != nil {
		problems.sameRegion("QueryLogging", placeOfARN(p.QueryLogging.ConfigArn(), place{}), home,
			"a query logging configuration serves the VPCs of its own Region")
	}
	return errors.Join(p.validate(), problems.join())
}

func (p CatalogProps) check(scope constructs.Construct) error {
	var problems problems
	home, named := placeOf(scope), p.withDefaults(scope)
	problems.free(scope, "", "DatabaseName", named.DatabaseName)
	problems.free(scope, "", "WorkGroupName", named.WorkGroupName)
	problems.keyOf("OutputKey", p.OutputKey, p.OutputBucket)
	problems.keyOf("IndexKey", p.IndexKey, p.IndexBucket)
	problems.resultsIn("ResultsBucket", p.ResultsBucket, home)
	problems.keyIn("EncryptionKey", p.EncryptionKey, home)
	problems.accessLogsIn(p.AccessLogBucket, home)
	return errors.Join(p.validate(), problems.join())
}
