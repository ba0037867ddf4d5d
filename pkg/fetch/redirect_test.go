package fetch_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
)

func TestFetcher_Fetch_redirects(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		scripts map[string]script
		want    fetch.Outcome
		url     string // of the last request
	}{{
		name: "to another path",
		scripts: map[string]script{"lists.example": func(w io.Writer, r *http.Request) {
			if r.URL.Path == "/all.txt" {
				io.WriteString(w, redirect("v2/all.txt?signature=hunter2#part"))
				return
			}
			io.WriteString(w, list(someList))
		}},
		want: fetch.Fetched, url: "https://lists.example/v2/all.txt",
	}, {
		name: "to another host",
		scripts: map[string]script{
			"lists.example":  serves(redirect("//mirror.example/a")),
			"mirror.example": serves(list(someList)),
		},
		want: fetch.Fetched, url: "https://mirror.example/a",
	}, {
		name: "five in a row",
		scripts: map[string]script{
			"lists.example": serves(redirect("https://a.test/")), "a.test": serves(redirect("https://b.test/")),
			"b.test": serves(redirect("https://c.test/")), "c.test": serves(redirect("https://d.test/")),
			"d.test": serves(redirect("https://e.test/")), "e.test": serves(list(someList)),
		},
		want: fetch.Fetched, url: "https://e.test/",
	}, {
		name: "six in a row",
		scripts: map[string]script{
			"lists.example": serves(redirect("https://a.test/")), "a.test": serves(redirect("https://b.test/")),
			"b.test": serves(redirect("https://c.test/")), "c.test": serves(redirect("https://d.test/")),
			"d.test": serves(redirect("https://e.test/")), "e.test": serves(redirect("https://f.test/")),
		},
		want: fetch.Refused, url: "https://e.test/",
	}, {
		name:    "to itself",
		scripts: map[string]script{"lists.example": serves(redirect("/all.txt"))},
		want:    fetch.Refused, url: "https://lists.example/all.txt",
	}, {
		name: "loop over two hosts",
		scripts: map[string]script{
			"lists.example": serves(redirect("https://a.test/")), "a.test": serves(redirect("https://lists.example/all.txt")),
		},
		want: fetch.Refused, url: "https://a.test/",
	}, {
		name: "to longer and longer paths",
		scripts: map[string]script{"lists.example": func(w io.Writer, r *http.Request) {
			io.WriteString(w, redirect(r.URL.Path+"/x"))
		}},
		want: fetch.Refused, url: "https://lists.example/all.txt/x/x/x/x/x",
	}, {
		name:    "without a target",
		scripts: map[string]script{"lists.example": serves("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")},
		want:    fetch.Failed, url: "https://lists.example/all.txt",
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			result := newInternet(t, tc.scripts).fetch(nil)
			if result.Outcome != tc.want || result.URL != tc.url {
				t.Errorf("%s (%s) at %s, want %s at %s", result.Outcome, result.Reason, result.URL, tc.want, tc.url)
			}
			reasons.Compare(t, result.Reason)
		})
	}
}

// Redirects to a URL or an address that is not allowed are refused without a connection.
func TestFetcher_Fetch_redirectsOut(t *testing.T) {
	t.Parallel()
	for _, to := range []string{
		"http://mirror.example/all.txt",
		"HTTP://lists.example/all.txt",
		"ftp://mirror.example/all.txt",
		"file:///proc/self/environ",
		"javascript:alert(1)",
		"https:///x",
		"https://mirror.example:99999/",
		"https://me:hunter2@mirror.example/",
		"https://mirror.example/%zz",
		"https://127.0.0.1/",
		"https://127.0.0.1:9001/2018-06-01/",
		"https://169.254.169.254/latest/",
		"https://[::1]/",
		"https://10.1.2.3/",
		"https://[::ffff:10.1.2.3]/",
		"https://[::ffff:169.254.169.254]/",
		"https://[fe80::1%25eth0]/",
		"https://localhost/",
		"https://100.64.0.1/",
		"https://198.18.0.1/",
		"https://[64:ff9b::a9fe:a9fe]/", // NAT64 of 169.254.169.254
		"https://[2002:7f00:1::]/",      // 6to4 of 127.0.0.1
		"https://[::127.0.0.1]/",
		"https://[2001:0:7f00:1::]/",
		"https://private.test/",
		"https://metadata.test/",
		"https://mapped.test/",
		"https://2852039166/latest/meta-data/", // some resolvers accept this form
		"https://b\u00fccher.example/",
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			in := newInternet(t, map[string]script{"lists.example": serves(redirect(to))})
			in.answers["private.test"] = [][]netip.Addr{{netip.MustParseAddr("10.0.0.8"), netip.MustParseAddr("::1")}}
			in.answers["metadata.test"] = [][]netip.Addr{{netip.MustParseAddr("169.254.169.254")}}
			in.answers["mapped.test"] = [][]netip.Addr{{netip.MustParseAddr("::ffff:127.0.0.1")}}
			in.answers["2852039166"] = [][]netip.Addr{{netip.MustParseAddr("169.254.169.254")}}
			result := in.fetch(nil)
			if result.Outcome != fetch.Refused || strings.Contains(result.Reason, "hunter2") {
				t.Errorf("%s (%s), want a refusal without the password", result.Outcome, result.Reason)
			}
			reasons.Compare(t, result.Reason)
			if len(in.dialled) != 1 || in.dialled[0].Addr() != publicAddress {
				t.Errorf("dialled %v", in.dialled)
			}
		})
	}
}

