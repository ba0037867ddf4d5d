package fetch_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
)

// hunter is a secret that looks different in a header, in a query and in Go's quotes.
const hunter = `hunter2/"x" +&=%`

var (
	header = fetch.Secret{Header: "Auth-Key", Value: hunter}
	query  = fetch.Secret{Query: "auth-key", Value: hunter}
)

// wantNoSecret checks that a result does not contain the secret in any form.
func wantNoSecret(t *testing.T, result fetch.Result) {
	t.Helper()
	result.Body = nil
	text := fmt.Sprintf("%+v %#v", result, result)
	for _, form := range []string{hunter, url.QueryEscape(hunter), url.PathEscape(hunter), "hunter2",
		base64.StdEncoding.EncodeToString([]byte(hunter))} {
		if strings.Contains(text, form) {
			t.Errorf("the result contains the secret: %s", text)
		}
	}
}

func TestFetcher_Fetch_secretIsSent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		secret fetch.Secret
		url    string
		want   string // request target and header
	}{
		{header, "https://lists.example/all.txt?a=1", `/all.txt?a=1 hunter2/"x" +&=%`},
		{query, "https://lists.example/all.txt", "/all.txt?auth-key=hunter2%2F%22x%22+%2B%26%3D%25 "},
		{query, "https://lists.example/?z=1&a=%20", "/?z=1&a=%20&auth-key=hunter2%2F%22x%22+%2B%26%3D%25 "},
		{fetch.Secret{}, "https://lists.example/", "/ "},
	} {
		in := newInternet(t, map[string]script{"lists.example": serves(list(someList))})
		result := in.fetch(func(r *fetch.Request) { r.URL, r.Secret = tc.url, tc.secret })
		if result.Outcome != fetch.Fetched {
			t.Fatalf("%s (%s)", result.Outcome, result.Reason)
		}
		if got := in.requests[0].RequestURI + " " + in.requests[0].Header.Get("Auth-Key"); got != tc.want {
			t.Errorf("requested %q, want %q", got, tc.want)
		}
		wantNoSecret(t, result)
	}
}

// The secret is sent only to the host of the URL, not to another host, port or subdomain.
func TestFetcher_Fetch_secretStaysAtHome(t *testing.T) {
	t.Parallel()
	for to, wantSent := range map[string]bool{
		"/v2/all.txt":                    true,
		"https://lists.example/v2":       true,
		"https://mirror.example/":        false,
		"https://sub.lists.example/":     false,
		"https://lists.example:8443/":    false,
		"//lists.example./":              false,
		"https://lists.example.a.test/":  false,
		"https://mirror.example/?next=1": false,
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			here := func(w io.Writer, r *http.Request) {
				if r.URL.Path == "/all.txt" {
					io.WriteString(w, redirect(to))
					return
				}
				io.WriteString(w, list(someList))
			}
			in := newInternet(t, map[string]script{
				"lists.example": here, "mirror.example": here, "sub.lists.example": here,
				"lists.example:8443": here, "lists.example.": here,
			})
			result := in.fetch(func(r *fetch.Request) { r.Secret = header })
			if to != "https://lists.example.a.test/" && result.Outcome != fetch.Fetched { // the certificate is not for this host
				t.Fatalf("%s (%s)", result.Outcome, result.Reason)
			}
			last := in.requests[len(in.requests)-1]
			if in.requests[0].Header.Get("Auth-Key") != hunter || len(in.requests) > 1 && (last.Header.Get("Auth-Key") != "") != wantSent {
				t.Errorf("sent %q, want it sent: %v", last.Header.Get("Auth-Key"), wantSent)
			}
		})
	}
}

