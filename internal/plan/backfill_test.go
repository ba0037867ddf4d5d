package plan

import (
	"math"
	"testing"
)

// A million objects cost about 7 dollars: 5.80 for requests, 1 for the state machine.
func TestBackfill(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		objects, tasks int
		bytes          int64
		want           float64
	}{
		{0, 0, 0, 0},
		{1_000_000, 10_000, 10 << 30, 6.81},
		{2_500, 25, 25 << 20, 0.02},
	} {
		if got := Backfill(tt.objects, tt.tasks, tt.bytes); math.Abs(got.USD-tt.want) > 0.01 {
			t.Errorf("%d objects: got %.3f (%s), want %.2f", tt.objects, got.USD, got.Arithmetic, tt.want)
		}
	}
}
