"""Adds up the metrics that a function's log carries in the embedded metric format, as CloudWatch would.

    metrics.py FUNCTION

Prints a JSON object: the sum of each metric, under NAMESPACE/FUNCTION/METRIC.
"""

import json
import sys
from collections import Counter

import boto3

configuration = boto3.client("lambda").get_function_configuration(FunctionName=sys.argv[1])
group = configuration["LoggingConfig"]["LogGroup"]
sums = Counter()
for page in boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group):
    for event in page["events"]:
        try:
            line = json.loads(event["message"])
        except ValueError:
            continue
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            (dimension,) = directive["Dimensions"][0]
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                name = "/".join([directive["Namespace"], line[dimension], metric["Name"]])
                sums[name] += sum(value) if isinstance(value, list) else value
print(json.dumps(sums))
