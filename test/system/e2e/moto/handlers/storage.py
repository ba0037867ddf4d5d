"""S3 and DynamoDB."""

import json
import re

from engine import Resource


class Bucket(Resource):
    TYPE, NAME = "AWS::S3::Bucket", "BucketName"
    IN_PLACE = frozenset({"LifecycleConfiguration", "VersioningConfiguration"})

    def create(self):
        self.take("BucketName")
        self.s3, name = self.client("s3"), self.name.lower()[:63]
        self.bucket = {"Bucket": name}
        place = {} if self.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        if acl := self.take("AccessControl"):  # the API spells "LogDeliveryWrite" as "log-delivery-write"
            place["ACL"] = re.sub("(?<=.)([A-Z])", r"-\1", acl).lower()
        self.s3.create_bucket(**self.bucket, **place, ObjectOwnership=self.ownership())
        self.access()
        self.state()
        self.notifications()
        if tags := self.take("Tags"):
            self.s3.put_bucket_tagging(**self.bucket, Tagging={"TagSet": tags})
        self.physical_resource_id = name
        self.attributes = {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{self.region}.amazonaws.com",
        }

    def ownership(self):
        rules = (self.take("OwnershipControls") or {}).get("Rules", [])
        return rules[0]["ObjectOwnership"] if rules else "BucketOwnerEnforced"

    def access(self):
        if block := self.take("PublicAccessBlockConfiguration"):
            self.s3.put_public_access_block(**self.bucket, PublicAccessBlockConfiguration=block)
        if encryption := self.take("BucketEncryption"):
            rules = [
                {
                    "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
                    "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
                }
                for rule in encryption["ServerSideEncryptionConfiguration"]
            ]
            self.s3.put_bucket_encryption(**self.bucket, ServerSideEncryptionConfiguration={"Rules": rules})
        if logging := self.take("LoggingConfiguration"):
            target = {
                "TargetBucket": logging.pop("DestinationBucketName", self.bucket["Bucket"]),
                "TargetPrefix": logging.pop("LogFilePrefix", ""),
            }
            assert not logging, f"logging configuration: not kept here: {logging}"
            self.s3.put_bucket_logging(**self.bucket, BucketLoggingStatus={"LoggingEnabled": target})

    def state(self):
        if versioning := self.take("VersioningConfiguration"):
            self.s3.put_bucket_versioning(**self.bucket, VersioningConfiguration=versioning)
        if lifecycle := self.take("LifecycleConfiguration"):
            rules = [lifecycle_rule(rule) for rule in lifecycle["Rules"]]
            self.s3.put_bucket_lifecycle_configuration(**self.bucket, LifecycleConfiguration={"Rules": rules})

    def update(self):
        self.state()

    def notifications(self):
        if notification := self.take("NotificationConfiguration"):
            bridge = notification.pop("EventBridgeConfiguration", None)
            assert not notification, f"notifications: not kept here: {notification}"
            if bridge and bridge.get("EventBridgeEnabled", True):
                self.s3.put_bucket_notification_configuration(
                    **self.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
                )

    def delete(self):
        self.s3.delete_bucket(**self.bucket)


def lifecycle_rule(rule):
    """Converts a rule from CloudFormation's shape to that of the API."""
    out = {"ID": rule.pop("Id", "rule"), "Status": rule.pop("Status"), "Filter": {"Prefix": rule.pop("Prefix", "")}}
    expiration = {
        name: rule.pop(given)
        for name, given in (("Days", "ExpirationInDays"), ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"))
        if given in rule
    }
    if "Days" in expiration:
        expiration["Days"] = int(expiration["Days"])  # the value of a parameter is text
    if expiration:
        out["Expiration"] = expiration
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            out[name] = rule.pop(name)
    if "Transitions" in rule:
        out["Transitions"] = [
            {"StorageClass": t["StorageClass"], "Days": t["TransitionInDays"]} for t in rule.pop("Transitions")
        ]
    assert not rule, f"lifecycle rule: not kept here: {rule}"
    return out


class BucketPolicy(Resource):
    TYPE = "AWS::S3::BucketPolicy"

    def create(self):
        bucket = self.take("Bucket")
        self.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(self.take("PolicyDocument")))
        self.physical_resource_id = bucket

    def delete(self):
        self.client("s3").delete_bucket_policy(Bucket=self.physical_resource_id)


class Table(Resource):
    TYPE, NAME = "AWS::DynamoDB::Table", "TableName"

    def create(self):
        self.take("TableName")
        dynamodb = self.client("dynamodb")
        request = self.take_same(
            "AttributeDefinitions", "KeySchema", "BillingMode", "ProvisionedThroughput",
            "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "DeletionProtectionEnabled", "Tags",
        )
        if sse := self.take("SSESpecification"):
            request["SSESpecification"] = {"Enabled": sse.pop("SSEEnabled")} | sse
        if stream := self.take("StreamSpecification"):
            request["StreamSpecification"] = {"StreamEnabled": True} | stream
        table = dynamodb.create_table(TableName=self.name, **request)["TableDescription"]
        if expiry := self.take("TimeToLiveSpecification"):
            dynamodb.update_time_to_live(TableName=self.name, TimeToLiveSpecification=expiry)
        if recovery := self.take("PointInTimeRecoverySpecification"):
            dynamodb.update_continuous_backups(TableName=self.name, PointInTimeRecoverySpecification=recovery)
        self.physical_resource_id = self.name
        self.attributes = {"Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn", "")}

    def delete(self):
        self.client("dynamodb").delete_table(TableName=self.name)
