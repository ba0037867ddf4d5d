//go:build !race

package resolverwatch_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

// One process of the jsii runtime serves all tests, one after the other: it does not
// support concurrent calls, and takes seconds to start. The race detector finds races in it
// that are not in our code.
func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	if err := golden.finish(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
