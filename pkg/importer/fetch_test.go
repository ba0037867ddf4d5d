package importer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/table"
	"github.com/resolverwatch/resolverwatch/test/killable"
)

const (
	siteURL    = "https://lists.example/all.txt"
	siteSecret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:vendor-AbCdEf"
)

// newSiteWorld returns a world with one feed, "site", that has a URL.
func newSiteWorld(t *testing.T, change func(*settings.Feed)) *world {
	t.Helper()
	w := newWorld()
	w.sites[siteURL] = site{body: "evil.example\n", etag: `"1"`}
	w.setSource(t, change)
	return w
}

func (w *world) setSource(t *testing.T, change func(*settings.Feed)) {
	t.Helper()
	feed := settings.Feed{URL: siteURL}
	if change != nil {
		change(&feed)
	}
	text, err := json.Marshal(feed)
	if err != nil {
		t.Fatal(err)
	}
	w.parameters["site"] = string(text)
}

// deploySource is like setSource, by a deployment, which also pins the secret.
func (w *world) deploySource(t *testing.T, change func(*settings.Feed)) {
	t.Helper()
	w.setSource(t, change)
	feed, err := settings.DecodeFeed([]byte(w.parameters["site"]))
	if err != nil {
		t.Fatal(err)
	}
	w.pins = settings.PinSecrets(map[string]settings.Feed{"site": feed}, func(string) bool { return false })
}

// fetch lets an hour pass and runs the schedule of the feed.
func (w *world) fetch(t *testing.T) *process {
	t.Helper()
	w.pass(time.Hour)
	return w.handle(t, importer.Trigger{Feed: "site"})
}

// writes returns the calls that wrote or deleted something.
func (p *process) writes() []string {
	var writes []string
	for _, call := range p.Calls {
		for _, verb := range []string{"Put", "Create", "Replace", "Write", "Delete", "SwapCurrent"} {
			if strings.HasPrefix(call, verb) {
				writes = append(writes, call)
			}
		}
	}
	return writes
}

func TestImporter_Handle_fetches(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, nil)
	first := w.fetch(t)
	if got := w.served(t); !strings.Contains(got, "evil.example") {
		t.Errorf("serves %q", got)
	}
	stored := w.uploads["feeds/site/fetched"]
	if len(stored) != 1 || string(stored[0].body) != "evil.example\n" {
		t.Fatalf("stored %v", stored)
	}
	want := map[string]string{
		"resolverwatch-source":       siteURL,
		"resolverwatch-fetched-at":   "2030-01-01T01:00:00Z",
		"resolverwatch-sha256":       fmt.Sprintf("%x", sha256.Sum256([]byte("evil.example\n"))),
		"resolverwatch-etag":         `"1"`,
		"resolverwatch-content-type": "text/plain",
	}
	if diff := cmp.Diff(want, stored[0].object.Metadata); diff != "" {
		t.Error(diff)
	}
	request := first.asked[0]
	if request.ETag != "" || request.MaxBytes != 256<<20 || request.Timeout != settings.FetchTimeout || request.Secret != (fetch.Secret{}) {
		t.Errorf("asked %+v", request)
	}
	if first.counts["ListFetched"] != 1 || first.counts["ImportAccepted"] != 1 {
		t.Errorf("counted %v", first.counts)
	}

	// The event that is caused by storing the list has nothing to do.
	if event := w.handle(t, keys("feeds/site/fetched")...); len(event.writes()) > 0 || len(event.asked) > 0 {
		t.Errorf("the event of the stored list writes %v, asks %v", event.writes(), event.asked)
	}

	// An unchanged list causes one write, which records the fetch.
	second := w.fetch(t)
	if diff := cmp.Diff([]string{"PutRow"}, second.writes()); diff != "" || second.asked[0].ETag != `"1"` {
		t.Errorf("asked with %q, writes: %s", second.asked[0].ETag, diff)
	}
	if second.counts["ListNotModified"] != 1 || second.counts["FetchFailed"] != 0 {
		t.Errorf("counted %v", second.counts)
	}

	// A changed list is served.
	w.sites[siteURL] = site{body: "worse.example\n", etag: `"2"`}
	w.fetch(t)
	if got := w.served(t); strings.Contains(got, "evil.example") || !strings.Contains(got, "worse.example") {
		t.Errorf("serves %q", got)
	}
}

