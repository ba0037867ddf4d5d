package importer_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/conformance/brokenlists"
)

// maxUpload bounds the lists that this test uploads to memory. The conformance test also reads
// the longer ones.
const maxUpload = 16 << 20

// A broken list that is refused changes only the reports, and the previous index keeps
// serving. One that is accepted is published with the entries that are left.
func TestImport_brokenLists(t *testing.T) {
	t.Parallel()
	imported := 0
	for _, broken := range brokenlists.All("../../test/testdata/broken-lists") {
		r, err := broken.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(io.LimitReader(r, maxUpload+1))
		if err != nil {
			t.Fatal(err)
		}
		if len(body) > maxUpload {
			continue
		}
		imported++
		importBroken(t, &broken, string(body))
	}
	if imported < 60 {
		t.Errorf("only %d lists were imported", imported)
	}
}

func importBroken(t *testing.T, broken *brokenlists.List, body string) {
	t.Helper()
	const feed = indicator.FeedID("broken")
	w, folder := newWorld(), "feeds/broken/"
	if broken.Settings.Action == indicator.ActionAllow {
		folder = "allow/broken/"
	}
	good := "before.example\n"
	if broken.Previous > 0 {
		good = broken.Before()
	}
	w.put("feeds/other/list.txt", "other.example\n")
	w.put(folder+"good.txt", good)
	w.handle(t, keys("feeds/other/list.txt", folder+"good.txt")...)
	served, tabled := w.served(t), w.tabled()

	parameter, err := json.Marshal(settings.Feed{Format: string(broken.Settings.Format), Column: broken.Settings.Column})
	if err != nil {
		t.Fatal(err)
	}
	w.parameters[feed] = string(parameter)
	upload := w.put(folder+broken.Name, body)
	w.handle(t, keys(folder+broken.Name)...)
	report := w.report(t, string(feed)+"/"+upload.object.Version)
	if strings.HasPrefix(broken.Want, "refused") {
		if report.Outcome != list.OutcomeRefused || len(report.Refusals) == 0 {
			t.Errorf("%s: the outcome is %s", broken.Name, report.Outcome)
		}
		wantEqual(t, broken.Name+": served", w.served(t), served)
		wantEqual(t, broken.Name+": table", w.tabled(), tabled)
		return
	}
	entries := strings.Count(w.served(t), "broken ")
	if want := fmt.Sprintf("takes %d", entries); report.Outcome != list.OutcomeAccepted || !strings.HasPrefix(broken.Want+",", want+",") {
		t.Errorf("%s: %s with %d entries served, want: %s", broken.Name, report.Outcome, entries, broken.Want)
	}
	if strings.Contains(w.served(t), "before") || w.served(t) != w.tabled() {
		t.Errorf("%s: the index or the table is not the new list:\n%s", broken.Name, w.served(t))
	}
}
