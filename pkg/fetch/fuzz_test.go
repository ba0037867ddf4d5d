package fetch_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
)

func TestRetryAt(t *testing.T) {
	t.Parallel()
	now := clock()
	for text, want := range map[string]time.Duration{ // -1: not a valid value
		"0":                               0,
		"120":                             2 * time.Minute,
		" 120 ":                           2 * time.Minute,
		"86400":                           24 * time.Hour,
		"86401":                           24 * time.Hour,
		"99999999999999999999999":         24 * time.Hour,
		"Tue, 01 Jan 2030 12:00:30 GMT":   30 * time.Second,
		"Tuesday, 01-Jan-30 12:00:30 GMT": 30 * time.Second, // RFC 850
		"Tue Jan  1 12:00:30 2030":        30 * time.Second, // asctime
		"Tue, 01 Jan 2030 11:00:00 GMT":   0,                // in the past
		"Wed, 01 Jan 2031 00:00:00 GMT":   24 * time.Hour,
		"":                                -1,
		"soon":                            -1,
		"-5":                              -1,
		"1.5":                             -1,
		"2 minutes":                       -1,
	} {
		at, ok := fetch.RetryAt(text, now)
		if ok != (want >= 0) || ok && !at.Equal(now.Add(want)) {
			t.Errorf("%q: %v, %v; want %v from %v", text, at, ok, want, now)
		}
	}
}

// The time for another attempt is never in the past and at most a day away.
func FuzzRetryAt(f *testing.F) {
	for _, seed := range []string{"0", "120", "99999999999999999999", "Tue, 01 Jan 2030 13:30:00 GMT", "soon"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		now := clock()
		if at, ok := fetch.RetryAt(text, now); ok && (at.Before(now) || at.Sub(now) > fetch.MaxRetry) {
			t.Errorf("%q: %v", text, at)
		}
	})
}

// The target of a redirect always uses https and has a host, but no user or fragment. An
// error does not contain the query of the target.
func FuzzNextHop(f *testing.F) {
	for _, seed := range []string{
		"/v2", "//mirror.example/x", "https://mirror.example:8443/?a=b#c", "http://mirror.example/", "https://127.0.0.1/",
		"https://user:word@mirror.example/", "file:///etc/passwd", "https:///x", "?query=hunter2", "\\\\host\\x", "https:mirror.example",
	} {
		f.Add(seed)
	}
	from, err := url.Parse("https://lists.example/a/all.txt?token=abc")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, location string) {
		to, err := fetch.NextHop(from, location)
		if err != nil {
			if _, query, found := strings.Cut(location, "?"); found && len(query) > 20 && strings.Contains(err.Error(), query) {
				t.Errorf("%q: the error contains the query: %v", location, err)
			}
			return
		}
		if to.Scheme != "https" || to.Hostname() == "" || to.User != nil || to.Fragment != "" {
			t.Errorf("%q leads to %v", location, to)
		}
		if again, err := url.Parse(to.String()); err != nil || again.Host != to.Host {
			t.Errorf("%q leads to %v, which parses as %v, %v", location, to, again, err)
		}
	})
}

// Clean leaves no long part of a secret in a text, however it is escaped or cut, and does not
// change a text without one.
func FuzzClean(f *testing.F) {
	f.Add("0123456789abcdef", "bad key 0123456789ABCDEF", 0)
	f.Add(`hunter2/"x" +&=%`, "https://mirror.example/hunter2/%22x%22%20+&=%25", 3)
	f.Add("Bearer 0123456789", "no bearer", 1)
	f.Fuzz(func(t *testing.T, secret, text string, cut int) {
		if len(secret) < 8 || strings.ContainsFunc(secret, func(c rune) bool { return c < ' ' || c > '~' }) {
			return
		}
		const other = "~0~1~2~3~4~5~6~7~8~9"
		if got := fetch.Clean(secret, other); got != other && !sharesRun(secret, other) {
			t.Errorf("%q changes a text without it: %q", secret, got)
		}
		start := min(max(cut, 0), len(secret)-8)
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ToUpper(secret), secret[start:]} {
			got := fetch.Clean(secret, text+form)
			plain, err := url.PathUnescape(got)
			if withheld := strings.HasPrefix(got, "[withheld"); !withheld && (sharesRun(secret, got) || err == nil && sharesRun(secret, plain)) {
				t.Errorf("%q in %q shows: %q", secret, text+form, got)
			}
		}
	})
}

// sharesRun reports whether text contains 8 consecutive bytes of secret, ignoring case.
func sharesRun(secret, text string) bool {
	secret, text = strings.ToLower(secret), strings.ToLower(text)
	for i := range len(secret) - 7 {
		if strings.Contains(text, secret[i:i+8]) {
			return true
		}
	}
	return false
}