// A server without etags sends the same list each time. It is stored once.
func TestImporter_Handle_fetchesSameBytes(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, nil)
	w.sites[siteURL] = site{body: "evil.example\n"}
	w.fetch(t)
	again := w.fetch(t)
	if diff := cmp.Diff([]string{"PutRow"}, again.writes()); diff != "" || again.counts["ListNotModified"] != 1 {
		t.Errorf("counted %v, writes: %s", again.counts, diff)
	}
	// If the server starts to send etags, requests contain them.
	w.sites[siteURL] = site{body: "evil.example\n", etag: `"9"`}
	w.fetch(t)
	if last := w.fetch(t); last.asked[0].ETag != `"9"` {
		t.Errorf("asked with %q", last.asked[0].ETag)
	}
}

// If the etag of the last list cannot be used, the request is not conditional.
func TestImporter_Handle_fetchesUnconditionally(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"its object was deleted":    func(w *world) { w.remove("feeds/site/fetched") },
		"somebody uploaded over it": func(w *world) { w.put("feeds/site/fetched", "other.example\n") },
		"the URL changed":           func(w *world) { w.setSource(t, func(f *settings.Feed) { f.URL = siteURL + "?all" }) },
		"the secret changed": func(w *world) {
			w.deploySource(t, func(f *settings.Feed) { f.SecretARN, f.SecretHeader = siteSecret, "X-Key" })
		},
		"the folder changed":         func(w *world) { w.setSource(t, func(f *settings.Feed) { f.Allow = true }) },
		"the row was lost":           func(w *world) { delete(w.state, "site") },
		"the list changed elsewhere": func(w *world) { w.sites[siteURL] = site{body: "new.example\n", etag: `"2"`} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t, nil)
			w.secrets = map[string]string{siteSecret: "hunter2hunter2"}
			w.fetch(t)
			w.sites[siteURL+"?all"] = w.sites[siteURL]
			change(w)
			again := w.fetch(t)
			wantETag := ""
			if name == "the list changed elsewhere" {
				wantETag = `"1"`
			}
			if len(again.asked) != 1 || again.asked[0].ETag != wantETag {
				t.Fatalf("asked %+v", again.asked)
			}
			if again.counts["FetchFailed"] > 0 {
				t.Errorf("counted %v", again.counts)
			}
		})
	}
}

// The settings determine the request.
func TestImporter_Handle_fetchRequest(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, nil)
	w.deploySource(t, func(f *settings.Feed) {
		f.SecretARN, f.SecretKey, f.SecretQuery = siteSecret, "token", "auth-key"
		f.Allow = true
	})
	w.secrets = map[string]string{siteSecret + "token": "hunter2hunter2"}
	p := w.process()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if err := p.importer(t).Handle(ctx, importer.Trigger{Feed: "site"}); err != nil {
		t.Fatal(err)
	}
	request := p.asked[0]
	if request.Timeout > 20*time.Second || request.Timeout < 15*time.Second {
		t.Errorf("asked %+v", request)
	}
	if request.Secret.Value != "hunter2hunter2" || request.Secret.Query != "auth-key" || request.Secret.Header != "" {
		t.Errorf("with the secret %q as %q", request.Secret.Value, request.Secret.Query)
	}
	if len(w.uploads["allow/site/fetched"]) != 1 || w.state["site"].Accepted.Action.String() != "allow" {
		t.Errorf("stored %v, accepted %+v", slices.Collect(maps.Keys(w.uploads)), w.state["site"].Accepted)
	}
}

