"""Loads the published template as docs/template.md says, with the Python CDK.

test_include.py DIST: DIST is the folder that `make template` writes.
"""

import json
import os
import re
import sys
import tempfile
import unittest

from aws_cdk import App, BootstraplessSynthesizer, Stack
from aws_cdk.cloudformation_include import CfnInclude

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIST = os.path.abspath(sys.argv.pop(1))
TEMPLATE = os.path.join(DIST, "resolverwatch.template.json")


def synthesize(**options):
    """Returns the template of a stack that includes ours, and the stack of the include."""
    app = App(outdir=tempfile.mkdtemp(dir=SCRATCH.name), analytics_reporting=False)
    stack = Stack(app, "Security", synthesizer=BootstraplessSynthesizer())
    included = CfnInclude(stack, "Resolverwatch", template_file=TEMPLATE, **options)
    return app.synth().get_stack_by_name("Security").template, included


class Include(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        with open(TEMPLATE, encoding="utf-8") as file:
            self.template = json.load(file)

    def test_everything_is_loaded(self):
        """Without values for parameters, the template stays unchanged."""
        synthesized, _ = synthesize()
        self.assertEqual(self.template, synthesized)

    def test_parameters_are_replaced(self):
        given = {"CodeBucket": "code", "CodePrefix": "v1/", "VpcId1": "vpc-0a1b2c3d4e5f60001"}
        synthesized, _ = synthesize(parameters=given)
        self.assertEqual(self.template["Resources"].keys(), synthesized["Resources"].keys())
        self.assertEqual(self.template["Parameters"].keys() - given.keys(), synthesized["Parameters"].keys())
        for name in given:
            self.assertNotIn({"Ref": name}, list(objects(synthesized)))
        code = [r["Properties"]["Code"] for r in synthesized["Resources"].values() if r["Type"] == "AWS::Lambda::Function"]
        self.assertEqual(["code"] * 5, [c["S3Bucket"] for c in code])

    def test_every_resource_can_be_had(self):
        _, included = synthesize()
        for logical_id, resource in self.template["Resources"].items():
            self.assertEqual(resource["Type"], included.get_resource(logical_id).cfn_resource_type)

    def test_documentation(self):
        """The example in docs/template.md runs unchanged."""
        with open(os.path.join(ROOT, "docs", "template.md"), encoding="utf-8") as file:
            (example,) = re.findall(r"^```python\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
        before = os.getcwd()
        os.chdir(SCRATCH.name)
        self.addCleanup(os.chdir, before)
        os.symlink(DIST, "dist")
        os.environ["CDK_OUTDIR"] = os.path.join(SCRATCH.name, "cdk.out")
        self.addCleanup(os.environ.pop, "CDK_OUTDIR")
        names = {}
        exec(compile(example, "docs/template.md", "exec"), names)
        resolved = names["stack"].resolve(names["logs"].bucket_name)
        self.assertEqual(self.template["Outputs"]["OutputBucketName"]["Value"], resolved)


def objects(value):
    """Yields all objects in a JSON value."""
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(member)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch_name:
        SCRATCH = type("Scratch", (), {"name": scratch_name})
        unittest.main(verbosity=2)
