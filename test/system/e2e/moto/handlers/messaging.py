"""SQS, SNS, EventBridge and its Scheduler."""

import copy
import json

from engine import Resource


def text(value):
    """Returns a value in the attribute format of SQS and SNS."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


class Queue(Resource):
    TYPE, NAME = "AWS::SQS::Queue", "QueueName"

    def create(self):
        self.take("QueueName")
        sqs = self.client("sqs")
        attributes = self.take_same(
            "DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds",
            "VisibilityTimeout", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId",
            "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled", "FifoQueue", "ContentBasedDeduplication",
        )
        tags = {tag["Key"]: tag["Value"] for tag in self.take("Tags", [])}
        attributes = {name: text(value) for name, value in attributes.items()}
        url = sqs.create_queue(QueueName=self.name[:80], Attributes=attributes, tags=tags)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.physical_resource_id = url
        self.attributes = {"Arn": arn, "QueueName": self.name[:80], "QueueUrl": url}

    def delete(self):
        self.client("sqs").delete_queue(QueueUrl=self.physical_resource_id)


class QueuePolicy(Resource):
    TYPE = "AWS::SQS::QueuePolicy"

    def create(self):
        policy = json.dumps(self.take("PolicyDocument"))
        for url in self.take("Queues"):
            self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self.physical_resource_id = self.name

    def delete(self):
        pass  # deleted with its queues


class Topic(Resource):
    TYPE, NAME = "AWS::SNS::Topic", "TopicName"

    def create(self):
        self.take("TopicName")
        attributes = self.take_same("DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig")
        attributes = {name: text(value) for name, value in attributes.items()}
        request = {"Name": self.name, "Attributes": attributes, "Tags": self.take("Tags", [])}
        self.physical_resource_id = self.client("sns").create_topic(**request)["TopicArn"]
        self.attributes = {"TopicArn": self.physical_resource_id, "TopicName": self.name}

    def delete(self):
        self.client("sns").delete_topic(TopicArn=self.physical_resource_id)


class TopicPolicy(Resource):
    TYPE = "AWS::SNS::TopicPolicy"

    def create(self):
        policy = json.dumps(self.take("PolicyDocument"))
        for arn in self.take("Topics"):
            self.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
        self.physical_resource_id = self.name

    def delete(self):
        pass  # deleted with its topics


class Subscription(Resource):
    TYPE = "AWS::SNS::Subscription"

    def create(self):
        request = self.take_same("TopicArn", "Protocol", "Endpoint")
        made = self.client("sns").subscribe(**request, ReturnSubscriptionArn=True)
        self.physical_resource_id = made["SubscriptionArn"]

    def delete(self):
        self.client("sns").unsubscribe(SubscriptionArn=self.physical_resource_id)


class Rule(Resource):
    TYPE, NAME = "AWS::Events::Rule", "Name"
    IN_PLACE = frozenset({"Description", "EventPattern", "ScheduleExpression", "State", "Targets"})

    def create(self):
        self.take("Name")
        self.events = self.client("events")
        self.physical_resource_id = self.name[:64]
        self.attributes = {"Arn": self.put()}

    def put(self):
        request = self.take_same("ScheduleExpression", "State", "Description", "RoleArn", "EventBusName", "Tags")
        if pattern := self.take("EventPattern"):
            request["EventPattern"] = json.dumps(pattern)
        arn = self.events.put_rule(Name=self.physical_resource_id, **request)["RuleArn"]
        self.targets = self.take("Targets", [])
        if self.targets:
            self.events.put_targets(Rule=self.physical_resource_id, Targets=self.targets)
        return arn

    def update(self):
        self.properties = copy.deepcopy(self.given) | self.properties  # the API only replaces whole rules
        self.take("Name")
        self.put()

    def delete(self):
        if self.targets:
            ids = [target["Id"] for target in self.targets]
            self.events.remove_targets(Rule=self.physical_resource_id, Ids=ids)
        self.events.delete_rule(Name=self.physical_resource_id)


class ScheduleGroup(Resource):
    TYPE, NAME = "AWS::Scheduler::ScheduleGroup", "Name"

    def create(self):
        self.take("Name")
        group = self.client("scheduler").create_schedule_group(Name=self.name[:64], Tags=self.take("Tags", []))
        self.physical_resource_id = self.name[:64]
        self.attributes = {"Arn": group["ScheduleGroupArn"]}

    def delete(self):
        self.client("scheduler").delete_schedule_group(Name=self.physical_resource_id)


class Schedule(Resource):
    TYPE, NAME = "AWS::Scheduler::Schedule", "Name"

    def create(self):
        self.take("Name")
        request = self.take_same(
            "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target",
            "State", "Description", "KmsKeyArn", "StartDate", "EndDate",
        )
        self.group = {"GroupName": request["GroupName"]} if "GroupName" in request else {}
        schedule = self.client("scheduler").create_schedule(Name=self.name[:64], **request)
        self.physical_resource_id = self.name[:64]
        self.attributes = {"Arn": schedule["ScheduleArn"]}

    def delete(self):
        self.client("scheduler").delete_schedule(Name=self.physical_resource_id, **self.group)