// A secret is sent only as the deployment pinned it. A feed that asks for anything else keeps its
// list and says why.
func TestImporter_Handle_fetchSendsPinnedSecret(t *testing.T) {
	t.Parallel()
	deployed := func(f *settings.Feed) { f.SecretARN, f.SecretHeader = siteSecret, "X-Key" }
	const attacker = "https://attacker.example/list.txt"
	for _, tc := range []struct {
		name     string
		change   func(w *world)
		wantSent bool
	}{
		{"as deployed", func(*world) {}, true},
		{"another path", func(w *world) {
			w.setSource(t, func(f *settings.Feed) { deployed(f); f.URL = siteURL + "?all" })
		}, true},
		{"another host", func(w *world) {
			w.setSource(t, func(f *settings.Feed) { deployed(f); f.URL = attacker })
		}, false},
		{"another header", func(w *world) {
			w.setSource(t, func(f *settings.Feed) { deployed(f); f.SecretHeader = "X-Other" })
		}, false},
		{"without pins, as before the update is complete", func(w *world) { w.pins = nil }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t, nil)
			w.deploySource(t, deployed)
			w.secrets = map[string]string{siteSecret: "hunter2hunter2"}
			w.sites[siteURL+"?all"], w.sites[attacker] = w.sites[siteURL], w.sites[siteURL]
			w.fetch(t)
			before := w.served(t)
			tc.change(w)
			p := w.fetch(t)
			state := w.state["site"].Fetch
			if sent := len(p.asked) == 1 && p.asked[0].Secret.Value != ""; sent != tc.wantSent || len(p.asked) > 1 {
				t.Errorf("asked %+v", p.asked)
			}
			if refused := state.Outcome == fetch.Refused && strings.Contains(state.Reason, "deploy"); refused == tc.wantSent {
				t.Errorf("state is %+v", state)
			}
			if w.served(t) != before {
				t.Errorf("serves %q, before %q", w.served(t), before)
			}
		})
	}
}

