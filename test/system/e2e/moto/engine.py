"""moto's CloudFormation, made strict.

moto itself skips unknown resource types, drops most properties of known ones, and reports
a stack as complete although its resources failed. Here

- a type without a handler fails the stack,
- a property that its handler does not support fails the stack,
- a resource that cannot be created fails the stack, and an event says which one and why,
- an update changes resources in place, and fails if AWS would replace them,
- an update creates and deletes resources whose condition changes,
- deletion follows the opposite order of creation, leaves retained resources, and names
  those that could not be deleted.

A handler is a subclass of Resource: it creates its resource with calls of the service's
public API, as CloudFormation itself does, so that botocore checks every member's name
and type against AWS's own model of the service.
"""

import copy

import boto3
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError

# Created by moto's own handlers: types that only CDK's bootstrap stack has.
STOCK = {"AWS::ECR::Repository"}

# Handlers by CloudFormation type, filled as subclasses of Resource are defined.
HANDLERS = {}

# The address of moto itself; set by the server once it listens.
ENDPOINT = {"url": None}


class Resource:
    """One resource of a stack."""

    TYPE = None  # "AWS::Service::Kind"
    NAME = ""  # the property that holds the physical name
    # Properties that AWS can change without replacing the resource ("Update requires: No
    # interruption" in CloudFormation's reference) and that update() supports.
    IN_PLACE = frozenset()

    def __init_subclass__(cls):
        if cls.TYPE:
            HANDLERS[cls.TYPE] = cls

    def __init__(self, logical_id, name, properties, account, region):
        self.logical_resource_id = logical_id
        self.name = name  # the given name, or one derived from the stack's name and the logical id
        self.given = copy.deepcopy(dict(properties))  # as in the last template
        self.properties = dict(properties)  # those that no handler has taken yet
        self.account, self.region = account, region
        self.physical_resource_id = None  # the value of Ref
        self.attributes = {}  # the values of Fn::GetAtt

    def create(self):
        """Creates the resource and sets physical_resource_id and attributes."""
        raise NotImplementedError

    def update(self):
        """Updates the resource with the changed properties, which are in IN_PLACE."""
        raise NotImplementedError(f"{self.TYPE} cannot be updated")

    def delete(self):
        """Deletes the resource."""
        raise NotImplementedError(f"{self.TYPE} cannot be deleted")

    def client(self, service):
        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=ENDPOINT["url"],
            aws_access_key_id="CLOUDFORMATION",
            aws_secret_access_key="local",
        )

    def take(self, name, default=None):
        """Returns a property and records that it is supported."""
        return self.properties.pop(name, default)

    def take_as(self, **members):
        """Returns request members for the given properties that are set."""
        return {
            member: self.take(name)
            for member, name in members.items()
            if name in self.properties
        }

    def take_same(self, *names):
        """Returns request members with the same names as the properties."""
        return self.take_as(**{name: name for name in names})

    # The interface of a model that moto's parser uses:

    @classmethod
    def cloudformation_type(cls):
        return cls.TYPE

    @classmethod
    def cloudformation_name_type(cls):
        return cls.NAME

    @classmethod
    def has_cfn_attr(cls, _attribute):
        return True  # get_cfn_attribute rejects unknown ones, when it has the values

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
        resource.refuse_what_is_left()
        return resource

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, cloudformation_json, **_context
    ):
        resource, wanted = original_resource, cloudformation_json["Properties"]
        changed = {
            name
            for name in resource.given.keys() | wanted.keys()
            if resource.given.get(name) != wanted.get(name)
        }
        if refused := changed - cls.IN_PLACE | resource.given.keys() - wanted.keys():
            raise ValidationError(
                message=f"{cls.TYPE}: cannot be changed in place: {', '.join(sorted(refused))}"
            )
        if changed:
            resource.properties = copy.deepcopy({name: wanted[name] for name in changed})
            resource.update()
            resource.refuse_what_is_left()
            resource.given = copy.deepcopy(wanted)
        return resource

    def refuse_what_is_left(self):
        if self.properties:
            raise ValidationError(
                message=f"{self.TYPE}: not supported: {', '.join(sorted(self.properties))}"
            )

    def get_cfn_attribute(self, name):
        if name not in self.attributes:
            raise ValidationError(
                message=f"{self.TYPE} {self.logical_resource_id}: no attribute {name}"
            )
        return self.attributes[name]

    def is_created(self):
        return True


class Metadata(Resource):
    """The CDK's record of its own version."""

    TYPE, IN_PLACE = "AWS::CDK::Metadata", frozenset({"Analytics"})

    def create(self):
        self.update()
        self.physical_resource_id = self.name

    def update(self):
        self.take("Analytics")

    def delete(self):
        pass


def install():
    """Installs the handlers in moto."""
    stock_class = parsing.resource_class_from_type
    stock_create = parsing.parse_and_create_resource
    stock_update = parsing.parse_and_update_resource
    stock_name = parsing.resource_name_property_from_type

    def resource_class(resource_type):
        if resource_type in HANDLERS:
            return HANDLERS[resource_type]
        if resource_type in STOCK or resource_type in parsing.NULL_MODELS:
            return stock_class(resource_type)
        raise ValidationError(message=f"{resource_type}: resource type not supported")

    def name_property(resource_type):
        if resource_type in HANDLERS:
            return HANDLERS[resource_type].NAME
        return stock_name(resource_type)

    def create(logical_id, resource_json, resources_map, account_id, region_name):
        for dependency in as_list(resource_json.get("DependsOn", [])):
            resources_map[dependency]  # creates it, as every look-up does
        return blaming(stock_create, logical_id, resource_json, resources_map, account_id, region_name)

    def update(logical_id, resource_json, resources_map, account_id, region_name):
        resource, work = resources_map._parsed_resources.get(logical_id), stock_update
        condition = resource_json.get("Condition")
        if resource is None:  # its condition was false before
            work = create
        elif condition and not resources_map.lazy_condition_map[condition]:
            work = delete
        return blaming(work, logical_id, resource_json, resources_map, account_id, region_name)

    def delete(logical_id, _resource_json, resources_map, *_context):
        resources_map._parsed_resources[logical_id].delete()

    parsing.resource_class_from_type = resource_class
    parsing.resource_name_property_from_type = name_property
    parsing.parse_and_create_resource = create
    parsing.parse_and_update_resource = update


def blaming(work, logical_id, resource_json, *context):
    """Adds the resource to an error that occurs while working on it."""
    try:
        return work(logical_id, resource_json, *context)
    except Exception as error:
        if not hasattr(error, "resource"):  # the innermost is the one that failed
            error.resource = (logical_id, resource_json["Type"])
        raise


def as_list(value):
    return value if isinstance(value, list) else [value]
