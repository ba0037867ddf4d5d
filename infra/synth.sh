#!/usr/bin/env bash
# Synthesizes into cdk.out without the CDK command: builds the app and gives it the context
# of cdk.json and cdk.context.json, as `cdk synth` does. It needs no credentials and no
# Docker, and no network once the Go modules are downloaded.
set -euo pipefail
cd "$(dirname "$0")/.."

infra/node.sh
node=${JSII_NODE:-node} # the one that jsii starts
go build -o bin/infra-app ./infra/app
rm -rf cdk.out

CDK_OUTDIR=cdk.out
CDK_CONTEXT_JSON=$("$node" -p 'JSON.stringify({
  ...require("./cdk.json").context,
  ...require("./cdk.context.json"),
  "aws:cdk:enable-path-metadata": true,
  "aws:cdk:enable-asset-metadata": true,
  "aws:cdk:version-reporting": false,
})')
# Node 20 still synthesizes, so the banner of eleven lines about it is left out.
JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=$("$node" -p 'process.versions.node.split(".")[0]')
export CDK_OUTDIR CDK_CONTEXT_JSON JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION
# At the end jsii sometimes waits for a child that is gone already; that message is harmless.
./bin/infra-app 2>&1 | sed '/^Runtime process exited abnormally: waitid: no child processes$/d'

# Print the annotations of the constructs and fail if one is an error, as `cdk synth` does.
# From awscdk 2.276 on they are in a file of their own.
"$node" -e '
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
