package operator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

func plan(t *testing.T, b *bucket, to uint64) *RollbackPlan {
	t.Helper()
	plan, err := operate(b).PlanRollback(context.Background(), to)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestOperator_Rollback(t *testing.T) {
	t.Parallel()
	var b bucket
	b.publish(t, "a.example", "b.example")
	b.publish(t, "b.example", "c.example", "d.example")
	p := plan(t, &b, 0)
	want := Effect{
		Added: 1, Removed: 2, SampleAdded: []string{"a.example (f, block, subtree)"},
		SampleRemoved: []string{"c.example (f, block, subtree)", "d.example (f, block, subtree)"},
	}
	if diff := cmp.Diff(want, p.Effect); diff != "" {
		t.Error(diff)
	}
	if b.current.Generation != 2 {
		t.Fatal("a plan changed something")
	}
	if _, err := operate(&b).Rollback(context.Background(), p, "a reason"); err != nil {
		t.Fatal(err)
	}
	wantCurrent := b.manifests[1]
	wantCurrent.Highest, wantCurrent.Pinned, wantCurrent.RenewedAt = 2, true, start.Add(24*time.Hour)
	wantCurrent.Pin = &index.Pin{By: "somebody", At: start.Add(24 * time.Hour), Reason: "a reason"}
	if diff := cmp.Diff(wantCurrent, b.current); diff != "" {
		t.Error(diff)
	}
	pin, err := operate(&b).Unpin(context.Background())
	if err != nil || pin == nil || pin.Reason != "a reason" || b.current.Pinned || b.current.Pin != nil {
		t.Errorf("unpinned %+v, %v; CURRENT is %+v", pin, err, b.current)
	}
}

func TestOperator_PlanRollback_refuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		spoil func(b *bucket)
		to    uint64
		kept  []uint64 // the generations that the error lists, if the wanted one is missing
		want  string   // part of the error
	}{
		{"current", func(*bucket) {}, 3, nil, ""},
		{"never published", func(*bucket) {}, 9, []uint64{3, 2, 1}, ""},
		{"swept", func(b *bucket) { delete(b.objects, b.manifests[1].Object) }, 1, []uint64{3, 2}, ""},
		{"none before", func(b *bucket) {
			delete(b.objects, b.manifests[1].Object)
			delete(b.objects, b.manifests[2].Object)
		}, 0, nil, "no generation before 3 is kept"},
		{"damaged", func(b *bucket) { b.objects[b.manifests[2].Object] = b.objects[b.manifests[2].Object][:100] },
			2, nil, "the index of generation 2 cannot be used: opening an index"},
		{"flipped", func(b *bucket) {
			data := append([]byte(nil), b.objects[b.manifests[2].Object]...)
			data[len(data)/2] ^= 1
			b.objects[b.manifests[2].Object] = data
		}, 2, nil, "the index of generation 2 cannot be used: opening an index"},
		{"index of another generation", func(b *bucket) {
			b.objects[b.manifests[2].Object] = b.objects[b.manifests[1].Object]
		}, 2, nil, "the index of generation 2 cannot be used: another index"},
	} {
		var b bucket
		b.publish(t, "a.example")
		b.publish(t, "b.example")
		b.publish(t, "c.example")
		tc.spoil(&b)
		_, err := operate(&b).PlanRollback(context.Background(), tc.to)
		if err == nil || !strings.Contains(err.Error(), tc.want) || errors.Is(err, storage.ErrNotFound) != (tc.kept != nil) {
			t.Errorf("%s: error %v, want %q", tc.name, err, tc.want)
		}
		var missing *missingError
		if tc.kept == nil {
			continue
		}
		if !errors.As(err, &missing) || missing.Generation != tc.to || !slices.Equal(numbersOf(missing.Kept), tc.kept) {
			t.Errorf("%s: error %v, want generation %d missing from %v", tc.name, err, tc.to, tc.kept)
		}
	}
}

func numbersOf(generations []Generation) []uint64 {
	var numbers []uint64
	for _, generation := range generations {
		numbers = append(numbers, generation.Generation)
	}
	return numbers
}

// A rollback from a broken index must be possible.
func TestOperator_PlanRollback_fromBroken(t *testing.T) {
	t.Parallel()
	var b bucket
	b.publish(t, "a.example")
	b.publish(t, "b.example")
	delete(b.objects, b.current.Object)
	if p := plan(t, &b, 0); p.To.Generation != 1 || p.Effect.Unknown == nil {
		t.Errorf("plan is %+v", p)
	}
}

func TestOperator_Rollback_races(t *testing.T) {
	t.Parallel()
	var renewed, overtaken, lost bucket
	for _, b := range []*bucket{&renewed, &overtaken, &lost} {
		b.publish(t, "a.example")
		b.publish(t, "b.example")
	}
	renewed.beforeSwap = func() { renewed.etag++; renewed.current.RenewedAt = start.Add(time.Hour) }
	overtaken.beforeSwap = func() { overtaken.publish(t, "c.example") }
	lost.lostReply = true
	for name, b := range map[string]*bucket{"renewed": &renewed, "lost": &lost} {
		if _, err := operate(b).Rollback(context.Background(), plan(t, b, 1), ""); err != nil || b.current.Generation != 1 {
			t.Errorf("%s: %v, current generation %d", name, err, b.current.Generation)
		}
	}
	_, err := operate(&overtaken).Rollback(context.Background(), plan(t, &overtaken, 1), "")
	if err == nil || !strings.Contains(err.Error(), "published in the meantime") || overtaken.current.Generation != 3 {
		t.Errorf("overtaken: %v, current generation %d", err, overtaken.current.Generation)
	}
}

// Index objects that were never published are ignored.
func TestOperator_Generations_orphans(t *testing.T) {
	t.Parallel()
	var b bucket
	b.publish(t, "a.example")
	b.objects[index.ObjectKey(1, strings.Repeat("0", len(b.current.Hash)))] = []byte("another one of generation 1")
	b.objects[index.ObjectKey(2, strings.Repeat("0", len(b.current.Hash)))] = []byte("never published")
	delete(b.manifests, 1) // not written yet: the pointer has the same content
	kept, err := operate(&b).listKept(context.Background())
	if err != nil || len(kept) != 1 || kept[0].Generation != 1 || !kept[0].IsCurrent || kept[0].Entries != 1 {
		t.Errorf("kept are %+v, %v", kept, err)
	}
}

func TestOperator_Unpin_notPinned(t *testing.T) {
	t.Parallel()
	var b bucket
	b.publish(t, "a.example")
	etag := b.etag
	if pin, err := operate(&b).Unpin(context.Background()); pin != nil || err != nil || b.etag != etag {
		t.Errorf("%+v, %v, etag %d", pin, err, b.etag)
	}
}

func TestOperator_nothingPublished(t *testing.T) {
	t.Parallel()
	_, err := operate(&bucket{}).PlanRollback(context.Background(), 0)
	if !errors.Is(err, errNothingPublished) {
		t.Error(err)
	}
	if _, err := operate(&bucket{}).Unpin(context.Background()); !errors.Is(err, errNothingPublished) {
		t.Error(err)
	}
}
