package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxRetry bounds how long a server can keep us away.
	maxRetry = 24 * time.Hour
	// defaultRetry is how long we stay away from a server that says "too many" and not
	// for how long.
	defaultRetry = time.Hour
)

// retryAt reads a Retry-After header: seconds, or a date. It returns false for what is
// neither.
func retryAt(text string, now time.Time) (at time.Time, found bool) {
	text = strings.TrimSpace(text)
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(maxRetry/time.Second) { // too large for any number
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
