package cli

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
)

// serveLists returns a source of lists whose https URLs a server on this machine answers.
func serveLists(t *testing.T) *listSource {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bad.txt" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, "evil.example\n")
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &listSource{stdin: strings.NewReader("piped.example\n"), fetcher: fetch.New(fetch.Config{
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
		},
		Public: func(netip.Addr) bool { return true },
		Roots:  roots,
		Folder: t.TempDir(),
		Dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
		},
	})}
}

// A list comes from a file, a URL or standard input; anything else gets an error that says how.
func TestListSource(t *testing.T) {
	t.Parallel()
	source := serveLists(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "list.txt")
	if err := os.WriteFile(file, []byte("local.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want, wantErr string }{
		{file, "local.example\n", ""},
		{"https://example.com/bad.txt", "evil.example\n", ""},
		{"-", "piped.example\n", ""},
		{folder, "", "is a folder; name the files in it"},
		{"http://example.com/bad.txt", "", "a list is read from a file, from an https:// URL, or from standard input (-)"},
		{"s3://lists/bad.txt", "", "copy it to a file first, or pipe it in"},
		{"https://example.com/secret.txt", "", "fetching a list: the server answers 403 Forbidden; if another program can download it, pipe it in"},
		{"https://localhost/bad.txt", "", "must be a public host"},
	} {
		list, err := source.open(t.Context(), test.path)
		if test.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("%s: error %v, want %q", test.path, err, test.wantErr)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		text, err := io.ReadAll(list)
		if string(text) != test.want || err != nil {
			t.Errorf("%s: %q, %v", test.path, text, err)
		}
		if err := list.Close(); err != nil {
			t.Error(err)
		}
	}
}
