// Package e2e deploys the real app by the real CDK command line to an AWS emulator, reads
// back what was deployed, drives it, updates it, and destroys it. One deployment finds
// resources that were there before: what has to be done to these by hand is done by the
// very text of the warnings and outputs that ask for it. `make e2e` installs what it needs
// and runs it; without the build tag e2e it is skipped.
//
// The emulator is moto, with handlers of our own for CloudFormation (folder moto), which
// update a resource in place, as far as AWS does so, and fail where AWS would replace it.
// Commands of the AWS command line are run by a shell and a small stand-in for it. Where
// moto has no part of AWS that the data passes through, this module's own embedded
// Firehose and Lambda stand in, configured by what is read back from the deployment.
// moto asks nobody for permission: every call that the deployed functions make is
// recorded, and judged by the deployed roles' policies (packages recorder, permission).
package e2e
