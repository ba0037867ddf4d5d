package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// fetchedName is the name of the fetched list in the folder of its feed.
const fetchedName = "fetched"

// Metadata of a fetched list: where it comes from.
const (
	metadataSource    = "resolverwatch-source" // the URL without its query
	metadataFetchedAt = "resolverwatch-fetched-at"
	metadataSHA256    = "resolverwatch-sha256"

	// These are response headers of the server.
	metadataETag         = "resolverwatch-etag"
	metadataLastModified = "resolverwatch-last-modified"
	metadataContentType  = "resolverwatch-content-type"
)

// fetchStep fetches the lists of feeds that have a URL and stores them in the folder of the
// feed, like an upload.
type fetchStep struct {
	FetchPorts
	lists    Lists
	settings Settings
	rows     table.FeedRows
	guards   list.Guards
	reports  *reporter
	metrics  *metric.Writer
	log      *slog.Logger
	now      func() time.Time
	pins     []string // see [settings.PinSecrets]
}

// fetching is one fetch of a feed.
type fetching struct {
	id       indicator.FeedID
	settings feedSettings
	row      table.FeedRow
	stored   storage.Object // the list that was fetched last; zero if it does not exist
	result   fetch.Result
}

// run fetches the list of a feed if the task names the feed by its id, as the schedule of
// the feed does, or if an earlier fetch is due again. The list is stored where users upload
// lists, and imported like an upload. A failed fetch is not an error: it is recorded, and
// the feed keeps the list that it has.
func (s *fetchStep) run(ctx context.Context, t *task) error {
	if !t.byID && !t.refetch || t.id == indicator.ManualFeed {
		return nil
	}
	parsed, refusal, err := readFeedSettings(ctx, s.settings, t.id, 0)
	switch {
	case err != nil:
		return err
	case parsed.source.URL == "" && t.refetch:
		return s.record(ctx, t.id, table.FetchState{}, "") // the URL was removed
	case parsed.source.URL == "":
		if refusal != nil {
			s.log.WarnContext(ctx, "settings of the feed are not valid", "feed", t.id, "why", refusal.Error())
		}
		return nil
	}

	// A schedule asks for a new list. It does not ask to check a refused list again.
	t.byID = false
	parsed.Action = parsed.source.action()
	f := &fetching{id: t.id, settings: parsed}
	if f.row, err = s.rows.Row(ctx, t.id); err != nil {
		return fmt.Errorf("reading the row: %w", err)
	}
	if source := parsed.source.fingerprint(); f.row.Fetch.Source != source {
		f.row.Fetch = table.FetchState{Source: source}
	}
	if until := f.row.Fetch.RetryAt; until.After(s.now()) && t.force == "" {
		s.log.InfoContext(ctx, "fetch is deferred at the server's request", "feed", t.id, "until", until)
		return nil
	}
	if refusal == nil {
		refusal = s.checkSecret(f)
	}
	if refusal != nil {
		f.result = fetch.Result{Outcome: fetch.Refused, Reason: refusal.Error()}
		return s.finish(ctx, f, "")
	}
	return s.fetch(ctx, f, t.refetch)
}

// checkSecret refuses to send a secret that the deployment did not pin to the host, because
// the parameter of a feed can name any secret that the importer may read, and any host.
func (s *fetchStep) checkSecret(f *fetching) *list.Refusal {
	if f.settings.source.isPinned(f.id, s.pins) {
		return nil
	}
	return &list.Refusal{
		Code: list.RefusedSettings,
		What: "the feed's parameter sends a secret to a host, or in a way, that the deployment did not set for this feed",
		Todo: "set the URL and the secret of the feed in cdk.json or its props, and deploy",
	}
}

// fetch downloads the list and stores it.
func (s *fetchStep) fetch(ctx context.Context, f *fetching, refetch bool) (err error) {
	f.stored, err = s.lists.Head(ctx, f.settings.source.key(f.id))
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("looking for the list that was fetched last: %w", err)
	}

	request, err := s.newRequest(ctx, f, refetch)
	if err != nil {
		f.result = fetch.Result{Outcome: fetch.Failed, Reason: err.Error()}
		return s.finish(ctx, f, "")
	}
	f.result = s.Fetcher.Fetch(ctx, request)

	version := f.stored.Version // the answer if the list is not modified
	if f.result.Outcome == fetch.Fetched {
		version, err = s.store(ctx, f)
		err = errors.Join(err, f.result.Body.Close())
		if err != nil {
			return err
		}
	}
	return s.finish(ctx, f, version)
}

