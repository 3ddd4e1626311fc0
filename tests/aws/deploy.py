"""Deploys template.yaml to the emulator, as `sam package` and `sam deploy` would.

    deploy.py TEMPLATE STACK PARAMETERS NAME=BINARY…

PARAMETERS is a JSON object. Prints one JSON object: the stack's outputs and the physical name of each resource, and, under
Credentials, the key, the secret and the token with which each function signs its requests.

Fails as CloudFormation does, and the emulator does not, if a schedule has a name that is taken.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

import boto3
from botocore.exceptions import ClientError

from template import read

BUCKET = "nuncio-code"

# Lambda ends a function that takes more than its memory. The emulator does not; this limits what it can allocate.
START = """#!/bin/sh
ulimit -d $((AWS_LAMBDA_FUNCTION_MEMORY_SIZE * 1024))
exec "$LAMBDA_TASK_ROOT/function"
"""


def stripped(binary: str) -> bytes:
    """A debug binary is mostly symbols, which no test looks at."""
    if shutil.which("strip"):
        with tempfile.NamedTemporaryFile() as small:
            subprocess.run(["strip", "-o", small.name, binary], check=True)
            with open(small.name, "rb") as file:
                return file.read()
    with open(binary, "rb") as file:
        return file.read()


def upload(s3, binary: str) -> str:
    """Puts the binary into the bucket as a zip file with `bootstrap`, once; returns where it is."""
    identity = f"{binary} {os.stat(binary).st_mtime_ns}"
    key = hashlib.sha256(identity.encode()).hexdigest()
    try:
        s3.head_object(Bucket=BUCKET, Key=key)
    except ClientError:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w", zipfile.ZIP_STORED) as archive:
            for name, content in {"bootstrap": START, "function": stripped(binary)}.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = 0o755 << 16
                archive.writestr(entry, content)
        s3.put_object(Bucket=BUCKET, Key=key, Body=code.getvalue())
    return f"s3://{BUCKET}/{key}"


def credentials(function: str) -> list[str]:
    """The emulator derives the session of a function from its name and its role."""
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=function)
    identity = hashlib.sha256(f"{configuration['FunctionArn']}:{configuration['Role']}".encode()).hexdigest()
    secret, token = (hashlib.sha256(f"{kind}:{identity}".encode()).hexdigest() for kind in ("secret", "token"))
    return [f"ASIA{identity[:16].upper()}", secret, token]


def schedules() -> set[str]:
    return {schedule["Name"] for schedule in boto3.client("scheduler").list_schedules()["Schedules"]}


def adapt(role: dict) -> None:
    """Where the emulator's enforcement of permissions is not AWS's, gives the role what it asks for."""
    for policy in role["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement.get("Action", [])
            # On AWS, the permission for one message covers a batch, which is no action of its own.
            listed = [actions] if isinstance(actions, str) else actions
            batches = [f"{one}Batch" for one in listed if one in ("sqs:SendMessage", "sqs:DeleteMessage")]
            if batches:
                statement["Action"] = listed + batches
            if actions == "ses:SendRawEmail":
                # On AWS the sender's identity is the resource; the emulator looks at none.
                statement["Resource"] = "*"


def adapt_concurrency(function: dict, template: dict, parameters: dict[str, str]) -> None:
    """CloudFormation makes a number of a parameter where a number belongs; the emulator leaves the text."""
    for source in function.get("Events", {}).values():
        scaling = source["Properties"].get("ScalingConfig", {})
        if isinstance(scaling.get("MaximumConcurrency"), dict):
            name = scaling["MaximumConcurrency"]["Ref"]
            scaling["MaximumConcurrency"] = int(parameters.get(name, template["Parameters"][name]["Default"]))


def packaged(s3, template: dict, binaries: dict[str, str], parameters: dict[str, str]) -> str:
    # The emulator knows no metric math; tests evaluate the alarms of the template itself.
    template["Resources"] = {
        name: resource for name, resource in template["Resources"].items() if "Metrics" not in resource.get("Properties", {})
    }
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            adapt(resource)
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            adapt_concurrency(properties, template, parameters)
            properties["CodeUri"] = upload(s3, binaries[os.path.basename(properties["CodeUri"])])
    return json.dumps(template)


def main() -> None:
    path, stack, parameters, *binaries = sys.argv[1:]
    s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
    s3.create_bucket(Bucket=BUCKET)
    taken = schedules()
    template = packaged(s3, read(path), dict(binary.split("=", 1) for binary in binaries), json.loads(parameters))
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in json.loads(parameters).items()
        ],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (created,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    printed = {"Credentials": {}}
    printed |= {output["OutputKey"]: output["OutputValue"] for output in created.get("Outputs", [])}
    for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
        name, physical = resource["LogicalResourceId"], resource["PhysicalResourceId"]
        printed.setdefault(name, physical)
        if resource["ResourceType"] == "AWS::Lambda::Function":
            printed["Credentials"][name] = credentials(physical)
        if resource["ResourceType"] == "AWS::Scheduler::Schedule" and physical in taken:
            sys.exit(f"ConflictException: the schedule {physical} already exists")
    json.dump(printed, sys.stdout)


if __name__ == "__main__":
    main()
