"""Parameters, secrets, alarms and dashboards."""

import copy

from engine import Resource


class Parameter(Resource):
    TYPE, NAME = "AWS::SSM::Parameter", "Name"
    IN_PLACE = frozenset({"Value"})

    def create(self):
        self.take("Name")
        request = self.take_same("Type", "Value", "Description", "AllowedPattern", "Tier", "DataType", "Policies")
        tags = [{"Key": key, "Value": value} for key, value in self.take("Tags", {}).items()]
        self.attributes = {"Type": request["Type"], "Value": request["Value"]}
        self.client("ssm").put_parameter(Name=self.name, Tags=tags, **request)
        self.physical_resource_id = self.name

    def update(self):
        self.attributes["Value"] = self.take("Value")
        self.client("ssm").put_parameter(Name=self.name, Value=self.attributes["Value"], Overwrite=True)

    def delete(self):
        self.client("ssm").delete_parameter(Name=self.name)


class Secret(Resource):
    TYPE, NAME = "AWS::SecretsManager::Secret", "Name"

    def create(self):
        self.take("Name")
        secrets = self.client("secretsmanager")
        request = self.take_same("Description", "KmsKeyId", "SecretString", "Tags")
        if (generate := self.take("GenerateSecretString")) is not None:
            request["SecretString"] = secrets.get_random_password(**generate)["RandomPassword"]
        self.physical_resource_id = secrets.create_secret(Name=self.name, **request)["ARN"]
        self.attributes = {"Id": self.physical_resource_id}

    def delete(self):
        self.client("secretsmanager").delete_secret(SecretId=self.physical_resource_id)


class Alarm(Resource):
    TYPE, NAME = "AWS::CloudWatch::Alarm", "AlarmName"
    MEMBERS = (
        "ActionsEnabled", "AlarmActions", "AlarmDescription", "ComparisonOperator", "DatapointsToAlarm",
        "Dimensions", "EvaluateLowSampleCountPercentile", "EvaluationPeriods", "ExtendedStatistic",
        "InsufficientDataActions", "MetricName", "Metrics", "Namespace", "OKActions", "Period", "Statistic",
        "Tags", "Threshold", "ThresholdMetricId", "TreatMissingData", "Unit",
    )
    IN_PLACE = frozenset(MEMBERS)

    def create(self):
        self.put()
        alarm = self.client("cloudwatch").describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]
        self.physical_resource_id = self.name
        self.attributes = {"Arn": alarm["AlarmArn"]}

    def put(self):
        self.take("AlarmName")
        self.client("cloudwatch").put_metric_alarm(AlarmName=self.name, **self.take_same(*self.MEMBERS))

    def update(self):
        self.properties = copy.deepcopy(self.given) | self.properties  # the API only replaces whole alarms
        self.put()

    def delete(self):
        self.client("cloudwatch").delete_alarms(AlarmNames=[self.name])


class CompositeAlarm(Resource):
    TYPE, NAME = "AWS::CloudWatch::CompositeAlarm", "AlarmName"

    def create(self):
        self.take("AlarmName")
        cloudwatch = self.client("cloudwatch")
        request = self.take_same(
            "ActionsEnabled", "ActionsSuppressor", "ActionsSuppressorExtensionPeriod", "ActionsSuppressorWaitPeriod",
            "AlarmActions", "AlarmDescription", "AlarmRule", "InsufficientDataActions", "OKActions", "Tags",
        )
        cloudwatch.put_composite_alarm(AlarmName=self.name, **request)
        alarms = cloudwatch.describe_alarms(AlarmNames=[self.name], AlarmTypes=["CompositeAlarm"])
        self.physical_resource_id = self.name
        self.attributes = {"Arn": alarms["CompositeAlarms"][0]["AlarmArn"]}

    def delete(self):
        self.client("cloudwatch").delete_alarms(AlarmNames=[self.name])


class Dashboard(Resource):
    TYPE, NAME = "AWS::CloudWatch::Dashboard", "DashboardName"
    IN_PLACE = frozenset({"DashboardBody"})

    def create(self):
        self.take("DashboardName")
        self.update()
        self.physical_resource_id = self.name

    def update(self):
        body = self.take("DashboardBody")
        self.client("cloudwatch").put_dashboard(DashboardName=self.name, DashboardBody=body)

    def delete(self):
        self.client("cloudwatch").delete_dashboards(DashboardNames=[self.name])
