package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// FeedSource is where the list of a feed is fetched. The zero FeedSource is nowhere.
type FeedSource struct {
	URL                       string
	Allow                     bool // the list lands in the allow folder
	SecretARN, SecretKey      string
	SecretHeader, SecretQuery string
	MaxBytes                  int64 // 0 = what the guards take
	Timeout                   time.Duration
}

func newFeedSource(wire *settings.Feed) FeedSource {
	if wire.URL == "" {
		return FeedSource{}
	}
	return FeedSource{
		URL: wire.URL, Allow: wire.Allow, SecretARN: wire.SecretARN, SecretKey: wire.SecretKey,
		SecretHeader: wire.SecretHeader, SecretQuery: wire.SecretQuery, MaxBytes: wire.MaxBytes, Timeout: wire.FetchTimeout(),
	}
}

// id identifies what is asked for.
func (s *FeedSource) id() string {
	hash := sha256.Sum256([]byte(strings.Join([]string{s.URL, s.SecretARN, s.SecretKey, s.SecretHeader, s.SecretQuery}, "\n")))
	return hex.EncodeToString(hash[:8])
}

func (s *FeedSource) action() indicator.Action {
	if s.Allow {
		return indicator.ActionAllow
	}
	return indicator.ActionBlock
}

func (s *FeedSource) key(id indicator.FeedID) string {
	prefix := BlockPrefix
	if s.Allow {
		prefix = AllowPrefix
	}
	return prefix + string(id) + "/" + FetchedName
}

// fetching is one fetch of a feed.
type fetching struct {
	id       indicator.FeedID
	settings FeedSettings
	row      FeedRow
	stored   Object // the list as it was fetched last; zero if it is not there
	result   fetch.Result
}

// fetchFeed fetches the list of a feed that has a URL and stores it where uploads lie, so
// that the import which follows is the same as of an upload. It is for feeds that were
// asked for by their id, as their schedule does, and for fetches that are to be made
// again. That a fetch goes wrong is no error: it is noted, and the feed goes on with the
// list that it has.
func (im *Importer) fetchFeed(ctx context.Context, r *request) error {
	if im.fetch.Fetcher == nil || !r.asked && !r.refetch || r.id == indicator.ManualFeed {
		return nil
	}
	read, problem, err := im.feedSettings(ctx, r.id, 0)
	switch {
	case err != nil:
		return err
	case read.Source.URL == "" && r.refetch:
		return im.noteFetch(ctx, r.id, FetchState{}, "") // it has no URL any more
	case read.Source.URL == "":
		if problem != nil {
			im.log.WarnContext(ctx, "settings of the feed are not read", "feed", r.id, "why", problem.Error())
		}
		return nil
	}
	// A schedule asks for a new list: one that was refused is not judged once more.
	r.asked = false
	read.Action = read.Source.action()
	f := &fetching{id: r.id, settings: read}
	if f.row, err = im.rows.Row(ctx, r.id); err != nil {
		return fmt.Errorf("reading the row: %w", err)
	}
	if f.row.Fetch.Source != read.Source.id() {
		f.row.Fetch = FetchState{Source: read.Source.id()}
	}
	if until := f.row.Fetch.RetryAt; until.After(im.now()) && r.force == "" {
		im.log.InfoContext(ctx, "feed is not fetched yet, as its server wishes", "feed", r.id, "until", until)
		return nil
	}
	if problem != nil {
		f.result = fetch.Result{Outcome: fetch.Refused, Reason: problem.Error()}
		return im.endFetch(ctx, f, "")
	}
	return im.fetchList(ctx, f, r.refetch)
}

// fetchList fetches and keeps the list.
func (im *Importer) fetchList(ctx context.Context, f *fetching, again bool) (err error) {
	f.stored, err = im.lists.Head(ctx, f.settings.Source.key(f.id))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("looking for the list as it was fetched last: %w", err)
	}
	request, err := im.fetchRequest(ctx, f, again)
	if err != nil {
		f.result = fetch.Result{Outcome: fetch.Failed, Reason: err.Error()}
		return im.endFetch(ctx, f, "")
	}
	f.result = im.fetch.Fetcher.Fetch(ctx, request)
	version := f.stored.Version // of what is not modified
	if f.result.Outcome == fetch.Fetched {
		version, err = im.keep(ctx, f)
		err = errors.Join(err, f.result.Body.Close())
		if err != nil {
			return err
		}
	}
	return im.endFetch(ctx, f, version)
}

// fetchRequest says what to fetch, how large and how long. Its error is about the secret.
func (im *Importer) fetchRequest(ctx context.Context, f *fetching, again bool) (fetch.Request, error) {
	source := &f.settings.Source
	request := fetch.Request{URL: source.URL, MaxBytes: im.guards.MaxListBytes, Timeout: source.Timeout}
	if source.MaxBytes > 0 {
		request.MaxBytes = min(request.MaxBytes, source.MaxBytes)
	}
	if deadline, limited := ctx.Deadline(); limited {
		// What is fetched must be imported yet. Servers that are slow again and again get
		// less, so that together they do not use up the run that looks after all feeds.
		share := time.Duration(2)
		if again {
			share = 8
		}
		request.Timeout = min(request.Timeout, time.Until(deadline)/share)
	}
	if state := &f.row.Fetch; f.stored.Version != "" && f.stored.Version == state.Version {
		request.ETag, request.LastModified = state.ETag, state.LastModified
	}
	if source.SecretARN == "" {
		return request, nil
	}
	value, err := im.fetch.Secrets.Secret(ctx, source.SecretARN, source.SecretKey)
	request.Secret = fetch.Secret{Header: source.SecretHeader, Query: source.SecretQuery, Value: value}
	return request, err
}

// endFetch notes and tells what came of a fetch. version is that of the list that the
// server has.
func (im *Importer) endFetch(ctx context.Context, f *fetching, version string) error {
	state, result := f.row.Fetch.next(&f.result, im.now()), &f.result
	log := im.log.With("feed", f.id, "outcome", result.Outcome, "status", result.Status, "url", result.URL)
	metric, confirmed := MetricFetchFailed, ""
	switch result.Outcome {
	case fetch.Fetched:
		metric, state.Version = MetricListFetched, version
	case fetch.NotModified:
		metric, state.Version, confirmed = MetricListNotModified, version, version
	case fetch.RetryLater:
		metric, log = MetricFetchDeferred, log.With("until", state.RetryAt)
	case fetch.Refused, fetch.Failed:
	}
	im.metrics.put(count(metric, 1))
	if state.Failures > 0 {
		log.WarnContext(ctx, "feed is not fetched and goes on with its list", "why", result.Reason, "failures", state.Failures)
	} else {
		log.InfoContext(ctx, "feed is fetched", "version", version)
	}
	return im.noteFetch(ctx, f.id, state, confirmed)
}

// noteFetch stores the state of a feed's URL. A list that its server confirms is as good
// as new: its age counts from here.
func (im *Importer) noteFetch(ctx context.Context, id indicator.FeedID, state FetchState, confirmed string) error {
	_, err := im.changeRow(ctx, id, func(stored *FeedRow) error {
		stored.Fetch = state
		if confirmed != "" && stored.Accepted.Version == confirmed {
			stored.Accepted.Confirmed = state.At
		}
		return nil
	})
	return err
}
