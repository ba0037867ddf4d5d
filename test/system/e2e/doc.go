// Package e2e deploys the real app with the real CDK command line to an AWS emulator, reads
// what was deployed, drives it, updates it, and destroys it. One deployment uses existing
// resources: the test does the steps left to do by hand exactly as the warnings and outputs
// describe them. `make e2e` installs what the test needs and runs it; without the build tag
// e2e the test is skipped.
//
// Logs come through Firehose, through a bucket, or through both. The command brings records back
// that a broken transformer failed, and marks old log objects.
//
// It shows what only a deployment can show. The values of properties are not read back: the
// tests of the templates in infra/ cover them, and a deployment fails if the emulator does
// not support a property.
//
// The emulator is moto, with our own handlers for CloudFormation (folder moto). They update
// a resource in place if AWS does so, and fail if AWS would replace it. A shell and a small
// replacement for the AWS command line run its commands. Where moto lacks a part of AWS
// that data passes through, this module's embedded Firehose and Lambda replace it,
// configured from the deployment, and so do a queue and an event bus of this test, the
// local Security Hub and Athena, and a stand-in for Step Functions. The way of log objects is
// moto's: its S3, the deployed rule and the deployed queues; the test polls the queue as Lambda
// does. moto does not check permissions, so every call of the deployed functions and of the
// command is recorded and decided, by the policies of the deployed roles and by that of the
// documents (packages recorder, permission).
package e2e
