"""IAM and KMS."""

import json

from engine import Resource


class Role(Resource):
    TYPE, NAME = "AWS::IAM::Role", "RoleName"
    IN_PLACE = frozenset({"Policies"})

    def create(self):
        self.take("RoleName")
        self.iam, self.name = self.client("iam"), self.name[:64]
        trust = json.dumps(self.take("AssumeRolePolicyDocument"))
        request = self.take_same("Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags")
        role = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=trust, **request)["Role"]
        self.managed = self.take("ManagedPolicyArns", [])
        for arn in self.managed:
            self.iam.attach_role_policy(RoleName=self.name, PolicyArn=arn)
        self.put_policies()
        self.physical_resource_id = self.name
        self.attributes = {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def put_policies(self):
        for policy in self.take("Policies", []):
            put_role_policy(self.iam, self.name, policy["PolicyName"], policy["PolicyDocument"])

    def update(self):
        self.delete_policies()
        self.put_policies()

    def delete_policies(self):
        for name in self.iam.list_role_policies(RoleName=self.name)["PolicyNames"]:
            self.iam.delete_role_policy(RoleName=self.name, PolicyName=name)

    def delete(self):
        for arn in self.managed:
            self.iam.detach_role_policy(RoleName=self.name, PolicyArn=arn)
        self.delete_policies()
        self.iam.delete_role(RoleName=self.name)


def put_role_policy(iam, role, name, document):
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


class Policy(Resource):
    TYPE, NAME = "AWS::IAM::Policy", "PolicyName"

    def create(self):
        self.take("PolicyName")
        self.roles, document = self.take("Roles", []), self.take("PolicyDocument")
        for role in self.roles:
            put_role_policy(self.client("iam"), role, self.name, document)
        self.physical_resource_id = self.name

    def delete(self):
        for role in self.roles:
            self.client("iam").delete_role_policy(RoleName=role, PolicyName=self.name)


class ManagedPolicy(Resource):
    TYPE, NAME = "AWS::IAM::ManagedPolicy", "ManagedPolicyName"

    def create(self):
        self.take("ManagedPolicyName")
        self.iam, self.roles = self.client("iam"), self.take("Roles", [])
        request = self.take_same("Path", "Description")
        document = json.dumps(self.take("PolicyDocument"))
        policy = self.iam.create_policy(PolicyName=self.name, PolicyDocument=document, **request)["Policy"]
        self.physical_resource_id = policy["Arn"]
        for role in self.roles:
            self.iam.attach_role_policy(RoleName=role, PolicyArn=policy["Arn"])

    def delete(self):
        for role in self.roles:
            self.iam.detach_role_policy(RoleName=role, PolicyArn=self.physical_resource_id)
        self.iam.delete_policy(PolicyArn=self.physical_resource_id)


class Key(Resource):
    TYPE = "AWS::KMS::Key"

    def create(self):
        kms = self.client("kms")
        request = self.take_same("Description", "KeySpec", "KeyUsage", "MultiRegion")
        tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in self.take("Tags", [])]
        policy = json.dumps(self.take("KeyPolicy"))
        key = kms.create_key(Policy=policy, Tags=tags, **request)["KeyMetadata"]
        if self.take("EnableKeyRotation"):
            kms.enable_key_rotation(KeyId=key["KeyId"])
        if not self.take("Enabled", True):
            kms.disable_key(KeyId=key["KeyId"])
        self.pending = self.take("PendingWindowInDays", 30)
        self.physical_resource_id = key["KeyId"]
        self.attributes = {"Arn": key["Arn"], "KeyId": key["KeyId"]}

    def delete(self):
        self.client("kms").schedule_key_deletion(KeyId=self.physical_resource_id, PendingWindowInDays=self.pending)


class Alias(Resource):
    TYPE, NAME = "AWS::KMS::Alias", "AliasName"

    def create(self):
        self.client("kms").create_alias(AliasName=self.take("AliasName"), TargetKeyId=self.take("TargetKeyId"))
        self.physical_resource_id = self.name

    def delete(self):
        self.client("kms").delete_alias(AliasName=self.name)
