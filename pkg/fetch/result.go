package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Outcome is how a fetch ended. The words stand in rows, reports and logs.
type Outcome string

// Outcomes of a fetch.
const (
	Fetched     Outcome = "fetched"      // there is a list
	NotModified Outcome = "not_modified" // the list that is there already is still the one
	RetryLater  Outcome = "retry_later"  // the server said when to ask again
	Refused     Outcome = "refused"      // nothing comes of asking again until somebody changes something
	Failed      Outcome = "failed"       // the next try may go better
)

// Result is what came of a fetch. None of it holds the secret.
type Result struct {
	Outcome Outcome
	// Reason says what is wrong, unless the list was fetched or not modified.
	Reason string
	// Status is the HTTP status of the last answer, 0 if there was none; URL is what was
	// asked last, without its query.
	Status int
	URL    string
	// RetryAt is when to ask again at the earliest, of [RetryLater].
	RetryAt time.Time
	// Body is the list, of [Fetched].
	Body *Body
	// ETag, LastModified and ContentType are what the server says of the list, "" for
	// what it does not say or says in a way that cannot be kept.
	ETag, LastModified, ContentType string
}

// problem is an error that knows its outcome.
type problem struct {
	outcome Outcome
	reason  string
}

func (p *problem) Error() string { return p.reason }

func refuse(reason string, args ...any) error { return &problem{Refused, fmt.Sprintf(reason, args...)} }

func fail(reason string, args ...any) error { return &problem{Failed, fmt.Sprintf(reason, args...)} }

// explain turns an error into an outcome, in one line.
func explain(ctx context.Context, err error, timeout time.Duration) (Outcome, string) {
	var known *problem
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	switch {
	case errors.As(err, &known):
		return known.outcome, text
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Failed, fmt.Sprintf("no whole answer in time, which is at most %v", timeout)
	default:
		return Failed, text
	}
}

// maxFieldBytes bounds what is kept of a header: S3 keeps 2 KB for all of them.
const maxFieldBytes = 200

// judge decides what an answer that is no redirect means, and reads its list.
func (r *run) judge(e *exchange, result *Result) error {
	status := e.response.StatusCode
	switch {
	case status == http.StatusOK:
		return r.take(e, result)
	case status == http.StatusNotModified && r.isConditional():
		result.Outcome = NotModified
		return nil
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		now := r.config.Now()
		at, found := retryAt(e.response.Header.Get("Retry-After"), now)
		if !found && status == http.StatusServiceUnavailable {
			break
		}
		if !found {
			at = now.Add(defaultRetry)
		}
		result.Outcome, result.RetryAt = RetryLater, at
		result.Reason = fmt.Sprintf("the server answers %s", e.status())
		return nil
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return refuse("the server answers %s: is the secret set, and still good?", e.status())
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
	case 400 <= status && status < 500:
		return refuse("the server answers %s", e.status())
	}
	return fail("the server answers %s", e.status())
}

func (r *run) isConditional() bool { return r.request.ETag != "" || r.request.LastModified != "" }

// take reads the list of an answer.
func (r *run) take(e *exchange, result *Result) error {
	head := e.response.Header
	switch encoding := strings.ToLower(strings.TrimSpace(head.Get("Content-Encoding"))); encoding {
	case "", "identity", "gzip", "x-gzip", "zstd": // as lists may be compressed anyway
	default:
		return refuse("the list comes with Content-Encoding %q, which was not asked for", encoding)
	}
	body, err := r.readBody(e)
	if err != nil {
		return err
	}
	result.Outcome, result.Body = Fetched, body
	result.ETag = r.field(head.Get("Etag"))
	result.LastModified = r.field(head.Get("Last-Modified"))
	result.ContentType = r.field(head.Get("Content-Type"))
	return nil
}

// field returns a header's value if it can be kept.
func (r *run) field(value string) string {
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return ""
		}
	}
	if len(value) > maxFieldBytes || r.redact.isIn(value) {
		return ""
	}
	return value
}
