//go:build !race

package resolverwatch_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/test/golden"
)

var update = flag.Bool("update", false, "rewrite testdata/refusals.txt")

// refusals has the wording of every refusal, which is written nowhere else in the tests.
var refusals = golden.New("testdata/refusals.txt", update)

// wantRefused checks that define panics with one line for each construct and prop, in order,
// such as "Test/Importer Timeout".
func wantRefused(t *testing.T, define func(stack awscdk.Stack), props ...string) {
	t.Helper()
	stack := newStack(t)
	wantRefusal(t, func() { define(stack) }, props...)
}

// wantRefusal is wantRefused for a definition that brings its stack.
func wantRefusal(t *testing.T, define func(), props ...string) {
	t.Helper()
	got := refusedBy(t, define)
	if diff := cmp.Diff(props, propsOf(got)); diff != "" {
		t.Errorf("refused props (-want +got):\n%s\n%s", diff, got)
	}
	refusals.Compare(t, got)
}

// refusedBy returns the text of the panic of define.
func refusedBy(t *testing.T, define func()) (text string) {
	t.Helper()
	defer func() {
		err, isError := recover().(error)
		if !isError {
			t.Fatal("nothing was rejected")
		}
		text = err.Error()
	}()
	define()
	return ""
}

// propsOf returns the construct and the prop that each line of a refusal names.
func propsOf(refusal string) []string {
	var props []string
	for line := range strings.Lines(refusal) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		prop, _, _ := strings.Cut(rest, ":")
		props = append(props, path+" "+prop)
	}
	return props
}
