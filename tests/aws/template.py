"""Reads template.yaml, whose tags (`!Ref`, `!GetAtt a.b`, …) stand for `{"Ref": …}`, `{"Fn::GetAtt": […]}`, ….

    template.py FILE    prints it as JSON
"""

import json
import sys

import yaml


class Reader(yaml.SafeLoader):
    """SafeLoader with CloudFormation's tags."""


def intrinsic(reader: Reader, tag: str, node: yaml.Node) -> dict:
    if isinstance(node, yaml.ScalarNode):
        value = reader.construct_scalar(node)
        if tag == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = reader.construct_sequence(node, deep=True)
    else:
        value = reader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


Reader.add_multi_constructor("!", intrinsic)


def read(path: str) -> dict:
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Reader)


if __name__ == "__main__":
    json.dump(read(sys.argv[1]), sys.stdout)
