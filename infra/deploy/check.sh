#!/bin/sh
# Checks template.yaml without credentials: CloudFormation's rules, and SAM's own.
# Needs python3; installs its tools under target/tools/sam on first use.
set -eu
cd "$(dirname "$0")/../.."
tools=target/tools/sam
if ! cmp -s infra/deploy/requirements.txt "$tools/installed.txt"; then
    python3 -m venv --clear "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement infra/deploy/requirements.txt
    cp infra/deploy/requirements.txt "$tools/installed.txt"
fi
export AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0
"$tools/bin/cfn-lint" template.yaml
"$tools/bin/sam" validate --config-file infra/deploy/samconfig.toml
