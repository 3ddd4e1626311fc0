"""Prints a SAM template as CloudFormation sees it: transformed as AWS does, with the parameters' defaults.

    transformed.py TEMPLATE
"""

import json
import sys

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from template import read


def main() -> None:
    template = read(sys.argv[1])
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # As `sam package` writes it.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    json.dump(translator.translate(template, {}), sys.stdout)


if __name__ == "__main__":
    main()
