// Package fetch downloads a list from a URL. It takes a request and returns an outcome, with
// the bytes of the list as the server sent them.
//
// The URL and the server's response are untrusted input. The package makes sure that a
// server cannot use a fetch to attack the network or the secrets of the caller:
//
//   - Every request uses https, after redirects too.
//   - The dialled address is the address that was checked. A host is resolved once for each
//     connection, and the package never connects to an address of this machine, of a private
//     network or of another special-purpose block. It does not use a proxy, because a proxy
//     resolves names itself.
//   - A secret is sent only to the host of the URL. It is never part of a result, and a list
//     that contains it is refused.
//   - Time and size are bounded, and a response that may be incomplete is an error.
//
// Each request has its own connection, with HTTP/1.1. See [RFC 9110] for validators,
// redirects and Retry-After.
//
// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110
package fetch

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Config configures a [Fetcher]. The zero Config fetches from the Internet.
type Config struct {
	// Resolve returns the addresses of a host.
	//
	// Default: the resolver of the system.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial opens a TCP connection to an address that was checked.
	//
	// Default: [net.Dialer].
	Dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	// Public reports whether the package may connect to an address.
	//
	// Default: public addresses of the Internet. Addresses of this machine, of private networks
	// and of special-purpose blocks are refused.
	Public func(netip.Addr) bool
	// Roots are the certificate authorities that servers can use.
	//
	// Default: those of the system.
	Roots *x509.CertPool
	// Now is the clock, for Retry-After.
	//
	// Default: [time.Now].
	Now func() time.Time
	// Folder contains the temporary files of lists.
	//
	// Default: [os.TempDir].
	Folder string
}

// Fetcher fetches lists. It is safe for concurrent use.
type Fetcher struct{ config Config }

// New returns a fetcher.
func New(c Config) *Fetcher {
	if c.Resolve == nil {
		c.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
		}
	}
	if c.Public == nil {
		c.Public = isPublic
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Fetcher{c}
}

// Request describes a fetch.
type Request struct {
	// URL must begin with https://. See settings.CheckURL for its other rules.
	URL string
	// ETag and LastModified are the validators of the stored list, as its server sent them.
	// If one of them is set, the outcome can be [NotModified].
	ETag, LastModified string
	Secret             Secret
	// MaxBytes and Timeout bound the fetch. They must be above 0.
	MaxBytes int64
	Timeout  time.Duration
}

// maxHops is how many redirects are followed.
const maxHops = 5

// Fetch downloads a list. It does not return an error, because every failure is an outcome.
// The caller must close the body of a [Fetched] list.
func (f *Fetcher) Fetch(ctx context.Context, r Request) Result {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()

	run := run{config: f.config, request: r, redact: newRedactor(r.Secret.Value)}
	result, err := run.follow(ctx)
	if err != nil {
		result.Outcome, result.Reason = explain(ctx, err, r.Timeout)
	}
	result.Reason, result.URL = run.redact.clean(result.Reason), run.redact.clean(result.URL)
	return result
}

// run is one fetch.
type run struct {
	config  Config
	request Request
	redact  redactor
}

// follow sends requests until a response is not a redirect.
func (r *run) follow(ctx context.Context) (result Result, err error) {
	to, err := checkTarget(r.request.URL)
	if err != nil {
		return result, err
	}
	home := to.Host
	if r.request.Secret.Query != "" {
		to = r.request.Secret.addTo(to)
	}

	requested := map[string]bool{}
	for range maxHops + 1 {
		result.URL = show(to)
		requested[to.String()] = true
		next, err := r.fetchHop(ctx, to, to.Host == home, &result)
		if err != nil || next == nil {
			return result, err
		}
		switch {
		case requested[next.String()]:
			return result, refuse("redirect loop, back to %s", show(next))
		case next.Host != home && r.redact.isIn(next.String()):
			return result, refuse("a redirect to %s would send the secret to another host", show(next))
		}
		to = next
	}
	return result, refuse("more than %d redirects, the last to %s", maxHops, show(to))
}

// fetchHop sends one request. It returns the target of a redirect; any other response sets
// the result.
func (r *run) fetchHop(ctx context.Context, to *url.URL, atHome bool, result *Result) (*url.URL, error) {
	exchange, err := r.exchange(ctx, to, atHome)
	if err != nil {
		return nil, err
	}
	defer exchange.close()

	result.Status = exchange.response.StatusCode
	if isRedirect(result.Status) {
		return nextHop(to, exchange.response.Header.Get("Location"))
	}
	return nil, r.interpret(exchange, result)
}

// redirects are the statuses that tell the client to repeat the request at another URL.
var redirects = []int{
	http.StatusMovedPermanently,
	http.StatusFound,
	http.StatusSeeOther,
	http.StatusTemporaryRedirect,
	http.StatusPermanentRedirect,
}

func isRedirect(status int) bool { return slices.Contains(redirects, status) }

// checkTarget parses a URL and checks that the package may fetch it. It applies to the URL of
// the request and to redirects.
func checkTarget(text string) (*url.URL, error) {
	if err := settings.CheckURL(text); err != nil {
		return nil, refuse("%v", err)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, refuse("not a URL")
	}
	return u, nil
}

// nextHop returns the target of a redirect.
func nextHop(from *url.URL, location string) (*url.URL, error) {
	if location == "" {
		return nil, fail("a redirect without a Location")
	}
	to, err := from.Parse(location)
	if err != nil {
		return nil, refuse("a redirect to something that is not a URL")
	}

	to.Fragment, to.RawFragment = "", "" // never sent
	next, err := checkTarget(to.String())
	if err != nil {
		return nil, refuse("a redirect to a URL that is not allowed: %v", err)
	}
	return next, nil
}

// show returns a URL without its query and user, for messages. A query is often a key, also
// in a redirect.
func show(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
