#!/usr/bin/env bash
# Synthesizes into cdk.out what `cdk synth` would, without the CDK command: builds the app
# and hands it the context of cdk.json and cdk.context.json as the command does. No network
# once the modules are there, no credentials, no Docker.
set -euo pipefail
cd "$(dirname "$0")/.."

go build -o bin/infra-app ./infra/app
rm -rf cdk.out

CDK_OUTDIR=cdk.out
CDK_CONTEXT_JSON=$(node -p 'JSON.stringify({
  ...require("./cdk.json").context,
  ...require("./cdk.context.json"),
  "aws:cdk:enable-path-metadata": true,
  "aws:cdk:enable-asset-metadata": true,
  "aws:cdk:version-reporting": false,
})')
# An old Node still synthesizes; the CDK's banner of eleven lines about it is not for here.
JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=$(node -p 'process.versions.node.split(".")[0]')
export CDK_OUTDIR CDK_CONTEXT_JSON JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION
# jsii now and then loses a race with its own child while it ends, and says so: no matter.
./bin/infra-app 2>&1 | sed '/^Runtime process exited abnormally: waitid: no child processes$/d'

# What the command would say of the constructs' annotations, and do about errors.
# From awscdk 2.276 on they are in a file of their own.
node -e '
  for (const artifact of Object.values(require("./cdk.out/manifest.json").artifacts)) {
    const file = artifact.additionalMetadataFile
    const metadata = { ...artifact.metadata, ...(file && require("./cdk.out/" + file)) }
    for (const [path, entries] of Object.entries(metadata))
      for (const { type, data } of entries) {
        if (!/^aws:cdk:(info|warning|error)$/.test(type)) continue
        console.log(`${type.slice("aws:cdk:".length)}: ${path.slice(1)}: ${data}`)
        if (type === "aws:cdk:error") process.exitCode = 1
      }
  }'
ls cdk.out/*.template.json
