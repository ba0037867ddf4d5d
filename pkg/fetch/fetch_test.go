package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
)

const someList = "evil.example\nworse.example\n"

// read returns a fetched list. It reads the list twice, to test Seek.
func read(t *testing.T, body *fetch.Body) string {
	t.Helper()
	if body == nil {
		return ""
	}
	first, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	again, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("read again: %d bytes, %v", len(again), err)
	}
	sum := sha256.Sum256(first)
	if body.Size != int64(len(first)) || body.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("%d bytes, but Size is %d and SHA256 %s", len(first), body.Size, body.SHA256)
	}
	return string(first)
}

// Valid responses.
func TestFetcher_Fetch_lists(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	io.WriteString(zip, someList)
	zip.Close()
	for _, tc := range []struct {
		name   string
		answer string
		want   string
	}{
		{"with a length", list(someList), someList},
		{"in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevil.\r\n8\r\nexample\n\r\n0\r\n\r\n", "evil.example\n"},
		{"empty, which the guards check", list(""), ""},
		{"HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\na\n", "a\n"},
		{"after interim responses", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + list(someList), someList},
		{"compressed, stored unchanged", list(packed.String(), "Content-Encoding: gzip"), packed.String()},
		{"a page, which the guards check", list("<html>", "Content-Type: text/html"), "<html>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			result := newInternet(t, map[string]script{"lists.example": serves(tc.answer)}).fetch(nil)
			if got := read(t, result.Body); result.Outcome != fetch.Fetched || result.Reason != "" || got != tc.want {
				t.Errorf("%s (%s): %q, want %q", result.Outcome, result.Reason, got, tc.want)
			}
			if result.Status != http.StatusOK || result.URL != "https://lists.example/all.txt" {
				t.Errorf("status %d at %s", result.Status, result.URL)
			}
		})
	}
}

