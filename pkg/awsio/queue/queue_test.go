package queue_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/queue"
)

const url = "https://sqs.eu-west-1.amazonaws.com/111122223333/alerts"

// server is SQS, as far as a sender sees it. Each request is answered by the next of the
// answers; the last one repeats.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	answers []http.HandlerFunc
	bodies  []string
}

func newServer(t *testing.T, answers ...http.HandlerFunc) (*server, *queue.Queue) {
	t.Helper()
	s := &server{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		answer := s.answers[0]
		if len(s.answers) > 1 {
			s.answers = s.answers[1:]
		}
		s.mu.Unlock()
		var in struct{ QueueUrl, MessageBody string } //nolint:revive // the name of SQS
		err := json.NewDecoder(r.Body).Decode(&in)
		if target := r.Header.Get("X-Amz-Target"); err != nil || target != "AmazonSQS.SendMessage" || in.QueueUrl != url {
			t.Errorf("request for %s to %s: %v", target, in.QueueUrl, err)
		}
		s.mu.Lock()
		s.bodies = append(s.bodies, in.MessageBody)
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s, queue.New(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}, url)
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies
}

// accept answers as SQS does if it takes a message.
func accept(body string) http.HandlerFunc {
	sum := md5.Sum([]byte(body))
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"MessageId":"1","MD5OfMessageBody":"%s"}`, hex.EncodeToString(sum[:]))
	}
}

func refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.sqs#%s","message":"refused"}`, code)
	}
}

// hang answers nothing until the client gives up.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestQueue_Send(t *testing.T) {
	t.Parallel()
	body := `{"rows":["\u0000\"` + strings.Repeat("x", 200_000) + `"]}`
	s, q := newServer(t, accept(body))
	for range 2 {
		if err := q.Send(t.Context(), []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.requests(); len(got) != 2 || got[0] != body || got[1] != body {
		t.Errorf("%d messages", len(got))
	}
}

// Faults that can pass are tried again. The others are not.
func TestQueue_Send_faults(t *testing.T) {
	t.Parallel()
	const body = "secret.example"
	for _, tt := range []struct {
		name         string
		answers      []http.HandlerFunc
		wantRequests int
		wantCode     string // of the error; "-" for any error, "" for none
	}{
		{"server error once", []http.HandlerFunc{refuse(500, "InternalFailure"), accept(body)}, 2, ""},
		{"throttled once", []http.HandlerFunc{refuse(400, "RequestThrottled"), accept(body)}, 2, ""},
		{"connection reset once", []http.HandlerFunc{reset, accept(body)}, 2, ""},
		{"hangs once", []http.HandlerFunc{hang, accept(body)}, 2, ""},
		{"server error", []http.HandlerFunc{refuse(503, "ServiceUnavailable")}, 4, "ServiceUnavailable"},
		{"resets", []http.HandlerFunc{reset}, 4, "-"},
		{"no queue", []http.HandlerFunc{refuse(400, "QueueDoesNotExist")}, 1, "QueueDoesNotExist"},
		{"denied", []http.HandlerFunc{refuse(403, "AccessDenied")}, 1, "AccessDenied"},
		{"not text that SQS accepts", []http.HandlerFunc{refuse(400, "InvalidMessageContents")}, 1, "InvalidMessageContents"},
		{"another message arrived", []http.HandlerFunc{accept("x")}, 1, "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, q := newServer(t, tt.answers...)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := q.Send(ctx, []byte(body))
			if got := len(s.requests()); got != tt.wantRequests {
				t.Errorf("%d requests, want %d", got, tt.wantRequests)
			}
			var api smithy.APIError
			switch {
			case (err == nil) != (tt.wantCode == ""):
				t.Errorf("error %v", err)
			case err == nil:
			case tt.wantCode != "-" && (!errors.As(err, &api) || api.ErrorCode() != tt.wantCode):
				t.Errorf("error %v, want the code %s", err, tt.wantCode)
			case strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), url):
				t.Errorf("error %q", err)
			}
		})
	}
}

// Whatever the queue does, Send ends with its context.
func TestQueue_Send_bounded(t *testing.T) {
	t.Parallel()
	slow := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" ")) // the client gives up
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"hangs": hang, "answers byte by byte": slow, "refuses": refuse(500, "InternalFailure"), "resets": reset,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, q := newServer(t, answer)
			const limit = 100 * time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			began := time.Now()
			if err := q.Send(ctx, []byte("{}")); err == nil {
				t.Error("no error")
			}
			if took := time.Since(began); took > limit+time.Second { // this machine may be busy
				t.Errorf("took %v", took)
			}
		})
	}
}

// Nothing listens at the address.
func TestQueue_Send_unreachable(t *testing.T) {
	t.Parallel()
	s, q := newServer(t, hang)
	s.Close()
	if err := q.Send(t.Context(), []byte("{}")); err == nil {
		t.Error("no error")
	}
}
