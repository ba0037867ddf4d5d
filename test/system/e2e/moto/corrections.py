"""Corrections of errors in moto 5.2.1 that affect a deployment."""

import copy
import json
from types import SimpleNamespace

from moto.cloudformation import parsing
from moto.cloudwatch.responses import CloudWatchResponse
from moto.events.models import Rule
from moto.iam.access_control import PermissionResult
from moto.ram.models import ResourceShare
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response
from moto.sqs.models import Queue


def install():
    leave_policies_to_the_test()
    tell_of_event_bridge()
    read_lists_of_resources()
    remove_no_values()
    leave_queues_to_the_test()
    leave_functions_to_the_test()
    # moto keeps composite alarms but does not know the operation that creates them.
    CloudWatchResponse.put_composite_alarm = CloudWatchResponse.put_metric_alarm
    # Query logging configurations can be shared.
    ResourceShare.SHAREABLE_RESOURCES.append("resolver-query-log-config")


def leave_policies_to_the_test():
    """moto ignores the conditions of bucket policies, so a statement that denies access
    without TLS would deny everything. The test reads the policies back and checks every
    recorded call against them, conditions included."""
    FakeBucket.get_permission = lambda self, action, resource: PermissionResult.NEUTRAL


def leave_queues_to_the_test():
    """moto gives each message of a queue to a function by itself, in a container, and ignores
    the messages that the function gives back. The test polls queues, as their mappings say."""
    Queue.lambda_event_source_mappings = property(lambda self: {}, lambda self, mappings: None)


def leave_functions_to_the_test():
    """moto takes a schedule for a rule that matches every event, and drops an event, for all later
    rules too, when a rule has a target that it cannot send to, such as a function. Here rules send
    to queues. The test sends events to functions."""
    stock = Rule.send_to_targets

    def send_to_targets(self, original_event, transform_input=True):
        if self.event_pattern.get_pattern() and self.state == "ENABLED":
            queues = copy.copy(self)
            queues.targets = [target for target in self.targets if ":sqs:" in target["Arn"]]
            stock(queues, original_event, transform_input)

    Rule.send_to_targets = send_to_targets


def tell_of_event_bridge():
    """moto keeps a bucket's notifications to EventBridge but does not return them."""
    stock = S3Response.get_bucket_notification

    def get_bucket_notification(self):
        kept = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if kept is None or kept.event_bridge is None:
            return stock(self)
        assert not (kept.topic or kept.queue or kept.cloud_function), "only EventBridge is told here"
        return 200, {}, (
            '<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            "<EventBridgeConfiguration/></NotificationConfiguration>"
        )

    S3Response.get_bucket_notification = get_bucket_notification


def read_lists_of_resources():
    """moto accepts access logs in a bucket only if the resource of a statement is a string;
    a list with one string means the same."""
    stock = FakeBucket._log_permissions_enabled_policy

    def enabled(target_bucket, target_prefix):
        policy = json.loads(target_bucket.policy or "{}")
        for statement in policy.get("Statement", []):
            if isinstance(statement["Resource"], list) and len(statement["Resource"]) == 1:
                statement["Resource"] = statement["Resource"][0]
        return stock(SimpleNamespace(
            policy=json.dumps(policy).encode() if policy else None,
            partition=target_bucket.partition, name=target_bucket.name), target_prefix)

    FakeBucket._log_permissions_enabled_policy = staticmethod(enabled)


def remove_no_values():
    """moto leaves None in a list for a reference to AWS::NoValue, which must remove the
    element."""
    stock = parsing.clean_json

    def clean_json(resource_json, resources_map):
        cleaned = stock(resource_json, resources_map)
        if isinstance(cleaned, list):
            return [element for element in cleaned if element is not None]
        return cleaned

    parsing.clean_json = clean_json
