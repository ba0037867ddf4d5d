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
	// maxHeadBytes bounds the head of an answer.
	maxHeadBytes = 64 << 10
	// maxInterim is how many answers may come before the answer (RFC 9110 section 15.2).
	maxInterim = 5
	// endTime is how long the end of the connection is waited for after a list that is
	// whole: a server that has more to send has said a wrong length.
	endTime = 2 * time.Second
	// userAgent lets publishers of lists find out who asks.
	userAgent = "resolverwatch (+https://github.com/resolverwatch/resolverwatch)"
)

// exchange is one request and its answer, whose body is still on the wire.
//
// It is made of [http.ReadResponse] instead of [http.Client], which does not tell when
// more came than was announced, and takes proxies, cookies, connections of earlier
// requests and a compression of its own into account unless told otherwise.
type exchange struct {
	connection *tls.Conn
	in         *bufio.Reader
	response   *http.Response
	stop       func() bool
}

func (e *exchange) close() {
	e.stop()
	_ = e.connection.Close() // all that was wanted of it was read
}

// status returns the answer's status in words of our own: the server's may be anything.
func (e *exchange) status() string {
	return fmt.Sprintf("%d %s", e.response.StatusCode, http.StatusText(e.response.StatusCode))
}

// exchange asks a URL. The secret header goes along if it is the host of the feed.
func (r *run) exchange(ctx context.Context, to *url.URL, atHome bool) (*exchange, error) {
	if err := r.request.Secret.check(); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), http.NoBody)
	if err != nil {
		return nil, refuse("no URL")
	}
	r.setHeader(request, atHome)
	connection, err := r.connect(ctx, to)
	if err != nil {
		return nil, err
	}
	e := &exchange{connection: connection}
	// A context that ends, by time or otherwise, ends what waits for the connection.
	e.stop = context.AfterFunc(ctx, func() { _ = connection.SetDeadline(time.Unix(1, 0)) })
	if err := request.Write(connection); err != nil {
		e.close()
		return nil, fmt.Errorf("asking %s: %w", to.Host, err)
	}
	if err := e.readHead(request); err != nil {
		e.close()
		return nil, fmt.Errorf("reading the answer of %s: %w", to.Host, err)
	}
	return e, nil
}

func (r *run) setHeader(request *http.Request, atHome bool) {
	request.Close = true
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept", "*/*")
	// Compression on the fly gives other bytes and other validators for the same list.
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

// readHead reads the head of the answer that counts.
func (e *exchange) readHead(request *http.Request) error {
	limited := &io.LimitedReader{R: e.connection, N: maxHeadBytes}
	e.in = bufio.NewReader(limited)
	for range maxInterim + 1 {
		response, err := http.ReadResponse(e.in, request) //nolint:bodyclose // close ends the connection that it is read from
		switch {
		case limited.N <= 0:
			return fail("its head is over %d bytes", maxHeadBytes)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return fail("it ends within its head")
		case err != nil:
			return err
		case response.StatusCode >= http.StatusOK:
			limited.N = math.MaxInt64 // the body has bounds of its own
			e.response = response
			return nil
		case response.StatusCode == http.StatusSwitchingProtocols:
			return fail("it is in another protocol")
		}
	}
	return fail("more than %d interim answers", maxInterim)
}

// atEnd makes sure that nothing follows a list that is whole by its announced length.
func (e *exchange) atEnd() error {
	if err := e.connection.SetReadDeadline(time.Now().Add(endTime)); err != nil {
		return err
	}
	if more, _ := e.in.Peek(1); len(more) > 0 {
		return fail("the server sends more than it announced, so that nobody can know what is the list")
	}
	return nil
}
