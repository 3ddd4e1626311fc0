"""Calls an action of an AWS service, for which the tests have no client of their own.

    call.py SERVICE METHOD ARGUMENTS

ARGUMENTS is a JSON object. Prints the answer as JSON, or {"error": CODE} if the service refuses.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

service, method, arguments = sys.argv[1:]
# Without retries: a refusal is an answer.
client = boto3.client(service, config=Config(retries={"total_max_attempts": 1}))
try:
    answer = getattr(client, method)(**json.loads(arguments))
except ClientError as refusal:
    answer = {"error": refusal.response["Error"]["Code"]}
# A function's answer is a stream.
print(json.dumps(answer, default=lambda value: value.read().decode() if hasattr(value, "read") else str(value)))
