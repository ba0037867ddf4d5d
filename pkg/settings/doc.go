// Package settings declares every setting once, as a field with its documentation, default
// and bounds: see [Deployment]. Everything else is derived from that declaration: the settings
// in cdk.json and after -c (infra/config), the props of the constructs, which embed the
// sections, the environment of the functions, and docs/settings.md.
//
// It also declares the other names that a deployment and its functions share: the folders of
// the buckets, the keys of the table, the outputs of the stack.
//
// The package depends on the standard library only, so importing it into a CDK app costs
// nothing. It checks the form of values. Other packages define the meaning of words, such as
// list formats and scopes.
package settings
