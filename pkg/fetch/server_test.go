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

// internet is where the tests fetch: hosts with addresses, and at each public address
// the same TLS server, which does what the script of the host says, byte by byte.
type internet struct {
	t        *testing.T
	listener net.Listener
	roots    *x509.CertPool
	scripts  map[string]script // by host, as the request names it

	mu       sync.Mutex
	answers  map[string][][]netip.Addr // by host, one after another; the last one stays
	resolved []string
	dialled  []netip.AddrPort
	requests []*http.Request
}

// script answers one request. The connection ends when it returns.
type script func(w io.Writer, r *http.Request)

// publicAddress stands for any address on the Internet. It is one that no host has, so
// that a test which gets out of here reaches nobody.
var publicAddress = netip.MustParseAddr("192.0.2.1")

// isPublic takes the address of the tests for public, and leaves all others to what is
// tested.
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
		return // a client that does not trust the certificate
	}
	in.mu.Lock()
	in.requests = append(in.requests, request)
	script := in.scripts[request.Host]
	in.mu.Unlock()
	if script == nil {
		in.t.Errorf("asked for %q, which no script serves", request.Host)
		return
	}
	script(connection, request)
}

// resolve gives the answers of a host, or the public address.
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
		return nil, errors.New("nobody is there")
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", in.listener.Addr().String())
}

func (in *internet) fetcher() *fetch.Fetcher {
	return fetch.New(fetch.Config{
		Resolve: in.resolve, Dial: in.dial, Public: isPublic, Roots: in.roots, Folder: in.t.TempDir(), Now: clock,
	})
}

func clock() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

// fetch asks for a URL within a second or two.
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

// serves returns a script that answers a text, whatever is asked.
func serves(answer string) script {
	return func(w io.Writer, _ *http.Request) { io.WriteString(w, answer) }
}

// list is an answer with a list.
func list(body string, header ...string) string {
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", len(body))
	for _, line := range header {
		answer += line + "\r\n"
	}
	return answer + "\r\n" + body
}

// redirect is an answer that leads elsewhere.
func redirect(to string) string {
	return "HTTP/1.1 302 Found\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n"
}

// newCertificate returns a certificate for hosts, and who vouches for it: itself.
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
