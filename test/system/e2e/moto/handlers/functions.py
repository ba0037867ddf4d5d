"""Lambda and Step Functions."""

from engine import Resource
from moto.awslambda.models import LambdaFunction

# Members of a function's configuration that moto itself does not store, by function.
BESIDE = {}


def answer_with_what_lies_beside():
    stock = LambdaFunction.get_configuration

    def get_configuration(self, on_create=False):
        return stock(self, on_create) | BESIDE.get(self.function_name, {})

    LambdaFunction.get_configuration = get_configuration


answer_with_what_lies_beside()


def with_numbers(request):
    """Returns members of a request, with digits converted to numbers, because the values of
    parameters are text. botocore rejects text that is not a number."""
    numbers = {"MemorySize", "Timeout"}
    return {
        name: int(value) if name in numbers and str(value).isdigit() else value
        for name, value in request.items()
    }


class Function(Resource):
    TYPE, NAME = "AWS::Lambda::Function", "FunctionName"
    IN_PLACE = frozenset({"Code", "Description", "Environment", "MemorySize", "Timeout"})

    def create(self):
        self.take("FunctionName")
        self.aws, self.name = self.client("lambda"), self.name[:64]
        request = self.take_same(
            "Role", "Runtime", "Handler", "Code", "Architectures", "MemorySize", "Timeout", "Description",
            "Environment", "EphemeralStorage", "Layers", "TracingConfig", "VpcConfig",
        )
        beside = self.take_as(LoggingConfig="LoggingConfig", KMSKeyArn="KmsKeyArn", DeadLetterConfig="DeadLetterConfig")
        tags = {tag["Key"]: tag["Value"] for tag in self.take("Tags", [])}
        request = with_numbers(request)
        # botocore checks the shapes of all members, including those that moto does not store.
        function = self.aws.create_function(FunctionName=self.name, Tags=tags, **request, **beside)
        BESIDE[self.name] = beside
        if (reserved := self.take("ReservedConcurrentExecutions")) is not None:
            self.aws.put_function_concurrency(FunctionName=self.name, ReservedConcurrentExecutions=reserved)
        self.physical_resource_id = self.name
        self.attributes = {"Arn": function["FunctionArn"]}

    def update(self):
        if code := self.take("Code"):
            self.aws.update_function_code(FunctionName=self.name, **code)
        if request := self.take_same("Description", "Environment", "MemorySize", "Timeout"):
            self.aws.update_function_configuration(FunctionName=self.name, **with_numbers(request))

    def delete(self):
        self.aws.delete_function(FunctionName=self.name)


class Permission(Resource):
    TYPE = "AWS::Lambda::Permission"

    def create(self):
        self.on = {"FunctionName": self.take("FunctionName"), "StatementId": self.logical_resource_id}
        request = self.take_same("Action", "Principal", "SourceArn", "SourceAccount", "PrincipalOrgID")
        self.client("lambda").add_permission(**self.on, **request)
        self.physical_resource_id = self.name

    def delete(self):
        self.client("lambda").remove_permission(**self.on)


class EventInvokeConfig(Resource):
    TYPE = "AWS::Lambda::EventInvokeConfig"

    def create(self):
        request = self.take_as(
            MaximumRetryAttempts="MaximumRetryAttempts",
            MaximumEventAgeInSeconds="MaximumEventAgeInSeconds",
            DestinationConfig="DestinationConfig",
        )
        qualifier = self.take("Qualifier")
        assert qualifier == "$LATEST", f"qualifier {qualifier}: not kept here"
        self.function = self.take("FunctionName")
        self.client("lambda").put_function_event_invoke_config(FunctionName=self.function, **request)
        self.physical_resource_id = self.name

    def delete(self):
        self.client("lambda").delete_function_event_invoke_config(FunctionName=self.function)


class EventSourceMapping(Resource):
    TYPE = "AWS::Lambda::EventSourceMapping"

    def create(self):
        request = self.take_same(
            "FunctionName", "EventSourceArn", "BatchSize", "Enabled", "FunctionResponseTypes",
            "MaximumBatchingWindowInSeconds", "ScalingConfig",
        )
        mapping = self.client("lambda").create_event_source_mapping(**request)
        self.physical_resource_id = mapping["UUID"]
        self.attributes = {"Id": mapping["UUID"]}

    def delete(self):
        self.client("lambda").delete_event_source_mapping(UUID=self.physical_resource_id)


class StateMachine(Resource):
    TYPE, NAME = "AWS::StepFunctions::StateMachine", "StateMachineName"
    IN_PLACE = frozenset({"DefinitionString", "LoggingConfiguration"})

    def create(self):
        self.take("StateMachineName")
        name = self.name[:80]
        request = self.take_as(roleArn="RoleArn", type="StateMachineType")
        machine = self.client("stepfunctions").create_state_machine(name=name, **self.taken(), **request)
        self.physical_resource_id = machine["stateMachineArn"]
        self.attributes = {"Arn": machine["stateMachineArn"], "Name": name}

    def taken(self):
        """Returns the members that an update can change."""
        request = self.take_as(definition="DefinitionString")
        if logging := self.take("LoggingConfiguration"):
            request["loggingConfiguration"] = with_small_initials(logging)
        return request

    def update(self):
        self.client("stepfunctions").update_state_machine(stateMachineArn=self.physical_resource_id, **self.taken())

    def delete(self):
        self.client("stepfunctions").delete_state_machine(stateMachineArn=self.physical_resource_id)


def with_small_initials(value):
    """Returns a value with the names of members as the API of Step Functions spells them."""
    if isinstance(value, list):
        return [with_small_initials(element) for element in value]
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: with_small_initials(member) for name, member in value.items()}
    return value