// newRequest returns the request, with its limits. The error is about the secret.
func (s *fetchStep) newRequest(ctx context.Context, f *fetching, refetch bool) (fetch.Request, error) {
	source := &f.settings.source
	request := fetch.Request{URL: source.URL, MaxBytes: s.guards.MaxListBytes, Timeout: settings.FetchTimeout}

	if deadline, limited := ctx.Deadline(); limited {
		// There must be time left to import the list. A fetch that failed before gets a
		// smaller share, so that several slow servers do not use up the scheduled run.
		share := time.Duration(2)
		if refetch {
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
	value, err := s.Secrets.Secret(ctx, source.SecretARN, source.SecretKey)
	request.Secret = fetch.Secret{Header: source.SecretHeader, Query: source.SecretQuery, Value: value}
	return request, err
}

// store stores a fetched list and returns its version.
//
// If the bytes are those of the last fetch, nothing is stored, so that a server without
// etags does not cause a new version each time. If nothing in the bytes is an entry, for
// example in an error page, they are not stored either: they would replace the list that
// is read again when the settings change. There is a report on them as on any refused
// list. All other lists are stored and checked like an upload.
func (s *fetchStep) store(ctx context.Context, f *fetching) (version string, err error) {
	body := f.result.Body
	if f.stored.Metadata[metadataSHA256] == body.SHA256 {
		f.result.Outcome = fetch.NotModified
		// The headers may have changed: see nextFetchState.
		f.row.Fetch.ETag, f.row.Fetch.LastModified = f.result.ETag, f.result.LastModified
		return f.stored.Version, nil
	}

	refusals, err := list.Probe(body, f.settings.Options, s.guards)
	if err != nil {
		return "", fmt.Errorf("probing the fetched list: %w", err)
	}
	if len(refusals) > 0 {
		return "", s.refuse(ctx, f, refusals)
	}

	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("reading the fetched list again: %w", err)
	}
	key := f.settings.source.key(f.id)
	version, err = s.Inbox.Put(ctx, key, body, s.provenance(&f.result))
	if err != nil {
		return "", fmt.Errorf("storing the fetched list as %q: %w", key, err)
	}
	return version, nil
}

// provenance returns the metadata that says where a list comes from.
func (s *fetchStep) provenance(result *fetch.Result) map[string]string {
	metadata := map[string]string{
		metadataSource:    result.URL,
		metadataFetchedAt: s.now().Format(time.RFC3339),
		metadataSHA256:    result.Body.SHA256,
	}
	for name, value := range map[string]string{
		metadataETag:         result.ETag,
		metadataLastModified: result.LastModified,
		metadataContentType:  result.ContentType,
	} {
		if value != "" {
			metadata[name] = value
		}
	}
	return metadata
}

// refuse handles a response that is not a list. If the same response comes again, there is
// no second report.
func (s *fetchStep) refuse(ctx context.Context, f *fetching, refusals list.Refusals) error {
	body := f.result.Body
	report := s.reports.newReport(&f.row, &storage.Object{
		Key:     f.result.URL,
		Version: fetchedName + "-" + body.SHA256[:16],
		Size:    body.Size,
	})
	report.Feed, report.Refusals = f.id, refusals
	f.result.Outcome = fetch.Refused
	f.result.Reason = fmt.Sprintf("the response is not a list (%s), see %s.txt",
		strings.ReplaceAll(refusals.Error(), "\n", "; "), report.StoreKey())

	if before := &f.row.Fetch; before.Outcome == f.result.Outcome && before.Reason == cleanReason(f.result.Reason) {
		return nil
	}
	return s.reports.refuse(ctx, report)
}

// finish records and logs the result of a fetch. version is the stored list that the server
// has.
func (s *fetchStep) finish(ctx context.Context, f *fetching, version string) error {
	state, result := nextFetchState(f.row.Fetch, &f.result, s.now()), &f.result
	log := s.log.With("feed", f.id, "outcome", result.Outcome, "status", result.Status, "url", result.URL)
	counted, confirmed := metric.FetchFailed, ""
	switch result.Outcome {
	case fetch.Fetched:
		counted, state.Version = metric.ListFetched, version
	case fetch.NotModified:
		counted, state.Version, confirmed = metric.ListNotModified, version, version
	case fetch.RetryLater:
		counted, log = metric.FetchDeferred, log.With("until", state.RetryAt)
	case fetch.Refused, fetch.Failed:
	}
	s.metrics.Put(metric.Count(counted, 1))

	if state.Failures > 0 {
		log.WarnContext(ctx, "fetch failed, feed keeps its list", "why", result.Reason, "failures", state.Failures)
	} else {
		log.InfoContext(ctx, "feed fetched", "version", version)
	}
	return s.record(ctx, f.id, state, confirmed)
}

// record stores the state of a feed's URL. The age of a list that the server confirmed
// counts from the confirmation.
func (s *fetchStep) record(ctx context.Context, id indicator.FeedID, state table.FetchState, confirmed string) error {
	_, err := table.ChangeRow(ctx, s.rows, id, func(stored *table.FeedRow) error {
		stored.Fetch = state
		if confirmed != "" && stored.Accepted.Version == confirmed {
			stored.Accepted.Confirmed = state.At
		}
		return nil
	})
	return err
}

// refetchAfter is how long the scheduled run waits before it repeats a failed fetch. It
// repeats it because a feed that is scheduled once a day must not lose a whole day.
const refetchAfter = 30 * time.Minute

// isFetchDue reports whether a failed fetch should be repeated.
func isFetchDue(s *table.FetchState, now time.Time) bool {
	failed := s.Outcome == fetch.Failed || s.Outcome == fetch.RetryLater
	return failed && !now.Before(s.RetryAt) && now.Sub(s.At) >= refetchAfter
}

// maxReason bounds the reason that is stored in a row, in bytes.
const maxReason = 500

// cleanReason returns a reason in the form in which it is stored in a row.
func cleanReason(reason string) string {
	return list.CleanText(reason[:min(len(reason), maxReason)])
}

// nextFetchState returns the state after a fetch.
func nextFetchState(s table.FetchState, result *fetch.Result, now time.Time) table.FetchState {
	s.Outcome, s.Reason, s.At = result.Outcome, cleanReason(result.Reason), now
	s.RetryAt = result.RetryAt.UTC().Truncate(time.Second)
	if result.RetryAt.IsZero() {
		s.RetryAt = time.Time{}
	}

	switch result.Outcome {
	case fetch.Fetched:
		s.ETag, s.LastModified, s.Failures = result.ETag, result.LastModified, 0
	case fetch.NotModified:
		s.Failures = 0
	default:
		s.Failures++
	}
	return s
}
