package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
)

// lines is a stream that signals when it has a number of lines.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	want int
	have chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := bytes.Count(l.text.Bytes(), []byte{'\n'})
	l.text.Write(p)
	if after := bytes.Count(l.text.Bytes(), []byte{'\n'}); before < l.want && after >= l.want {
		close(l.have)
	}
	return len(p), nil
}

// tail shows what is there and, at its next look, what was delivered since. When it is interrupted,
// the exit code is 130 and it says how to continue.
func TestTail_interrupted(t *testing.T) {
	server := httptest.NewServer(s3.New(s3.Config{}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	put := func(path, body string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
		response, err := http.DefaultClient.Do(request)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response, err)
		}
		response.Body.Close()
	}
	match := func(name string) string {
		return fmt.Sprintf(`{"query_name":"%s.example.","verdict":"malicious"}`+"\n", name)
	}
	put("/logs", "")
	put("/logs/dns/a.json", match("first")+match("second"))

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, messages := &lines{want: 2, have: make(chan struct{})}, &lines{}
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"tail", "--interval", "5s", "s3://logs/dns/"}, streams{strings.NewReader(""), out, messages})
	}()
	await := func(what string) {
		t.Helper()
		select {
		case <-out.have:
		case <-time.After(30 * time.Second):
			t.Fatalf("%s were not shown", what)
		}
	}

	await("the first matches")
	out.mu.Lock()
	out.want, out.have = 3, make(chan struct{})
	out.mu.Unlock()
	put("/logs/dns/b.json", match("third"))
	await("matches that came later")
	cancel()
	if got := <-code; got != 130 {
		t.Errorf("exit code %d", got)
	}
	if got, want := out.text.String(), match("first")+match("second")+match("third"); got != want {
		t.Errorf("shown:\n%s", got)
	}
	if got := messages.text.String(); !strings.Contains(got, " objects read; to continue here: --since 20") {
		t.Errorf("messages:\n%s", got)
	}
}
