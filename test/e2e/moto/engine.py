"""moto's CloudFormation, made to tell the truth.

As it comes, moto skips resource types that it does not know, drops most properties of
those that it knows, and calls a stack complete whose resources failed. Here

- a type without a handler fails the stack,
- a property that its handler does not keep fails the stack,
- a resource that cannot be created fails the stack, and an event says which and why,
- deletion goes against the order of creation, leaves what is to be retained, and names
  what could not be deleted.

A handler is a subclass of Resource: it creates its resource by calls of the service's
public API, as CloudFormation itself does, so that botocore checks every member's name
and type against AWS's own model of the service.
"""

import logging
import traceback

import boto3
from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import ValidationError

log = logging.getLogger("resolverwatch")

# The word that the log is searched for: what this stands before must not happen.
PROBLEM = "EMULATOR PROBLEM"

# Created by moto's own handlers: what CDK's bootstrap stack has beside our types.
STOCK = {"AWS::ECR::Repository"}

# Handlers by CloudFormation type, filled as subclasses of Resource are defined.
HANDLERS = {}

# Where moto itself answers; set by the server once it listens.
ENDPOINT = {"url": None}


class Resource:
    """One resource of a stack."""

    TYPE = None  # "AWS::Service::Kind"
    NAME = ""  # the property that holds the physical name

    def __init_subclass__(cls):
        if cls.TYPE:
            HANDLERS[cls.TYPE] = cls

    def __init__(self, logical_id, name, properties, account, region):
        self.logical_resource_id = logical_id
        self.name = name  # the given name, or one made of the stack's and the logical id
        self.properties = dict(properties)
        self.account, self.region = account, region
        self.physical_resource_id = None  # what Ref gives
        self.attributes = {}  # what Fn::GetAtt gives

    def create(self):
        """Creates the resource and sets physical_resource_id and attributes."""
        raise NotImplementedError

    def delete(self):
        """Deletes the resource."""
        raise NotImplementedError(f"{self.TYPE} has no deletion here")

    def client(self, service):
        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=ENDPOINT["url"],
            aws_access_key_id="CLOUDFORMATION",
            aws_secret_access_key="local",
        )

    def take(self, name, default=None):
        """Returns a property and marks it as kept."""
        return self.properties.pop(name, default)

    def take_as(self, **members):
        """Returns request members for those of the given properties that are set."""
        return {
            member: self.take(name)
            for member, name in members.items()
            if name in self.properties
        }

    def take_same(self, *names):
        """Returns request members that are spelled as the properties are."""
        return self.take_as(**{name: name for name in names})

    # What moto's parser asks of a model:

    @classmethod
    def cloudformation_type(cls):
        return cls.TYPE

    @classmethod
    def cloudformation_name_type(cls):
        return cls.NAME

    @classmethod
    def has_cfn_attr(cls, _attribute):
        return True  # get_cfn_attribute refuses unknown ones, with the values at hand

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **context
    ):
        resource = cls(
            context["LogicalId"],
            resource_name,
            cloudformation_json["Properties"],
            account_id,
            region_name,
        )
        resource.create()
        if resource.properties:
            raise ValidationError(
                message=f"{cls.TYPE}: not kept here: {', '.join(sorted(resource.properties))}"
            )
        return resource

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, **_changed):
        raise ValidationError(
            message=f"{cls.TYPE} {original_resource.logical_resource_id}: no updates here"
        )

    def get_cfn_attribute(self, name):
        if name not in self.attributes:
            raise ValidationError(
                message=f"{self.TYPE} {self.logical_resource_id}: no attribute {name} here"
            )
        return self.attributes[name]

    def is_created(self):
        return True


class Metadata(Resource):
    """CDK's note of its own version."""

    TYPE = "AWS::CDK::Metadata"

    def create(self):
        self.take("Analytics")
        self.physical_resource_id = self.name

    def delete(self):
        pass


def install():
    """Puts the handlers and the honest stack operations into moto."""
    stock_class = parsing.resource_class_from_type
    stock_create = parsing.parse_and_create_resource
    stock_name = parsing.resource_name_property_from_type

    def resource_class(resource_type):
        if resource_type in HANDLERS:
            return HANDLERS[resource_type]
        if resource_type in STOCK or resource_type in parsing.NULL_MODELS:
            return stock_class(resource_type)
        raise ValidationError(message=f"{resource_type}: no such resource type here")

    def name_property(resource_type):
        if resource_type in HANDLERS:
            return HANDLERS[resource_type].NAME
        return stock_name(resource_type)

    def create(logical_id, resource_json, resources_map, account_id, region_name):
        for dependency in as_list(resource_json.get("DependsOn", [])):
            resources_map[dependency]  # creates it, as every look-up does
        try:
            return stock_create(
                logical_id, resource_json, resources_map, account_id, region_name
            )
        except Exception as error:
            if not hasattr(error, "resource"):  # the innermost is the one that failed
                error.resource = (logical_id, resource_json["Type"])
            raise

    parsing.resource_class_from_type = resource_class
    parsing.resource_name_property_from_type = name_property
    parsing.parse_and_create_resource = create
    models.CloudFormationBackend.execute_change_set = execute_change_set
    models.CloudFormationBackend.delete_stack = delete_stack


def as_list(value):
    return value if isinstance(value, list) else [value]


def execute_change_set(self, change_set_name, stack_name=None):
    """Creates or updates a stack; replaces moto's, which has no failure."""
    change_set = self.describe_change_set(change_set_name)
    stack = self.stacks[change_set.stack_id]
    kind = change_set.change_set_type
    tell(stack, f"{kind}_IN_PROGRESS", "User Initiated")
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


def delete_stack(self, name_or_stack_id):
    """Deletes a stack; replaces moto's, which ends at what it cannot delete."""
    for stack in [s for s in self.stacks.values() if name_or_stack_id in (s.name, s.stack_id)]:
        tell(stack, "DELETE_IN_PROGRESS", "User Initiated")
        resources, templates = stack.resource_map._parsed_resources, stack.resource_map._resource_json_map
        left = [name for name in reversed(resources) if name in templates and not delete(stack, resources[name], templates[name])]
        stack.status = "DELETE_FAILED" if left else "DELETE_COMPLETE"
        tell(stack, stack.status, f"could not be deleted: {', '.join(left)}" if left else None)
        if not left:
            self.stacks.pop(stack.stack_id)
            self.deleted_stacks[stack.stack_id] = stack


def delete(stack, resource, template):
    """Deletes one resource unless it is to be retained; False if that fails."""
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
    """Notes which resource failed, and why, in the stack's events and in the log."""
    logical, kind = getattr(error, "resource", (stack.name, "AWS::CloudFormation::Stack"))
    reason = f"{type(error).__name__}: {getattr(error, 'message', None) or error}"
    log.error("%s: %s %s (%s): %s\n%s", PROBLEM, status, logical, kind, reason, traceback.format_exc())
    tell(stack, status, reason, logical, kind)


def tell(stack, status, reason=None, logical=None, kind="AWS::CloudFormation::Stack"):
    """Adds an event to a stack; moto itself adds none for resources."""
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
