"""Invokes a function as a schedule does and prints its answer; fails if the function fails.

    invoke.py FUNCTION
"""

import sys

import boto3

answer = boto3.client("lambda").invoke(FunctionName=sys.argv[1], Payload=b"{}")
said = answer["Payload"].read().decode()
if "FunctionError" in answer:
    sys.exit(f"the function failed: {said}")
print(said or "null")
