"""A small AWS command line, for the commands that a deployment prints.

aws.py SERVICE OPERATION --parameter value ...: botocore's models define the
services, operations and parameters, as in the real command line. A value is text, JSON,
or the shorthand Name=value,Name=value for flat structures. AWS_ENDPOINT_URL is the
address of AWS.
"""

import json
import sys

import botocore.session
from botocore import xform_name


# Options that the real command line calls otherwise than the model.
RENAMED = {("sns", "--notification-endpoint"): "--endpoint"}


def main(service, command, *options):
    if service == "s3api":
        service = "s3"
    client = botocore.session.get_session().create_client(service)
    operation = command.replace("-", "_")
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    options = [RENAMED.get((service, option), option) for option in options]
    members = {xform_name(name, "-"): (name, shape) for name, shape in model.input_shape.members.items()}
    request = {}
    for option, text in zip(options[::2], options[1::2], strict=True):
        name, shape = members[option.removeprefix("--")]
        assert option.startswith("--"), f"{option}: is no option"
        request[name] = value(text, shape)
    getattr(client, operation)(**request)


def value(text, shape):
    """Returns an option's value, converted to the type in the model."""
    if text[:1] in "{[":
        return json.loads(text)
    if shape.type_name == "structure":
        pairs = dict(pair.split("=") for pair in text.split(","))
        return {name: value(given, shape.members[name]) for name, given in pairs.items()}
    if shape.type_name == "boolean":
        return {"true": True, "false": False}[text]
    return text


main(*sys.argv[1:])
