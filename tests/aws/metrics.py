"""Reads the logs of functions as CloudWatch does.

    metrics.py FUNCTION…

Lambda drops the lines that are less severe than the function's ApplicationLogLevel. Prints one JSON object with an object
for each function: the values of each metric in the embedded metric format, under NAMESPACE/FUNCTION/METRIC; the number of
`invocations`; and the other `lines`.
"""

import json
import sys
from collections import defaultdict

import boto3

LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]



def read(function: str) -> dict:
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=function)
    logging = configuration["LoggingConfig"]
    # INFO is Lambda's default.
    least = LEVELS.index(logging.get("ApplicationLogLevel", "INFO"))
    values, invocations, lines = defaultdict(list), 0, []
    for page in boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=logging["LogGroup"]):
        for event in page["events"]:
            invocations += event["message"].startswith("START ")
            try:
                line = json.loads(event["message"])
            except ValueError:
                continue
            # A line without a level counts as INFO.
            if LEVELS.index(line.get("level", "INFO")) < least:
                continue
            directives = line.get("_aws", {}).get("CloudWatchMetrics", [])
            if not directives:
                lines.append(line)
            for directive in directives:
                (dimension,) = directive["Dimensions"][0]
                for metric in directive["Metrics"]:
                    value = line[metric["Name"]]
                    name = "/".join([directive["Namespace"], line[dimension], metric["Name"]])
                    values[name] += value if isinstance(value, list) else [value]
    return {"values": values, "invocations": invocations, "lines": lines}


print(json.dumps({function: read(function) for function in sys.argv[1:]}))
