// Package action holds the test of the composite action in .github/actions: it runs the steps of
// the action with bash, as a runner does.
package action
