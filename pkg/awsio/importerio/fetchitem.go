package importerio

import (
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// fetchItem is what the row of a feed says about its URL.
type fetchItem struct {
	FetchSource       string `dynamodbav:"fetch_source,omitempty"`
	FetchVersionID    string `dynamodbav:"fetch_version_id,omitempty"`
	FetchETag         string `dynamodbav:"fetch_etag,omitempty"`
	FetchLastModified string `dynamodbav:"fetch_last_modified,omitempty"`
	FetchOutcome      string `dynamodbav:"fetch_outcome,omitempty"`
	FetchReason       string `dynamodbav:"fetch_reason,omitempty"`
	FetchedAt         string `dynamodbav:"fetched_at,omitempty"`
	FetchRetryAt      string `dynamodbav:"fetch_retry_at,omitempty"`
	FetchFailures     int    `dynamodbav:"fetch_failures,omitempty"`
	ConfirmedAt       string `dynamodbav:"confirmed_at,omitempty"`
}

func newFetchItem(row *table.FeedRow) fetchItem {
	state := &row.Fetch
	return fetchItem{
		FetchSource: state.Source, FetchVersionID: state.Version,
		FetchETag: state.ETag, FetchLastModified: state.LastModified,
		FetchOutcome: string(state.Outcome), FetchReason: state.Reason, FetchFailures: state.Failures,
		FetchedAt: formatTime(state.At), FetchRetryAt: formatTime(state.RetryAt),
		ConfirmedAt: formatTime(row.Accepted.Confirmed),
	}
}

// decodeFetch is the inverse of newFetchItem.
func (i *fetchItem) decodeFetch(row *table.FeedRow) error {
	row.Fetch = table.FetchState{
		Source: i.FetchSource, Version: i.FetchVersionID, ETag: i.FetchETag, LastModified: i.FetchLastModified,
		Outcome: fetch.Outcome(i.FetchOutcome), Reason: i.FetchReason, Failures: i.FetchFailures,
	}
	var errs [3]error
	row.Fetch.At, errs[0] = parseTime(i.FetchedAt)
	row.Fetch.RetryAt, errs[1] = parseTime(i.FetchRetryAt)
	row.Accepted.Confirmed, errs[2] = parseTime(i.ConfirmedAt)
	return errors.Join(errs[:]...)
}
