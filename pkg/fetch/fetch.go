// Package fetch gets a list from a URL: a request in, an outcome out, with the bytes of
// the list as the server sent them.
//
// A URL, and what its server answers, is input of strangers. The package sees to it
// that fetching cannot be turned against whoever fetches:
//
//   - Only https is spoken, at every hop of a redirect.
//   - The address that is dialled is the address that was checked: a host is resolved
//     once for each connection, and no address of this machine, of a private network or
//     of another special purpose is ever dialled. No proxy is used, because a proxy
//     resolves names by itself.
//   - A secret goes to the host of the URL alone, is told to nobody, and a list that
//     repeats it is not taken.
//   - Time and size are bounded, and an answer that cannot be known to be whole is none.
//
// One request is one connection, by HTTP/1.1. See [RFC 9110] for what validators,
// redirects and Retry-After mean.
//
// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110
package fetch

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// Config is what a [Fetcher] works with. The zero Config fetches from the Internet.
type Config struct {
	// Resolve returns the addresses of a host.
	//
	// Default: the resolver of the system.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial opens a TCP connection to an address that was checked.
	//
	// Default: [net.Dialer].
	Dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	// Public reports whether an address may be dialled.
	//
	// Default: [IsPublic].
	Public func(netip.Addr) bool
	// Roots are the authorities that a server's certificate may be of.
	//
	// Default: those of the system.
	Roots *x509.CertPool
	// Now is the clock, for Retry-After.
	//
	// Default: [time.Now].
	Now func() time.Time
	// Folder is where a list lies while it is fetched.
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
		c.Public = IsPublic
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Fetcher{c}
}

// Request says what to fetch.
type Request struct {
	URL string // https; settings.CheckURL says what else it must be
	// ETag and LastModified are the validators of the list that is there already, as its
	// server gave them. If any is set, the list may turn out to be [NotModified].
	ETag, LastModified string
	Secret             Secret
	// MaxBytes and Timeout bound the fetch. They must be above 0.
	MaxBytes int64
	Timeout  time.Duration
}

// maxHops is how many redirects are followed.
const maxHops = 5

// Fetch gets a list. It does not fail: whatever happens is an outcome. The body of a
// [Fetched] list must be closed.
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

// follow asks hop after hop until one answers with something else than a redirect.
func (r *run) follow(ctx context.Context) (result Result, err error) {
	to, err := checkTarget(r.request.URL)
	if err != nil {
		return result, err
	}
	home := to.Host
	if r.request.Secret.Query != "" {
		to = r.request.Secret.addTo(to)
	}
	asked := map[string]bool{}
	for range maxHops + 1 {
		result.URL = show(to)
		asked[to.String()] = true
		next, err := r.ask(ctx, to, to.Host == home, &result)
		if err != nil || next == nil {
			return result, err
		}
		switch {
		case asked[next.String()]:
			return result, refuse("redirects in a circle, back to %s", show(next))
		case next.Host != home && r.redact.isIn(next.String()):
			return result, refuse("a redirect to %s would hand the secret to another host", show(next))
		}
		to = next
	}
	return result, refuse("more than %d redirects, the last to %s", maxHops, show(to))
}

// ask asks one hop. A redirect is returned, anything else fills the result.
func (r *run) ask(ctx context.Context, to *url.URL, atHome bool, result *Result) (*url.URL, error) {
	exchange, err := r.exchange(ctx, to, atHome)
	if err != nil {
		return nil, err
	}
	defer exchange.close()
	result.Status = exchange.response.StatusCode
	if isRedirect(result.Status) {
		return nextHop(to, exchange.response.Header.Get("Location"))
	}
	return nil, r.judge(exchange, result)
}
