//go:build !race

package resolverwatch_test

import (
	"os"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

// One process of the jsii runtime serves all tests, one after the other: it takes no
// calls at the same time, and starting it takes seconds. The race detector finds races
// in it that are none of ours.
func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}