// A server can repeat the secret anywhere in its response.
func TestFetcher_Fetch_secretEchoed(t *testing.T) {
	t.Parallel()
	escaped := url.QueryEscape(hunter)
	for _, tc := range []struct {
		name   string
		answer string
		want   fetch.Outcome
		reason string // part of it, if it is about the secret
	}{
		{"in a status", "HTTP/1.1 403 No " + hunter + "\r\n\r\n", fetch.Refused, ""},
		{"instead of HTTP", hunter + "\r\n\r\n", fetch.Failed, ""},
		{"in a broken header", "HTTP/1.1 200 OK\r\n" + hunter + "\r\n\r\n", fetch.Failed, "[secret]"},
		{"in a length", "HTTP/1.1 200 OK\r\nContent-Length: " + hunter + "\r\n\r\n", fetch.Failed, "[secret]"},
		{"in an encoding", list("x", "Content-Encoding: "+hunter), fetch.Refused, "[secret]"},
		{"in a redirect to another host", redirect("https://mirror.example/?key=" + escaped), fetch.Refused, "would send the secret to another host"},
		{"in a path to another host", redirect("https://mirror.example/" + url.PathEscape(hunter)), fetch.Refused, "would send the secret to another host"},
		{"in a redirect that is not a URL", redirect("https://%zz/" + escaped), fetch.Refused, ""},
		{"in a redirect to http", redirect("http://mirror.example/" + url.PathEscape(hunter)), fetch.Refused, "[withheld, because it contains part of the secret]"},
		{"in a host", redirect("https://hunter2.test/" + escaped), fetch.Refused, "another host"},
		{"in a list", list("evil.example\n# licensed to " + hunter + "\n"), fetch.Refused, "contains the secret"},
		{"in a page", list("<html>bad key: " + hunter), fetch.Refused, "contains the secret"},
		{"across two reads of a list", list(strings.Repeat("x", 32<<10-5) + hunter), fetch.Refused, "contains the secret"},
		{"in the headers of a list", list(someList, `ETag: "`+hunter+`"`, "Content-Type: text/plain; key="+escaped), fetch.Fetched, ""},
	} {
		for place, secret := range map[string]fetch.Secret{"header": header, "query": query} {
			t.Run(tc.name+", "+place, func(t *testing.T) {
				t.Parallel()
				result := newInternet(t, map[string]script{"lists.example": serves(tc.answer)}).fetch(func(r *fetch.Request) { r.Secret = secret })
				if result.Outcome != tc.want || !strings.Contains(result.Reason, tc.reason) {
					t.Errorf("%s (%s), want %s (%s)", result.Outcome, result.Reason, tc.want, tc.reason)
				}
				if tc.name != "in a host" {
					wantNoSecret(t, result)
				}
				if result.ETag != "" || result.ContentType != "" {
					t.Errorf("stored %q and %q", result.ETag, result.ContentType)
				}
			})
		}
	}
}

// In "Bearer abc" only the second word is secret.
func TestFetcher_Fetch_bearer(t *testing.T) {
	t.Parallel()
	in := newInternet(t, map[string]script{"lists.example": serves(redirect("http://a.test/0123456789abcdef"))})
	result := in.fetch(func(r *fetch.Request) {
		r.Secret = fetch.Secret{Header: "Authorization", Value: "Bearer 0123456789abcdef"}
	})
	if strings.Contains(result.Reason, "0123456789abcdef") || !strings.Contains(result.Reason, "http://a.test/[secret]") {
		t.Error(result.Reason)
	}
}

func TestFetcher_Fetch_badSecret(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"empty":     "",
		"short":     "1234567",
		"two lines": "12345678\r\nX-Evil:",
		"not ASCII": "schl\u00fcssel",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInternet(t, nil)
			result := in.fetch(func(r *fetch.Request) { r.Secret = fetch.Secret{Header: "X-Key", Value: value} })
			if result.Outcome != fetch.Refused || len(in.dialled) > 0 {
				t.Errorf("%s (%s), dialled %v", result.Outcome, result.Reason, in.dialled)
			}
			reasons.Compare(t, result.Reason)
		})
	}
}

// No way of printing a secret shows its value.
func TestSecret_hides(t *testing.T) {
	t.Parallel()
	request := fetch.Request{URL: "https://lists.example/", Secret: header}
	encoded, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "request", request, "secret", request.Secret)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "request", request, "secret", request.Secret)
	text := fmt.Sprintf("%v %+v %#v %s %q %s %s", request, request, request, request.Secret, request.Secret, encoded, logged.String())
	if strings.Contains(text, "hunter2") || !strings.Contains(text, "[secret]") {
		t.Error(text)
	}
}
