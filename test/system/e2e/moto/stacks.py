"""Operations on whole stacks, which report failures. engine.py handles resources."""

import logging
import traceback

from engine import Resource
from moto.cloudformation import models
from moto.cloudformation.exceptions import CloudFormationError

log = logging.getLogger("resolverwatch")

# The keyword that the test searches for in the log.
PROBLEM = "EMULATOR PROBLEM"


def install():
    """Installs the strict operations in moto."""
    backend = models.CloudFormationBackend
    stock_describe = backend.describe_change_set

    def describe_change_set(self, change_set_name):
        if not change_sets(self, change_set_name):
            raise ChangeSetNotFound(f"ChangeSet [{change_set_name}] does not exist")
        return stock_describe(self, change_set_name)

    backend.describe_change_set = describe_change_set
    backend.execute_change_set = execute_change_set
    backend.delete_change_set = delete_change_set
    backend.delete_stack = delete_stack
    stock_resources = models.Stack.stack_resources
    # A resource whose condition is false is not in the stack.
    models.Stack.stack_resources = property(lambda stack: [r for r in stock_resources.fget(stack) if r is not None])


def execute_change_set(self, change_set_name, stack_name=None):
    """Creates or updates a stack; replaces moto's function, which cannot fail."""
    change_set = self.describe_change_set(change_set_name)
    stack = self.stacks[change_set.stack_id]
    kind = change_set.change_set_type
    tell(stack, f"{kind}_IN_PROGRESS", "User Initiated")
    change_set.parameters = without_kept_ssm(change_set, stack)
    try:
        change_set.apply()
        stack.template = change_set.template
        stack._parse_template()
        stack.output_map = stack._create_output_map()
        list(stack.output_map.values())  # every output must have a value
    except Exception as error:
        fail(stack, error, f"{kind}_FAILED")
        rolled_back = "ROLLBACK_COMPLETE"
        stack.status = rolled_back if kind == "CREATE" else f"UPDATE_{rolled_back}"
        change_set.execution_status = "EXECUTE_FAILED"
        stack.output_map._output_json_map = {}
    else:
        stack.status = f"{kind}_COMPLETE"
        change_set.execution_status = "EXECUTE_COMPLETE"
    tell(stack, stack.status)


def without_kept_ssm(change_set, stack):
    """Returns the parameters of a change set without SSM parameters that keep their values
    (UsePreviousValue), because moto would use the value as the name."""
    declared, had = change_set.template_dict.get("Parameters", {}), stack.stack_parameters

    def is_kept(name, value):
        return declared.get(name, {}).get("Type", "").startswith("AWS::SSM::") and value == had.get(name)

    return {name: value for name, value in (change_set.parameters or {}).items() if not is_kept(name, value)}


class ChangeSetNotFound(CloudFormationError):
    """The error of AWS for a missing change set; moto's is about a stack."""

    code = "ChangeSetNotFound"


def change_sets(backend, name_or_id):
    return [c for c in backend.change_sets.values() if name_or_id in (c.change_set_id, c.change_set_name)]


def delete_change_set(self, change_set_name):
    """Deletes change sets; replaces moto's function, which fails if there is none. The CDK
    command line always deletes one before an update."""
    for change_set in change_sets(self, change_set_name):
        del self.change_sets[change_set.change_set_id]


def delete_stack(self, name_or_stack_id):
    """Deletes a stack; replaces moto's function, which stops at the first failure."""
    for stack in [s for s in self.stacks.values() if name_or_stack_id in (s.name, s.stack_id)]:
        tell(stack, "DELETE_IN_PROGRESS", "User Initiated")
        resources = {name: r for name, r in stack.resource_map._parsed_resources.items() if r is not None}
        templates = stack.resource_map._resource_json_map
        left = [name for name in reversed(resources) if name in templates and not delete(stack, resources[name], templates[name])]
        stack.status = "DELETE_FAILED" if left else "DELETE_COMPLETE"
        tell(stack, stack.status, f"could not be deleted: {', '.join(left)}" if left else None)
        if not left:
            self.stacks.pop(stack.stack_id)
            self.deleted_stacks[stack.stack_id] = stack


def delete(stack, resource, template):
    """Deletes one resource unless it is retained; returns False if that fails."""
    who = {"logical": resource.logical_resource_id, "kind": template["Type"]}
    if template.get("DeletionPolicy", "Delete").startswith("Retain"):
        tell(stack, "DELETE_SKIPPED", **who)
        return True
    try:
        if isinstance(resource, Resource):
            resource.delete()
        else:
            stack.resource_map._delete_resource(resource, template)
    except Exception as error:
        error.resource = (who["logical"], who["kind"])
        fail(stack, error, "DELETE_FAILED")
        return False
    tell(stack, "DELETE_COMPLETE", **who)
    return True


def fail(stack, error, status):
    """Records which resource failed, and why, in the stack's events and in the log."""
    logical, kind = getattr(error, "resource", (stack.name, "AWS::CloudFormation::Stack"))
    reason = f"{type(error).__name__}: {getattr(error, 'message', None) or error}"
    log.error("%s: %s %s (%s): %s\n%s", PROBLEM, status, logical, kind, reason, traceback.format_exc())
    tell(stack, status, reason, logical, kind)


def tell(stack, status, reason=None, logical=None, kind="AWS::CloudFormation::Stack"):
    """Adds an event to a stack, because moto itself adds none for resources."""
    resource = stack.resource_map._parsed_resources.get(logical)
    stack.events.append(
        models.Event(
            stack_id=stack.stack_id,
            stack_name=stack.name,
            logical_resource_id=logical or stack.name,
            physical_resource_id=stack.stack_id if logical is None else getattr(resource, "physical_resource_id", None) or "",
            resource_type=kind,
            resource_status=status,
            resource_status_reason=reason,
            resource_properties=None,
        )
    )
