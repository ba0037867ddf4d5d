package resolverwatch

import (
	"errors"

	"github.com/aws/constructs-go/constructs/v10"
)

// The check methods return everything that is wrong with the props of a part under scope:
// what validate finds in the props alone, and what depends on the stack that the part is
// for. They define nothing, so that a pipeline can check all of its parts before it defines
// the first one.

func (p IndicatorStoreProps) check(scope constructs.Construct) error {
	var problems problems
	return errors.Join(p.validate(), problems.join())
}

func (p ImporterProps) check(scope constructs.Construct) error {
	var problems problems
	stack := orDefault(p.StackName, stackName(scope))
	problems.free(scope, "", "StackName", stack)
	problems.fit(p.withDefaults().environment(stack), p.Environment, "Protected")
	return errors.Join(p.validate(), p.checkStackName(stack), problems.join(),
		checkRole(scope, "Role", p.Role), checkRole(scope, "SchedulerRole", p.SchedulerRole))
}

func (p TransformerProps) check(scope constructs.Construct) error {
	var problems problems
	stack := orDefault(p.StackName, stackName(scope))
	problems.free(scope, transformerKind, "StackName", stack)
	problems.fit(p.withDefaults().environment(stack), p.Environment, "")
	return errors.Join(p.validate(), problems.join(), checkRole(scope, "Role", p.Role))
}

func (p DeliveryProps) check(scope constructs.Construct) error {
	var problems problems
	return errors.Join(p.validate(), problems.join(), checkRole(scope, "Role", p.Role))
}

func (p QueryLoggingProps) check(scope constructs.Construct) error {
	var problems problems
	return errors.Join(p.validate(), problems.join())
}

func (p QueryLoggingAssociationProps) check(_ constructs.Construct) error {
	var problems problems
	return errors.Join(p.validate(), problems.join())
}

func (p CatalogProps) check(scope constructs.Construct) error {
	var problems problems
	named := p.withDefaults(scope)
	problems.free(scope, "", "DatabaseName", named.DatabaseName)
	problems.free(scope, "", "WorkGroupName", named.WorkGroupName)
	return errors.Join(p.validate(), problems.join())
}
