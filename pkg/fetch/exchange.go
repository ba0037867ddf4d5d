package fetch

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"time"
)

const (
	// maxHeadBytes bounds the status line and the headers of a response.
	maxHeadBytes = 64 << 10
	// maxInterim is how many interim responses are accepted (RFC 9110 section 15.2).
	maxInterim = 5
	// endTime is how long to wait for the end of the connection after a complete list. A
	// server that sends more has announced a wrong length.
	endTime = 2 * time.Second
	// userAgent tells publishers of lists which program fetches them.
	userAgent = "resolverwatch (+https://github.com/resolverwatch/resolverwatch)"
)

// exchange is one request and its response, whose body has not been read yet.
//
// It uses [http.ReadResponse] and not [http.Client], because the client does not report
// bytes after the announced length of a response. Such bytes mean that the list cannot be
// trusted: its length or one of its chunks is wrong.
type exchange struct {
	connection *tls.Conn
	in         *bufio.Reader
	response   *http.Response
	stop       func() bool
}

func (e *exchange) close() {
	e.stop()
	_ = e.connection.Close() // the response has been read
}

// status returns the status with its standard text, because the server's text is untrusted.
func (e *exchange) status() string {
	return fmt.Sprintf("%d %s", e.response.StatusCode, http.StatusText(e.response.StatusCode))
}

// exchange sends a request. It sends the secret header only to the host of the request's
// URL, for which atHome is true.
func (r *run) exchange(ctx context.Context, to *url.URL, atHome bool) (*exchange, error) {
	if err := r.request.Secret.check(); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), http.NoBody)
	if err != nil {
		return nil, refuse("not a URL")
	}

	r.setHeader(request, atHome)
	connection, err := r.connect(ctx, to)
	if err != nil {
		return nil, err
	}

	e := &exchange{connection: connection}
	// When the context ends, reads and writes on the connection must end too.
	e.stop = context.AfterFunc(ctx, func() { _ = connection.SetDeadline(time.Unix(1, 0)) })
	if err := request.Write(connection); err != nil {
		e.close()
		return nil, fmt.Errorf("sending the request to %s: %w", to.Host, err)
	}
	if err := e.readHead(request); err != nil {
		e.close()
		return nil, fmt.Errorf("reading the response of %s: %w", to.Host, err)
	}
	return e, nil
}

func (r *run) setHeader(request *http.Request, atHome bool) {
	request.Close = true
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept", "*/*")
	// A server that compresses on the fly has other bytes and validators for the same list.
	request.Header.Set("Accept-Encoding", "identity")
	if r.request.ETag != "" {
		request.Header.Set("If-None-Match", r.request.ETag)
	}
	if r.request.LastModified != "" {
		request.Header.Set("If-Modified-Since", r.request.LastModified)
	}
	if atHome && r.request.Secret.Header != "" {
		request.Header.Set(r.request.Secret.Header, r.request.Secret.Value)
	}
}

// readHead reads status lines and headers up to those of the final response.
func (e *exchange) readHead(request *http.Request) error {
	limited := &io.LimitedReader{R: e.connection, N: maxHeadBytes}
	e.in = bufio.NewReader(limited)
	for range maxInterim + 1 {
		response, err := http.ReadResponse(e.in, request) //nolint:bodyclose // close closes the connection
		switch {
		case limited.N <= 0:
			return fail("the headers are over %d bytes", maxHeadBytes)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return fail("the connection ends before the end of the headers")
		case err != nil:
			return err
		case response.StatusCode >= http.StatusOK:
			limited.N = math.MaxInt64 // the body has its own bounds
			e.response = response
			return nil
		case response.StatusCode == http.StatusSwitchingProtocols:
			return fail("the server switches to another protocol")
		}
	}
	return fail("more than %d interim responses", maxInterim)
}

// checkEnd checks that no bytes follow the announced length of the list.
func (e *exchange) checkEnd() error {
	if err := e.connection.SetReadDeadline(time.Now().Add(endTime)); err != nil {
		return err
	}
	if more, _ := e.in.Peek(1); len(more) > 0 {
		return fail("the server sends more bytes than it announced, so the list may be wrong")
	}
	return nil
}
