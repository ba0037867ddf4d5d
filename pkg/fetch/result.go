package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Outcome is the result of a fetch in one word. The words appear in rows, reports and logs.
type Outcome string

// Outcomes of a fetch.
const (
	Fetched     Outcome = "fetched"      // the result has a list
	NotModified Outcome = "not_modified" // the stored list is current
	RetryLater  Outcome = "retry_later"  // the server said when to try again
	Refused     Outcome = "refused"      // another attempt fails too, until somebody changes something
	Failed      Outcome = "failed"       // another attempt may succeed
)

// Result is the result of a fetch. It never contains the secret.
type Result struct {
	Outcome Outcome
	// Reason describes the problem. It is empty if the list was fetched or not modified.
	Reason string
	// Status is the HTTP status of the last response, or 0 if there was none.
	Status int
	// URL is the URL of the last request, without its query.
	URL string
	// RetryAt is the earliest time for another attempt, for [RetryLater].
	RetryAt time.Time
	// Body is the list, for [Fetched].
	Body *Body
	// ETag, LastModified and ContentType are headers of the list. A header is empty if the
	// server did not send it or if its value cannot be stored.
	ETag, LastModified, ContentType string
}

// problem is an error with an outcome.
type problem struct {
	outcome Outcome
	reason  string
}

func (p *problem) Error() string { return p.reason }

func refuse(reason string, args ...any) error { return &problem{Refused, fmt.Sprintf(reason, args...)} }

func fail(reason string, args ...any) error { return &problem{Failed, fmt.Sprintf(reason, args...)} }

// explain converts an error to an outcome and a reason of one line.
func explain(ctx context.Context, err error, timeout time.Duration) (Outcome, string) {
	var known *problem
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	switch {
	case errors.As(err, &known):
		return known.outcome, text
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Failed, fmt.Sprintf("no complete response within %v", timeout)
	default:
		return Failed, text
	}
}

// interpret sets the result of a response that is not a redirect, and reads its list.
func (r *run) interpret(e *exchange, result *Result) error {
	status := e.response.StatusCode
	switch {
	case status == http.StatusOK:
		return r.readList(e, result)
	case status == http.StatusNotModified && r.isConditional():
		result.Outcome = NotModified
		return nil
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		now := r.config.Now()
		at, ok := retryAt(e.response.Header.Get("Retry-After"), now)
		if !ok && status == http.StatusServiceUnavailable {
			break
		}
		if !ok {
			at = now.Add(defaultRetry)
		}
		result.Outcome, result.RetryAt = RetryLater, at
		result.Reason = fmt.Sprintf("the server answers %s", e.status())
		return nil
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return refuse("the server answers %s: check that the secret is set and valid", e.status())
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
	case 400 <= status && status < 500:
		return refuse("the server answers %s", e.status())
	}
	return fail("the server answers %s", e.status())
}

func (r *run) isConditional() bool { return r.request.ETag != "" || r.request.LastModified != "" }

// readList reads the list of a response.
func (r *run) readList(e *exchange, result *Result) error {
	header := e.response.Header
	switch encoding := strings.ToLower(strings.TrimSpace(header.Get("Content-Encoding"))); encoding {
	case "", "identity", "gzip", "x-gzip", "zstd": // lists can be compressed files too
	default:
		return refuse("the list has Content-Encoding %q, which the request does not accept", encoding)
	}

	body, err := r.readBody(e)
	if err != nil {
		return err
	}
	result.Outcome, result.Body = Fetched, body
	result.ETag = r.storable(header.Get("Etag"))
	result.LastModified = r.storable(header.Get("Last-Modified"))
	result.ContentType = r.storable(header.Get("Content-Type"))
	return nil
}

// maxHeaderBytes bounds the value of a stored header. S3 stores 2 KB of metadata in all.
const maxHeaderBytes = 200

// storable returns the value of a header, or "" if it cannot be stored: it is too long, is
// not printable ASCII, or contains the secret.
func (r *run) storable(value string) string {
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return ""
		}
	}
	if len(value) > maxHeaderBytes || r.redact.isIn(value) {
		return ""
	}
	return value
}

const (
	// maxRetry bounds how long a server can delay the next attempt.
	maxRetry = 24 * time.Hour
	// defaultRetry is the delay after a 429 without Retry-After.
	defaultRetry = time.Hour
)

// retryAt reads a Retry-After header, which is a number of seconds or a date. For any other
// value, ok is false.
func retryAt(text string, now time.Time) (at time.Time, ok bool) {
	text = strings.TrimSpace(text)
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(maxRetry/time.Second) { // err: out of range
			return now.Add(maxRetry), true
		}
		return now.Add(time.Duration(seconds) * time.Second), true
	}

	date, err := http.ParseTime(text)
	switch {
	case err != nil:
		return time.Time{}, false
	case date.Before(now):
		return now, true
	case date.Sub(now) > maxRetry:
		return now.Add(maxRetry), true
	default:
		return date, true
	}
}
