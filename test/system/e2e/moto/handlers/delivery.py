"""From Route 53 Resolver to S3: query logging, its shares, Firehose, log groups."""

from engine import Resource


class LogGroup(Resource):
    TYPE, NAME = "AWS::Logs::LogGroup", "LogGroupName"
    IN_PLACE = frozenset({"RetentionInDays"})

    def create(self):
        self.take("LogGroupName")
        logs = self.client("logs")
        request = self.take_as(kmsKeyId="KmsKeyId", logGroupClass="LogGroupClass")
        tags = {tag["Key"]: tag["Value"] for tag in self.take("Tags", [])}
        logs.create_log_group(logGroupName=self.name, **request, **({"tags": tags} if tags else {}))
        self.update()
        self.physical_resource_id = self.name
        self.attributes = {"Arn": f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.name}:*"}

    def update(self):
        if days := self.take("RetentionInDays"):
            self.client("logs").put_retention_policy(logGroupName=self.name, retentionInDays=days)

    def delete(self):
        self.client("logs").delete_log_group(logGroupName=self.name)


class LogStream(Resource):
    TYPE, NAME = "AWS::Logs::LogStream", "LogStreamName"

    def create(self):
        self.take("LogStreamName")
        self.stream = {"logGroupName": self.take("LogGroupName"), "logStreamName": self.name}
        self.client("logs").create_log_stream(**self.stream)
        self.physical_resource_id = self.name

    def delete(self):
        self.client("logs").delete_log_stream(**self.stream)


class DeliveryStream(Resource):
    TYPE, NAME = "AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName"
    IN_PLACE = frozenset({"ExtendedS3DestinationConfiguration"})

    def create(self):
        self.take("DeliveryStreamName")
        request = self.take_same(
            "DeliveryStreamType", "ExtendedS3DestinationConfiguration",
            "DeliveryStreamEncryptionConfigurationInput", "Tags",
        )
        stream = self.client("firehose").create_delivery_stream(DeliveryStreamName=self.name[-64:], **request)
        self.physical_resource_id = self.name[-64:]
        self.attributes = {"Arn": stream["DeliveryStreamARN"]}

    def update(self):
        name = {"DeliveryStreamName": self.physical_resource_id}
        stream = self.client("firehose").describe_delivery_stream(**name)["DeliveryStreamDescription"]
        self.client("firehose").update_destination(
            **name,
            CurrentDeliveryStreamVersionId=stream["VersionId"],
            DestinationId=stream["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate=self.take("ExtendedS3DestinationConfiguration"),
        )

    def delete(self):
        self.client("firehose").delete_delivery_stream(DeliveryStreamName=self.physical_resource_id)


class QueryLoggingConfig(Resource):
    TYPE, NAME = "AWS::Route53Resolver::ResolverQueryLoggingConfig", "Name"

    def create(self):
        self.take("Name")
        request = {"Name": self.name[:64], "DestinationArn": self.take("DestinationArn"), "Tags": self.take("Tags", [])}
        config = self.client("route53resolver").create_resolver_query_log_config(
            CreatorRequestId=self.name[-255:], **request
        )["ResolverQueryLogConfig"]
        self.physical_resource_id = config["Id"]
        self.attributes = {"Id": config["Id"], "Arn": config["Arn"], "OwnerId": self.account}

    def delete(self):
        # moto has no DeleteResolverQueryLogConfig: a configuration with associations must stay.
        from moto.route53resolver.models import route53resolver_backends

        backend = route53resolver_backends[self.account][self.region]
        for association in backend.resolver_query_log_config_associations.values():
            assert association.resolver_query_log_config_id != self.physical_resource_id, "is still associated"
        del backend.resolver_query_log_configs[self.physical_resource_id]


class QueryLoggingAssociation(Resource):
    TYPE = "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation"

    def create(self):
        request = self.take_as(ResolverQueryLogConfigId="ResolverQueryLogConfigId", ResourceId="ResourceId")
        association = self.client("route53resolver").associate_resolver_query_log_config(**request)
        self.physical_resource_id = association["ResolverQueryLogConfigAssociation"]["Id"]
        self.attributes = {"Id": self.physical_resource_id}

    def delete(self):
        # moto has no DisassociateResolverQueryLogConfig either.
        from moto.route53resolver.models import route53resolver_backends

        backend = route53resolver_backends[self.account][self.region]
        gone = backend.resolver_query_log_config_associations.pop(self.physical_resource_id)
        backend.resolver_query_log_configs[gone.resolver_query_log_config_id].association_count -= 1


class ResourceShare(Resource):
    TYPE = "AWS::RAM::ResourceShare"

    def create(self):
        request = self.take_as(
            name="Name", resourceArns="ResourceArns", principals="Principals",
            allowExternalPrincipals="AllowExternalPrincipals", permissionArns="PermissionArns",
        )
        tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in self.take("Tags", [])]
        share = self.client("ram").create_resource_share(tags=tags, **request)["resourceShare"]
        self.physical_resource_id = share["resourceShareArn"]
        self.attributes = {"Arn": share["resourceShareArn"]}

    def delete(self):
        self.client("ram").delete_resource_share(resourceShareArn=self.physical_resource_id)