// The result has the headers of the list, unless they cannot be stored.
func TestFetcher_Fetch_fields(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		headers []string
		want    [3]string
	}{
		{
			name:    "all",
			headers: []string{`ETag: W/"a-1"`, "Last-Modified: Tue, 01 Jan 2030 00:00:00 GMT", "Content-Type: text/plain"},
			want:    [3]string{`W/"a-1"`, "Tue, 01 Jan 2030 00:00:00 GMT", "text/plain"},
		},
		{name: "none"},
		{name: "too long", headers: []string{`ETag: "` + strings.Repeat("a", 200) + `"`}},
		{name: "not ASCII", headers: []string{"ETag: \"\xc3\xbc\""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			result := newInternet(t, map[string]script{"lists.example": serves(list("a\n", tc.headers...))}).fetch(nil)
			if got := [3]string{result.ETag, result.LastModified, result.ContentType}; got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestFetcher_Fetch_request(t *testing.T) {
	t.Parallel()
	in := newInternet(t, map[string]script{"lists.example": serves("HTTP/1.1 304 Not Modified\r\nETag: \"2\"\r\n\r\n")})
	result := in.fetch(func(r *fetch.Request) {
		r.URL, r.ETag, r.LastModified = "https://lists.example/all.txt?format=csv", `"1"`, "Tue, 01 Jan 2030 00:00:00 GMT"
	})
	if result.Outcome != fetch.NotModified || result.Body != nil || result.Reason != "" {
		t.Errorf("%+v", result)
	}
	request := in.requests[0]
	if request.Method != http.MethodGet || request.RequestURI != "/all.txt?format=csv" || request.Host != "lists.example" {
		t.Errorf("requested %s %s of %s", request.Method, request.RequestURI, request.Host)
	}
	want := http.Header{
		"Accept": {"*/*"}, "Accept-Encoding": {"identity"}, "Connection": {"close"},
		"If-Modified-Since": {"Tue, 01 Jan 2030 00:00:00 GMT"}, "If-None-Match": {`"1"`},
		"User-Agent": {"resolverwatch (+https://github.com/resolverwatch/resolverwatch)"},
	}
	if diff := cmp.Diff(want, request.Header); diff != "" {
		t.Error(diff)
	}
}

// Each row is one way in which a server can misbehave.
func TestFetcher_Fetch_misbehaviour(t *testing.T) {
	t.Parallel()
	status := func(line, headers string) string {
		return "HTTP/1.1 " + line + "\r\n" + headers + "Content-Length: 6\r\n\r\n<html>"
	}
	for _, tc := range []struct {
		name   string
		answer string
		want   fetch.Outcome
		retry  time.Duration // after now
	}{
		{"too many, in seconds", status("429 Slow Down", "Retry-After: 120\r\n"), fetch.RetryLater, 2 * time.Minute},
		{"too many, until a date", status("429 x", "Retry-After: Tue, 01 Jan 2030 13:30:00 GMT\r\n"), fetch.RetryLater, 90 * time.Minute},
		{"too many, for a year", status("429 x", "Retry-After: 31536000\r\n"), fetch.RetryLater, 24 * time.Hour},
		{"too many, without a header", status("429 x", ""), fetch.RetryLater, time.Hour},
		{"too many, invalid header", status("429 x", "Retry-After: soon\r\n"), fetch.RetryLater, time.Hour},
		{"maintenance", status("503 x", "Retry-After: 60\r\n"), fetch.RetryLater, time.Minute},
		{"overload", status("503 x", ""), fetch.Failed, 0},
		{"server error", status("500 x", "Retry-After: 60\r\n"), fetch.Failed, 0},
		{"bad gateway", status("502 x", ""), fetch.Failed, 0},
		{"request timeout", status("408 x", ""), fetch.Failed, 0},
		{"gone", status("410 x", ""), fetch.Refused, 0},
		{"not found", status("404 x", ""), fetch.Refused, 0},
		{"unauthorized", status("401 x", ""), fetch.Refused, 0},
		{"forbidden", status("403 x", ""), fetch.Refused, 0},
		{"partial content", status("206 x", "Content-Range: bytes 0-5/100\r\n"), fetch.Failed, 0},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", fetch.Failed, 0},
		{"not modified, without validators", "HTTP/1.1 304 Not Modified\r\n\r\n", fetch.Failed, 0},
		{"multiple choices", status("300 x", ""), fetch.Failed, 0},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", fetch.Failed, 0},
		{"unknown status", status("799 x", ""), fetch.Failed, 0},

		{"shorter than announced", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + someList, fetch.Failed, 0},
		{"longer than announced", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" + someList, fetch.Failed, 0},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 27\r\nContent-Length: 13\r\n\r\n" + someList, fetch.Failed, 0},
		{"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + someList, fetch.Failed, 0},
		{"no length", "HTTP/1.1 200 OK\r\n\r\n" + someList, fetch.Failed, 0},
		{"chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevil.\r\n", fetch.Failed, 0},
		{"invalid chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nevil.\r\n", fetch.Failed, 0},
		{"more after the chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nevil.example", fetch.Failed, 0},
		{"over the limit, announced", "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", fetch.Refused, 0},
		{"over the limit", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat("x", 2<<20), fetch.Refused, 0},
		{"in another compression", list("x", "Content-Encoding: br"), fetch.Refused, 0},

		{"not HTTP", "SSH-2.0-OpenSSH_9.0\r\n", fetch.Failed, 0},
		{"nothing", "", fetch.Failed, 0},
		{"half of the headers", "HTTP/1.1 200 OK\r\nContent-Le", fetch.Failed, 0},
		{"endless headers", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Filler: "+strings.Repeat("x", 1000)+"\r\n", 200), fetch.Failed, 0},
		{"endless interim responses", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100), fetch.Failed, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			result := newInternet(t, map[string]script{"lists.example": serves(tc.answer)}).fetch(nil)
			if result.Outcome != tc.want || result.Body != nil {
				t.Errorf("%s (%s), want %s", result.Outcome, result.Reason, tc.want)
			}
			reasons.Compare(t, result.Reason)
			wantRetry := time.Time{}
			if tc.retry > 0 {
				wantRetry = clock().Add(tc.retry)
			}
			if !result.RetryAt.Equal(wantRetry) || strings.Contains(result.Reason, "\n") {
				t.Errorf("retry at %v, want %v; reason %q", result.RetryAt, wantRetry, result.Reason)
			}
		})
	}
}

// A slow server cannot exceed the timeout.
func TestFetcher_Fetch_slow(t *testing.T) {
	t.Parallel()
	drip := func(before, drop string) script {
		return func(w io.Writer, _ *http.Request) {
			for err := error(nil); err == nil; time.Sleep(20 * time.Millisecond) {
				_, err = io.WriteString(w, before+drop)
				before = ""
			}
		}
	}
	for name, slow := range map[string]script{
		"head":         drip("HTTP/1.1 200 OK\r\nX-Slow: ", "x"),
		"body":         drip("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x"),
		"chunks":       drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
		"chunk length": drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0"),
		"nothing":      func(io.Writer, *http.Request) { time.Sleep(time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			result := newInternet(t, map[string]script{"lists.example": slow}).fetch(func(r *fetch.Request) { r.Timeout = 300 * time.Millisecond })
			if took := time.Since(begin); took > 5*time.Second { // allow for a busy machine
				t.Errorf("took %v", took)
			}
			// An endless chunk length is an error before the timeout.
			if result.Outcome != fetch.Failed || !strings.Contains(result.Reason, "no complete response within 300ms") &&
				name != "chunk length" {
				t.Errorf("%s (%s)", result.Outcome, result.Reason)
			}
		})
	}
}

// An endless list is refused once it exceeds the limit.
func TestFetcher_Fetch_endless(t *testing.T) {
	t.Parallel()
	in := newInternet(t, map[string]script{"lists.example": func(w io.Writer, _ *http.Request) {
		_, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for chunk := "1000\r\n" + strings.Repeat("a.example\n", 410)[:4096] + "\r\n"; err == nil; {
			_, err = io.WriteString(w, chunk)
		}
	}})
	result := in.fetch(nil)
	if result.Outcome != fetch.Refused || !strings.Contains(result.Reason, "more than 1048576 bytes") {
		t.Errorf("%s (%s)", result.Outcome, result.Reason)
	}
}

// The caller can cancel a fetch.
func TestFetcher_Fetch_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	in := newInternet(t, map[string]script{"lists.example": func(_ io.Writer, r *http.Request) {
		cancel()
		time.Sleep(300 * time.Millisecond)
	}})
	result := in.fetcher().Fetch(ctx, fetch.Request{URL: "https://lists.example/", MaxBytes: 1, Timeout: time.Minute})
	if result.Outcome != fetch.Failed {
		t.Errorf("%+v", result)
	}
}

// A list of exactly MaxBytes is fetched, and one byte more is refused. The memory does not
// grow with the size of the list.
func TestFetcher_Fetch_large(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 512 MiB to a temporary file")
	}
	const limit = 256 << 20
	const chunk = 1 << 16
	whole := fmt.Appendf(nil, "%x\r\n%s\r\n", chunk, strings.Repeat("a.example\n", chunk)[:chunk])
	sends := func(size int) script {
		return func(w io.Writer, _ *http.Request) {
			io.WriteString(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for range size / chunk {
				if _, err := w.Write(whole); err != nil {
					return
				}
			}
			io.WriteString(w, strings.Repeat("1\r\n\n\r\n", size%chunk)+"0\r\n\r\n")
		}
	}
	for size, want := range map[int]fetch.Outcome{limit: fetch.Fetched, limit + 1: fetch.Refused} {
		in := newInternet(t, map[string]script{"lists.example": sends(size)})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		result := in.fetch(func(r *fetch.Request) { r.MaxBytes, r.Timeout = limit, time.Minute })
		if result.Outcome != want {
			t.Errorf("%d bytes: %s (%s)", size, result.Outcome, result.Reason)
		}
		runtime.ReadMemStats(&after) // includes the server, which is in this process
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 8<<20 {
			t.Errorf("%d bytes: allocated %d", size, allocated)
		} else {
			t.Logf("%d bytes: allocated %d", size, allocated)
		}
	}
}

// Neither a fetched list nor a failed fetch leaves a file.
func TestFetcher_Fetch_leavesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	in := newInternet(t, map[string]script{
		"lists.example": serves(list(someList)),
		"broken.test":   serves("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + someList),
	})
	fetcher := fetch.New(fetch.Config{Resolve: in.resolve, Dial: in.dial, Public: isPublic, Roots: in.roots, Folder: folder})
	for _, url := range []string{"https://lists.example/", "https://broken.test/"} {
		result := fetcher.Fetch(context.Background(), fetch.Request{URL: url, MaxBytes: 100, Timeout: time.Minute})
		if result.Body != nil {
			if err := result.Body.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestFetcher_Fetch_noRoom(t *testing.T) {
	t.Parallel()
	in := newInternet(t, map[string]script{"lists.example": serves(list(someList))})
	fetcher := fetch.New(fetch.Config{Resolve: in.resolve, Dial: in.dial, Public: isPublic, Roots: in.roots, Folder: "/nowhere"})
	result := fetcher.Fetch(context.Background(), fetch.Request{URL: "https://lists.example/", MaxBytes: 100, Timeout: time.Minute})
	if result.Outcome != fetch.Failed || !strings.Contains(result.Reason, "creating a temporary file for the list") {
		t.Errorf("%s (%s)", result.Outcome, result.Reason)
	}
}

// A fetcher with the zero Config connects only to public addresses.
func TestNew_zeroConfig(t *testing.T) {
	t.Parallel()
	fetcher := fetch.New(fetch.Config{})
	for _, url := range []string{
		"https://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
		"https://169.254.169.254/latest/meta-data/",
		"https://100.64.0.1/",
		"https://[64:ff9b::a9fe:a9fe]/",
	} {
		result := fetcher.Fetch(context.Background(), fetch.Request{URL: url, MaxBytes: 1, Timeout: time.Second})
		if result.Outcome != fetch.Refused || !strings.Contains(result.Reason, "public") {
			t.Errorf("%s: %s (%s)", url, result.Outcome, result.Reason)
		}
	}
}
