#!/usr/bin/env bash
# Fails with one line unless Node can run the CDK. aws-cdk-lib 2.257 declares Node 20 as its
# minimum (`engines` in its package.json); jsii supports 22 and 24 and prints a banner on 20.
# Like jsii, it takes the path of Node from JSII_NODE if that is set.
set -euo pipefail

minimum=20
node=${JSII_NODE:-node}
remedy='install Node 22 or 24, or set JSII_NODE to its path'

if ! version=$("$node" --version 2>/dev/null); then
  echo "synthesis needs Node, and \"$node\" does not run: $remedy" >&2
  exit 1
fi
version=${version%%$'\n'*}
major=${version#v}
major=${major%%.*}
if ! [ "$major" -ge "$minimum" ] 2>/dev/null; then
  echo "synthesis needs Node $minimum or later, and \"$node\" is $version: $remedy" >&2
  exit 1
fi