// If a fetch fails, the feed keeps its list and the failure is recorded.
func TestImporter_Handle_fetchFails(t *testing.T) {
	t.Parallel()
	fails := func(outcome fetch.Outcome, reason string) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) {
			w.sites[siteURL] = site{failure: fetch.Result{Outcome: outcome, Reason: reason}}
		}
	}
	responds := func(body string) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) { w.sites[siteURL] = site{body: body, etag: `"2"`} }
	}
	for _, tc := range []struct {
		name       string
		change     func(*testing.T, *world)
		want       fetch.Outcome
		wantReason string
		wantReport list.RefusalCode // none if empty
	}{
		{"the server fails", fails(fetch.Failed, "the server answers 502 Bad Gateway"), fetch.Failed, "502", ""},
		{"the server refuses", fails(fetch.Refused, "the server answers 404 Not Found"), fetch.Refused, "404", ""},
		{"a page", responds("<!DOCTYPE html><title>Log in</title>"), fetch.Refused, `it says "Log in"`, list.RefusedUnreadable},
		{"a message", responds("Rate limit exceeded. Try again later!\n"), fetch.Refused, "the response is not a list", list.RefusedUnreadable},
		{"an error as JSON", responds(`{"error":"bad key"}`), fetch.Refused, "an error message instead of a list", list.RefusedUnreadable},
		{"an empty response", responds(""), fetch.Refused, "no entries", list.RefusedNoEntries},
		{"an archive", responds("PK\x03\x04 and so on"), fetch.Refused, "archive", list.RefusedUnreadable},
		{"half an archive", responds("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), fetch.Refused, "ends too early", list.RefusedUnreadable},
		{"only junk", responds("a_b c_d\n!!\n"), fetch.Refused, "the response is not a list", list.RefusedUnreadable},
		{"the secret cannot be read", func(t *testing.T, w *world) {
			w.deploySource(t, func(f *settings.Feed) { f.SecretARN, f.SecretHeader = siteSecret, "X-Key" })
		}, fetch.Failed, "AccessDeniedException", ""},
		{"the settings became invalid", func(t *testing.T, w *world) {
			w.setSource(t, func(f *settings.Feed) { f.Format = "cvs" })
		}, fetch.Refused, `format: "cvs"`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newSiteWorld(t, nil)
			w.fetch(t)
			before := w.served(t)
			tc.change(t, w)
			failed := w.fetch(t)
			state := w.state["site"].Fetch
			if w.served(t) != before || len(w.uploads["feeds/site/fetched"]) != 1 {
				t.Errorf("serves %q, stored %d lists", w.served(t), len(w.uploads["feeds/site/fetched"]))
			}
			if state.Outcome != tc.want || !strings.Contains(state.Reason, tc.wantReason) || state.Failures != 1 {
				t.Errorf("state is %+v", state)
			}
			if failed.counts["FetchFailed"] != 1 || failed.counts["ImportFailed"] != 0 {
				t.Errorf("counted %v", failed.counts)
			}
			reports := slices.DeleteFunc(slices.Sorted(maps.Keys(w.objects)), func(key string) bool {
				return !strings.HasPrefix(key, "reports/site/fetched-") || !strings.HasSuffix(key, ".json")
			})
			if len(reports) != map[bool]int{true: 1}[tc.wantReport != ""] {
				t.Fatalf("reports are %v", reports)
			}
			if tc.wantReport != "" {
				report := w.report(t, strings.TrimSuffix(strings.TrimPrefix(reports[0], settings.ReportPrefix), ".json"))
				if report.Outcome != list.OutcomeRefused || report.Refusals[0].Code != tc.wantReport ||
					report.Key != siteURL || report.Feed != "site" || report.Previous != 1 {
					t.Errorf("report is %+v", report)
				}
			}
			again := w.fetch(t)
			if again.counts["ImportRejected"] > map[bool]float64{true: 1}[tc.name == "the settings became invalid"] ||
				w.state["site"].Fetch.Failures != 2 {
				t.Errorf("the same failure is reported again: %v", again.counts)
			}
		})
	}
}

// A list that a guard refuses is stored and reported like an upload. The schedule does not cause
// another check of it, and a reason overrides the refusal.
func TestImporter_Handle_fetchedListRefused(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, nil)
	w.sites[siteURL] = site{body: numbered("a", 3000), etag: `"1"`}
	w.fetch(t)
	w.sites[siteURL] = site{body: numbered("a", 10), etag: `"2"`}
	if p := w.fetch(t); p.counts["ImportRejected"] != 1 || len(w.uploads["feeds/site/fetched"]) != 2 {
		t.Errorf("counted %v, stored %d", p.counts, len(w.uploads["feeds/site/fetched"]))
	}
	if p := w.fetch(t); p.counts["ImportRejected"] != 0 || p.asked[0].ETag != `"2"` {
		t.Errorf("counted %v, asked with %q", p.counts, p.asked[0].ETag)
	}
	if age := w.handle(t, scheduled()).listAges["site"]; age < (2 * time.Hour).Seconds() {
		t.Errorf("a refused list makes the feed look fresh: %v s", age)
	}
	w.handle(t, importer.Trigger{Feed: "site", Force: "the vendor says so"})
	if got := w.state["site"]; got.Accepted.Entries != 10 || got.Last.Outcome != list.OutcomeForced {
		t.Errorf("row is %+v", got)
	}
}

// The guard that stops decompression bombs in uploads also stops them in fetched lists.
func TestImporter_Handle_fetchedBomb(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, nil)
	w.fetch(t)
	before := w.served(t)
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	for line := bytes.Repeat([]byte("evil.example\n"), 1000); bomb.Len() < 100<<10; {
		if _, err := zip.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	w.sites[siteURL] = site{body: bomb.String(), etag: `"2"`}
	p := w.fetch(t)
	report := w.report(t, "site/"+w.state["site"].Fetch.Version)
	if w.served(t) != before || p.counts["ImportRejected"] != 1 || report.Refusals[0].Code != list.RefusedTooLarge {
		t.Errorf("serves %q, counted %v, report %+v", w.served(t), p.counts, report)
	}
}

