//go:build !race

package stack_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Two syntheses of the same settings give the same template, so that every difference in a
// review is a real change. test/system/nag runs cdk-nag on the same variants.
func TestVariants(t *testing.T) {
	for name, settings := range variants(t) {
		t.Run(name, func(t *testing.T) {
			first, second := define(t, appContext(t, settings)), define(t, appContext(t, settings))
			if diff := cmp.Diff(text(t, first), text(t, second)); diff != "" {
				t.Errorf("the second synthesis differs:\n%s", diff)
			}
		})
	}
}
