"""Reads template.yaml from its input, and prints what CloudFormation makes of it: transform.py 'Stage=dev Tracing=Active'...
gives a list with one template for each argument.

CloudFormation transforms with this same translator. It wants the functions' code to be uploaded, as sam deploy does it, so
the code is a stand-in.
"""

import copy
import json
import sys
from unittest import mock

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

source = yaml_parse(sys.stdin.read())
source["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
results = []
for argument in sys.argv[1:]:
    parameters = {name: p["Default"] for name, p in source["Parameters"].items() if "Default" in p}
    parameters |= dict(pair.split("=", 1) for pair in argument.split())
    results.append(transform(copy.deepcopy(source), parameters, mock.Mock()))
json.dump(results, sys.stdout)
