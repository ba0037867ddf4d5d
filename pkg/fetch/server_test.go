package fetch_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
)

// internet is a network for the tests. Hosts have addresses, and the same TLS server is at
// every public address. It runs the script of the requested host.
type internet struct {
	t        *testing.T
	listener net.Listener
	roots    *x509.CertPool
	scripts  map[string]script // by the Host of the request

	mu       sync.Mutex
	answers  map[string][][]netip.Addr // by host, in order; the last one repeats
	resolved []string
	dialled  []netip.AddrPort
	requests []*http.Request
}

// script answers one request. The connection is closed when it returns.
type script func(w io.Writer, r *http.Request)

// publicAddress represents all addresses on the Internet. No host has it, so a test that
// leaves this machine by mistake does not reach anything.
var publicAddress = netip.MustParseAddr("192.0.2.1")

// isPublic reports true for publicAddress. For other addresses it calls the tested function.
func isPublic(address netip.Addr) bool { return address == publicAddress || fetch.IsPublic(address) }

func newInternet(t *testing.T, scripts map[string]script) *internet {
	t.Helper()
	certificate, roots := newCertificate(t, "lists.example", "mirror.example", "sub.lists.example", "*.test")
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	in := &internet{t: t, listener: listener, roots: roots, scripts: scripts, answers: map[string][][]netip.Addr{}}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() { in.serve(connection) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		served.Wait()
	})
	return in
}

func (in *internet) serve(connection net.Conn) {
	defer connection.Close()
	request, err := http.ReadRequest(bufio.NewReader(connection))
	if err != nil {
		return // the client does not trust the certificate
	}
	in.mu.Lock()
	in.requests = append(in.requests, request)
	script := in.scripts[request.Host]
	in.mu.Unlock()
	if script == nil {
		in.t.Errorf("request for %q, which has no script", request.Host)
		return
	}
	script(connection, request)
}

// resolve returns the addresses of a host, or publicAddress.
func (in *internet) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.resolved = append(in.resolved, host)
	answers := in.answers[host]
	if len(answers) == 0 {
		return []netip.Addr{publicAddress}, nil
	}
	if len(answers) > 1 {
		in.answers[host] = answers[1:]
	}
	return answers[0], nil
}

func (in *internet) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	in.mu.Lock()
	in.dialled = append(in.dialled, to)
	in.mu.Unlock()
	if to.Addr() != publicAddress {
		return nil, errors.New("connection refused")
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", in.listener.Addr().String())
}

func (in *internet) fetcher() *fetch.Fetcher {
	return fetch.New(fetch.Config{
		Resolve: in.resolve, Dial: in.dial, Public: isPublic, Roots: in.roots, Folder: in.t.TempDir(), Now: clock,
	})
}

func clock() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

// fetch fetches a list from lists.example, unless change sets another URL.
func (in *internet) fetch(change func(*fetch.Request)) fetch.Result {
	in.t.Helper()
	request := fetch.Request{URL: "https://lists.example/all.txt", MaxBytes: 1 << 20, Timeout: 10 * time.Second}
	if change != nil {
		change(&request)
	}
	result := in.fetcher().Fetch(context.Background(), request)
	if result.Body != nil {
		in.t.Cleanup(func() { result.Body.Close() })
	}
	return result
}

// serves returns a script that sends the same text for every request.
func serves(answer string) script {
	return func(w io.Writer, _ *http.Request) { io.WriteString(w, answer) }
}

// list returns a response with a list.
func list(body string, header ...string) string {
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", len(body))
	for _, line := range header {
		answer += line + "\r\n"
	}
	return answer + "\r\n" + body
}

// redirect returns a response that redirects.
func redirect(to string) string {
	return "HTTP/1.1 302 Found\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n"
}

// newCertificate returns a self-signed certificate for hosts, and a pool that trusts it.
func newCertificate(t *testing.T, hosts ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: hosts, IPAddresses: []net.IP{publicAddress.AsSlice()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
