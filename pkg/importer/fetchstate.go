package importer

import (
	"context"
	"io"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
)

// FetchPorts are what feeds with a URL need. All are set, or none.
type FetchPorts struct {
	Fetcher Fetcher
	Secrets Secrets
	Inbox   Inbox
}

// Fetcher gets lists from the Internet; [fetch.Fetcher] is the one that does.
type Fetcher interface {
	Fetch(ctx context.Context, request fetch.Request) fetch.Result
}

// Secrets holds what the servers of feeds want to see.
type Secrets interface {
	// Secret returns the text of a secret, or the text of one member if it is a JSON
	// object. No error may tell anything of it.
	Secret(ctx context.Context, arn, member string) (string, error)
}

// Inbox is the list bucket as a place to upload to.
type Inbox interface {
	// Put writes an object with metadata, in ASCII, and returns its version.
	Put(ctx context.Context, key string, body io.ReadSeeker, metadata map[string]string) (version string, err error)
}

// FetchedName is the name under which fetched lists lie in the folder of their feed.
const FetchedName = "fetched"

// The provenance of a fetched list, as metadata of its object.
const (
	MetadataSource       = "resolverwatch-source" // the URL that gave it, without its query
	MetadataFetchedAt    = "resolverwatch-fetched-at"
	MetadataSHA256       = "resolverwatch-sha256"
	MetadataETag         = "resolverwatch-etag" // this and the next two as the server said
	MetadataLastModified = "resolverwatch-last-modified"
	MetadataContentType  = "resolverwatch-content-type"
)

// FetchState is what is known of the URL of a feed. The zero FetchState is of a feed that
// has none, or was never fetched.
type FetchState struct {
	Source string // fingerprint of what is asked for; another source begins anew
	// Version is the object that the list was stored as, and ETag and LastModified are
	// the server's marks of it. They are of use while that object is still there.
	Version            string
	ETag, LastModified string

	Outcome  fetch.Outcome // of the last fetch
	Reason   string
	At       time.Time
	RetryAt  time.Time // not to be asked before
	Failures int       // fetches since the last one that went well
}

// retryAfter is how long a fetch that went wrong is left alone before the scheduled run
// makes it again: a feed with a schedule of a day must not lose the day.
const retryAfter = 30 * time.Minute

// due reports whether a fetch that went wrong should be made again.
func (s *FetchState) due(now time.Time) bool {
	wrong := s.Outcome == fetch.Failed || s.Outcome == fetch.RetryLater
	return wrong && !now.Before(s.RetryAt) && now.Sub(s.At) >= retryAfter
}

// maxReason bounds what a row keeps of a reason, in bytes.
const maxReason = 500

// cleanReason brings a reason to the form that rows keep.
func cleanReason(reason string) string { return cleanReference(reason[:min(len(reason), maxReason)]) }

// next returns the state after a fetch.
func (s FetchState) next(result *fetch.Result, now time.Time) FetchState {
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
