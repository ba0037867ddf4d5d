package operator

import (
	"context"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/table"
)

type noFeeds struct{}

func (noFeeds) Rows(context.Context) ([]table.FeedRow, error) { return nil, nil }

// A pointer to a missing index must be reported.
func TestOperator_Status_indexGone(t *testing.T) {
	t.Parallel()
	var b bucket
	b.publish(t, "a.example")
	b.publish(t, "b.example")
	o := operate(&b)
	o.Feeds = noFeeds{}
	for _, gone := range []bool{false, true} {
		if gone {
			delete(b.objects, b.current.Object)
		}
		s, err := o.Status(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if s.Current.Gone != gone || s.Current.Generation != 2 {
			t.Errorf("the pointer is %+v, want gone %v", s.Current, gone)
		}
	}
}
