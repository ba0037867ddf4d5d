package importer_test

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/list"
)

func TestImporter_Handle_guardLists(t *testing.T) {
	t.Parallel()
	const key, protected = "feeds/f/list.txt", "guards/protected/ours.txt"
	w := newWorld()
	w.put(key, "evil.example\npartner.example\nshop.example\n")
	w.handle(t, keys(key)...)

	w.put(protected, "partner.example\n")
	w.put("guards/top/list.csv", "1,shop.example\n")
	w.handle(t, keys(protected)...)
	wantEqual(t, "served with both lists", w.served(t), "f block subtree evil.example")
	report := w.report(t, "f/v1")
	if report.Dropped[list.DropProtected] != 1 || report.Dropped[list.DropTopList] != 1 {
		t.Errorf("report is %+v", report)
	}

	w.put(protected, "partner.example\noops not a name\n")
	w.handle(t, keys(protected)...)
	wantEqual(t, "served with a bad list", w.served(t), "f block subtree evil.example")
	report = w.report(t, "f/v1")
	if report.Outcome != list.OutcomeRefused || report.Refusals[0].Code != list.RefusedGuardList ||
		!strings.Contains(report.Refusals[0].What, `"guards/protected/ours.txt" cannot be read: line 2`) {
		t.Errorf("report is %+v", report)
	}

	w.put("guards/other/list.txt", "partner.example\n")
	w.remove(protected)
	w.handle(t, keys(protected)...)
	if what := w.report(t, "f/v1").Refusals[0].What; !strings.Contains(what, "must be under guards/protected/") {
		t.Errorf("refused because %q", what)
	}

	w.remove("guards/other/list.txt")
	w.handle(t, scheduled())
	wantEqual(t, "served without it", w.served(t),
		lines("f block subtree evil.example", "f block subtree partner.example"))
}