// The URL of the request is checked like a redirect.
func TestFetcher_Fetch_urls(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"http://lists.example/",
		"https://127.0.0.1:9001/",
		"https://100.64.0.1/",
		"https://private.test/",
		"https://empty.test/",
		"",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			in := newInternet(t, nil)
			in.answers["private.test"] = [][]netip.Addr{{netip.MustParseAddr("fd00:ec2::254")}}
			in.answers["empty.test"] = [][]netip.Addr{{}}
			result := in.fetch(func(r *fetch.Request) { r.URL = url })
			if result.Outcome == fetch.Fetched || len(in.dialled) > 0 {
				t.Errorf("%s (%s), dialled %v", result.Outcome, result.Reason, in.dialled)
			}
			reasons.Compare(t, result.Reason)
		})
	}
}

// A DNS server of an attacker can change its response at any time. Each connection resolves
// the host once and dials the address that was checked.
func TestFetcher_Fetch_rebinding(t *testing.T) {
	t.Parallel()
	public, private := []netip.Addr{publicAddress}, []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	t.Run("after the check", func(t *testing.T) {
		t.Parallel()
		in := newInternet(t, map[string]script{"lists.example": serves(list(someList))})
		in.answers["lists.example"] = [][]netip.Addr{public, private}
		if result := in.fetch(nil); result.Outcome != fetch.Fetched {
			t.Errorf("%s (%s)", result.Outcome, result.Reason)
		}
		if !slices.Equal(in.resolved, []string{"lists.example"}) || in.dialled[0].String() != "192.0.2.1:443" {
			t.Errorf("resolved %v, dialled %v", in.resolved, in.dialled)
		}
	})
	t.Run("between two hops", func(t *testing.T) {
		t.Parallel()
		in := newInternet(t, map[string]script{"lists.example": serves(redirect("/v2"))})
		in.answers["lists.example"] = [][]netip.Addr{public, private}
		if result := in.fetch(nil); result.Outcome != fetch.Refused || len(in.dialled) != 1 {
			t.Errorf("%s (%s), dialled %v", result.Outcome, result.Reason, in.dialled)
		}
	})
	t.Run("both addresses in one response", func(t *testing.T) {
		t.Parallel()
		in := newInternet(t, map[string]script{"lists.example": serves(list(someList))})
		in.answers["lists.example"] = [][]netip.Addr{slices.Concat(private, public)}
		if result := in.fetch(nil); result.Outcome != fetch.Fetched || len(in.dialled) != 1 {
			t.Errorf("%s (%s), dialled %v", result.Outcome, result.Reason, in.dialled)
		}
	})
}

// If an address does not answer, the next one is tried: IPv4 before IPv6, and at most four.
func TestFetcher_Fetch_addresses(t *testing.T) {
	t.Parallel()
	dead := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{9, 9, 9, n}) }
	in := newInternet(t, map[string]script{"lists.example:8443": serves(list(someList))})
	in.answers["lists.example"] = [][]netip.Addr{{netip.MustParseAddr("2600::1"), dead(1), publicAddress}}
	in.answers["dead.test"] = [][]netip.Addr{{dead(1), dead(2), dead(3), dead(4), dead(5)}}
	if result := in.fetch(func(r *fetch.Request) { r.URL = "https://lists.example:8443/" }); result.Outcome != fetch.Fetched {
		t.Errorf("%s (%s)", result.Outcome, result.Reason)
	}
	if got := fmt.Sprint(in.dialled); got != "[9.9.9.1:8443 192.0.2.1:8443]" {
		t.Errorf("dialled %s", got)
	}
	in.dialled = nil
	result := in.fetch(func(r *fetch.Request) { r.URL = "https://dead.test/" })
	if result.Outcome != fetch.Failed || !strings.Contains(result.Reason, "connecting to dead.test: connection refused; ") || len(in.dialled) != 4 {
		t.Errorf("%s (%s), dialled %v", result.Outcome, result.Reason, in.dialled)
	}
}

// A server needs a valid certificate.
func TestFetcher_Fetch_certificate(t *testing.T) {
	t.Parallel()
	in := newInternet(t, nil)
	unknown := in.fetch(func(r *fetch.Request) { r.URL = "https://unknown.example/" })
	_, in.roots = newCertificate(t, "lists.example")
	forged := in.fetch(nil)
	for _, result := range []fetch.Result{unknown, forged} {
		if result.Outcome != fetch.Failed || !strings.Contains(result.Reason, "TLS handshake with ") || !strings.Contains(result.Reason, "certificate") {
			t.Errorf("%s (%s)", result.Outcome, result.Reason)
		}
	}
	if len(in.requests) > 0 {
		t.Error("a request was sent before the certificate was checked")
	}
}

// The proxy variables of the environment are ignored.
func TestFetcher_Fetch_noProxy(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	in := newInternet(t, map[string]script{"lists.example": serves(list(someList))})
	if result := in.fetch(nil); result.Outcome != fetch.Fetched || in.dialled[0].Addr() != publicAddress {
		t.Errorf("%s (%s), dialled %v", result.Outcome, result.Reason, in.dialled)
	}
}
