package index_test

import (
	"slices"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// A list must not be able to name them: then no reader would load an index again.
func TestCanaries(t *testing.T) {
	t.Parallel()
	first, second := index.Canaries(), index.Canaries()
	for _, canary := range first {
		if _, err := domainname.Parse(canary); err != nil {
			t.Error(err)
		}
		if canary != "com" && slices.Contains(second, canary) {
			t.Errorf("%s comes again", canary)
		}
	}
}
