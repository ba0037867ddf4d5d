//go:build !race

package resolverwatch_test

import (
	"os"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

// One process of the jsii runtime serves all tests, one after the other: it does not
// support concurrent calls, and takes seconds to start. The race detector finds races in it
// that are not in our code.
func TestMain(m *testing.M) {
	code := refusals.Main(m)
	jsii.Close()
	os.Exit(code)
}