// If a server asks to retry later, the schedule and the scheduled run wait. A forced run does
// not.
func TestImporter_Handle_fetchLater(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, nil)
	until := w.now.Add(5 * time.Hour)
	good := w.sites[siteURL]
	w.sites[siteURL] = site{failure: fetch.Result{Outcome: fetch.RetryLater, Reason: "the server answers 429", RetryAt: until}}
	if p := w.fetch(t); p.counts["FetchDeferred"] != 1 || !w.state["site"].Fetch.RetryAt.Equal(until) {
		t.Errorf("counted %v, state is %+v", p.counts, w.state["site"].Fetch)
	}
	w.sites[siteURL] = good
	for range 3 {
		if p := w.fetch(t); len(p.asked) > 0 || len(p.writes()) > 0 {
			t.Errorf("asked too early, wrote %v", p.writes())
		}
		if p := w.handle(t, scheduled()); len(p.asked) > 0 {
			t.Error("asked by the scheduled run")
		}
	}
	forced := w.clone()
	if p := forced.handle(t, importer.Trigger{Feed: "site", Force: "on the phone"}); len(p.asked) != 1 {
		t.Error("a forced run did not ask")
	}
	w.pass(2 * time.Hour)
	if p := w.handle(t, scheduled()); len(p.asked) != 1 || !strings.Contains(w.served(t), "evil.example") {
		t.Errorf("asked %d times after the wait, serves %q", len(p.asked), w.served(t))
	}
}

// The scheduled run repeats a failed fetch, but not at once, and after the feeds that do not
// need a server are published.
func TestImporter_Handle_fetchesAgain(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, nil)
	good := w.sites[siteURL]
	w.sites[siteURL] = site{failure: fetch.Result{Outcome: fetch.Failed, Reason: "the server answers 500"}}
	w.put("feeds/zz/list", "zz.example\n")
	w.fetch(t)
	if p := w.handle(t, scheduled()); len(p.asked) > 0 {
		t.Error("asked again at once")
	}
	w.sites[siteURL] = good
	w.put("feeds/zz/list", "zzz.example\n")
	w.pass(30 * time.Minute)
	p := w.handle(t, scheduled())
	if len(p.asked) != 1 || slices.Index(p.Calls, "Fetch") < slices.Index(p.Calls, "SwapCurrent") {
		t.Errorf("calls are %v", p.Calls)
	}
	if state := w.state["site"].Fetch; state.Failures != 0 || state.Outcome != fetch.Fetched {
		t.Errorf("state is %+v", state)
	}
	if p := w.handle(t, scheduled()); len(p.asked) > 0 {
		t.Error("a successful fetch is repeated")
	}
	// If the URL is removed, the failed fetch is not repeated forever.
	w.sites[siteURL] = site{failure: fetch.Result{Outcome: fetch.Failed}}
	w.fetch(t)
	delete(w.parameters, "site")
	w.pass(time.Hour)
	if p := w.handle(t, scheduled()); len(p.asked) > 0 || w.state["site"].Fetch != (table.FetchState{}) {
		t.Errorf("asked %d times, state is %+v", len(p.asked), w.state["site"].Fetch)
	}
}

// A list that the server confirms does not age.
func TestImporter_Handle_fetchConfirms(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, func(f *settings.Feed) { f.MaxAge = settings.Duration(12 * time.Hour) })
	w.put("feeds/other/list", "other.example\n")
	w.handle(t, keys("feeds/other/list")...)
	w.fetch(t)
	for range 24 {
		w.fetch(t)
	}
	if p := w.handle(t, scheduled()); p.counts["FeedExpired"] > 0 || p.listAges["site"] != 0 {
		t.Errorf("counted %v, aged %v", p.counts, p.listAges)
	}
	w.sites[siteURL] = site{failure: fetch.Result{Outcome: fetch.Failed}}
	for range 13 {
		w.fetch(t)
	}
	if p := w.handle(t, scheduled()); p.counts["FeedExpired"] == 0 || p.listAges["site"] != (13*time.Hour).Seconds() {
		t.Errorf("counted %v, aged %v", p.counts, p.listAges)
	}
}

