// Package recorder is a proxy between functions and their AWS endpoint. It records every
// call in IAM's terms: who, which action, on which resource, with which condition keys. A
// call that it cannot name is recorded as a problem, so that every call gets checked.
package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// maxBody limits a request: the importer's largest one is an index.
const maxBody = 512 << 20

// Entry is one recorded request.
type Entry struct {
	// Key is the access key that signed the request: it identifies the caller.
	Key string
	// Calls are the calls that must be allowed for the request, without the principal.
	Calls []permission.Call
	// Status is the HTTP status of the response.
	Status int
}

// Recorder is an HTTP handler. It is safe for concurrent use.
type Recorder struct {
	namer namer
	proxy *httputil.ReverseProxy
	// others answer the calls of services in place of the target, by the name of the service in
	// the scope of a signature.
	others map[string]http.Handler
	// OnEntry, if set, is called for every request after its response.
	OnEntry func(Entry, *http.Request)

	mu       sync.Mutex
	entries  []Entry
	problems []error
}

// New returns a recorder in front of target. Resources are named with account and Region.
func New(target *url.URL, account, region string) *Recorder {
	proxy := httputil.NewSingleHostReverseProxy(target)
	return &Recorder{namer: namer{account: account, region: region}, proxy: proxy, others: map[string]http.Handler{}}
}

// Answer lets a handler answer the calls of a service, such as "sqs", in place of the target. It
// must be called before the first request.
func (r *Recorder) Answer(service string, handler http.Handler) { r.others[service] = handler }

// ServeHTTP forwards a request and records it.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	calls, err := r.namer.name(request, body)
	key, service := signer(request.Header.Get("Authorization"))
	entry := Entry{Key: key, Calls: calls}
	if err == nil && entry.Key == "" {
		err = errors.New("is not signed")
	}
	answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	var target http.Handler = r.proxy
	if other := r.others[service]; other != nil {
		target = other
	}
	target.ServeHTTP(answer, request)
	entry.Status = answer.status
	r.note(entry, request, err)
	if r.OnEntry != nil {
		r.OnEntry(entry, request)
	}
}

func (r *Recorder) note(entry Entry, request *http.Request, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, entry)
	if err != nil {
		r.problems = append(r.problems, fmt.Errorf("%s %s (%s): %w",
			request.Method, request.URL, request.Header.Get("X-Amz-Target"), err))
	}
}

// Note adds a call that is not made by HTTP.
func (r *Recorder) Note(key string, call permission.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, Entry{Key: key, Calls: []permission.Call{call}, Status: http.StatusOK})
}

// Entries returns what was recorded, and an error for every request that could not be
// named.
func (r *Recorder) Entries() ([]Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Entry{}, r.entries...), errors.Join(r.problems...)
}

// signer returns the key that signed a request, and the service in the scope of the signature.
func signer(authorization string) (key, service string) {
	_, credential, _ := strings.Cut(authorization, "Credential=")
	scope := strings.Split(credential, "/") // key, date, Region, service
	if len(scope) > 3 {
		service = scope[3]
	}
	return scope[0], service
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the proxy flush.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
