//go:build !e2e

package e2e_test

import "testing"

func TestDeployment(t *testing.T) {
	t.Skip("deploys the app to an AWS emulator, needs Python and the CDK command line: run `make e2e`")
}