// A list that is uploaded for a feed with a URL is the newest list until the list at the URL
// changes.
func TestImporter_Handle_uploadBesideFetched(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, nil)
	w.fetch(t)
	w.put("feeds/site/by-hand.txt", "good-for-now.example\n")
	w.handle(t, keys("feeds/site/by-hand.txt")...)
	w.fetch(t)
	if got := w.served(t); !strings.Contains(got, "good-for-now.example") {
		t.Errorf("serves %q", got)
	}
	w.sites[siteURL] = site{body: "corrected.example\n", etag: `"2"`}
	w.fetch(t)
	if got := w.served(t); !strings.Contains(got, "corrected.example") {
		t.Errorf("serves %q", got)
	}
}

// Nothing is fetched for an object, for the scheduled run, for the manual feed, or without ports.
func TestImporter_Handle_doesNotFetch(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t, nil)
	w.parameters["manual"] = w.parameters["site"]
	for name, trigger := range map[string]importer.Trigger{
		"an object": keys("feeds/site/list")[0], "the schedule": scheduled(), "manual entries": {Feed: "manual"}, "no URL": {Feed: "other"},
	} {
		if p := w.handle(t, trigger); len(p.asked) > 0 {
			t.Errorf("%s: asked %v", name, p.asked)
		}
	}
	p := w.process()
	_, err := importer.New(importer.Config{
		Lists: lists{p}, Archive: archive{p}, Settings: feedSettings{p}, Rows: feedRows{p}, Entries: entryRows{p}, Pointer: indexStore{p}, Indexes: indexStore{p},
		MaxIndexBytes: 1, Fetch: importer.FetchPorts{Inbox: inbox{p}},
	})
	if err == nil || !strings.Contains(err.Error(), "fetch: set all of its ports or none") {
		t.Errorf("error %v", err)
	}
}

// If a fetch is killed at any call, a later run completes it, and no list is stored twice.
func TestEnumeration_fetchKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	begin := newSiteWorld(t, nil)
	begin.fetch(t)
	before := begin.served(t)
	begin.sites[siteURL] = site{body: "worse.example\n", etag: `"2"`}
	begin.pass(time.Hour)
	trigger := importer.Trigger{Feed: "site"}
	done := begin.clone()
	calls := len(done.handle(t, trigger).Calls)
	after := done.served(t)
	for at := range everyCall(calls) {
		for _, afterCall := range []bool{false, true} {
			w := begin.clone()
			killed := w.process().die(at, afterCall)
			err := killed.importer(t).Handle(context.Background(), trigger)
			if !errors.Is(err, killable.ErrKilled) && at < calls && !isSweep(killed.Calls, at) {
				t.Fatalf("killed at %q, the run ended with %v", killed.Calls[at-1], err)
			}
			wantSound(t, w, before, after)
			w.pass(time.Minute)
			if len(w.uploads["feeds/site/fetched"]) == 2 {
				w.handle(t, keys("feeds/site/fetched")...) // the event of the stored list
			} else {
				w.handle(t, trigger)
			}
			wantFinished(t, w, after)
			w.pass(time.Hour)
			w.handle(t, trigger)
			wantFinished(t, w, after)
			if n := len(w.uploads["feeds/site/fetched"]); n != 2 {
				t.Errorf("stored %d lists", n)
			}
			if state := w.state["site"].Fetch; state.ETag != `"2"` || state.Failures != 0 {
				t.Errorf("state is %+v", state)
			}
		}
	}
	t.Logf("%d calls, killed before and after each", calls)
}
