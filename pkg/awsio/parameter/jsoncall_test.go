package parameter_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/resolverwatch/resolverwatch/internal/localaws/secretsmanager"
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/parameter"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

const someARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:feeds/vendor-AbCdEf"

// wire is an HTTP client that keeps what is sent and answers from a list.
type wire struct {
	requests []*http.Request
	bodies   []string
	answers  []string // status and body; the last one stays
}

func (w *wire) Do(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	w.requests, w.bodies = append(w.requests, request), append(w.bodies, string(body))
	answer := w.answers[0]
	if len(w.answers) > 1 {
		w.answers = w.answers[1:]
	}
	if answer == "" {
		return nil, io.ErrUnexpectedEOF
	}
	recorder := httptest.NewRecorder()
	status, text, _ := strings.Cut(answer, " ")
	recorder.WriteHeader(map[string]int{"200": 200, "400": 400, "429": 429, "500": 500}[status])
	io.WriteString(recorder, text)
	return recorder.Result(), nil
}

func (w *wire) config(region string) aws.Config {
	return aws.Config{Region: region, HTTPClient: w, Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", "TOKEN")}
}

// A call is signed in the way that AWS checks: for its service and Region, over its body
// and every header that matters. What is sent here is signed once more and compared.
func TestSecrets_signature(t *testing.T) {
	t.Parallel()
	w := wire{answers: []string{`200 {"SecretString":"hunter2"}`}}
	if text, err := parameter.NewSecrets(w.config("us-east-1")).Secret(context.Background(), someARN, ""); text != "hunter2" || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	sent := w.requests[0]
	if sent.URL.String() != "https://secretsmanager.eu-central-1.amazonaws.com/" || sent.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" ||
		sent.Header.Get("Content-Type") != "application/x-amz-json-1.1" || w.bodies[0] != `{"SecretId":"`+someARN+`"}` {
		t.Errorf("sent %v %v %s", sent.URL, sent.Header, w.bodies[0])
	}
	signature := sent.Header.Get("Authorization")
	if !regexp.MustCompile(`Credential=AKID/\d{8}/eu-central-1/secretsmanager/aws4_request, ` +
		`SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=`).MatchString(signature) {
		t.Errorf("signed %q", signature)
	}
	at, err := time.Parse("20060102T150405Z", sent.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	again := sent.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader([]byte(w.bodies[0])))
	again.Header.Del("Authorization")
	hash := sha256.Sum256([]byte(w.bodies[0]))
	owner := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "TOKEN"}
	err = v4.NewSigner().SignHTTP(context.Background(), owner, again, hex.EncodeToString(hash[:]), "secretsmanager", "eu-central-1", at)
	if err != nil || again.Header.Get("Authorization") != signature {
		t.Errorf("signed %q, want %q, %v", signature, again.Header.Get("Authorization"), err)
	}
}

func TestParameters_endpoints(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":     "https://ssm.eu-west-1.amazonaws.com/",
		"cn-north-1":    "https://ssm.cn-north-1.amazonaws.com.cn/",
		"us-gov-west-1": "https://ssm.us-gov-west-1.amazonaws.com/",
		"us-iso-east-1": "https://ssm.us-iso-east-1.c2s.ic.gov/",
	} {
		w := wire{answers: []string{`200 {"Parameter":{"Value":"{}"}}`}}
		if _, err := parameter.NewStore(w.config(region), "stack").Feed(context.Background(), "f"); err != nil {
			t.Error(err)
		}
		if got := w.requests[0].URL.String(); got != want {
			t.Errorf("Region %s is asked at %s, want %s", region, got, want)
		}
		if w.bodies[0] != `{"Name":"/stack/feeds/f","WithDecryption":true}` {
			t.Errorf("asked %s", w.bodies[0])
		}
	}
}

// The variables that lead the SDK's clients elsewhere lead these calls too.
func TestParameters_endpointVariables(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
	for _, tc := range []struct{ name, url, want string }{
		{"AWS_USE_FIPS_ENDPOINT", "true", "https://ssm-fips.eu-west-1.amazonaws.com/"},
		{"AWS_ENDPOINT_URL", "http://all.test", "http://all.test"},
		{"AWS_ENDPOINT_URL_SSM", "http://one.test", "http://one.test"},
	} {
		t.Setenv(tc.name, tc.url)
		config, err := awsio.Config(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		w := wire{answers: []string{`200 {"Parameter":{"Value":"{}"}}`}}
		config.HTTPClient = &w
		if _, err := parameter.NewStore(config, "stack").Feed(context.Background(), "f"); err != nil {
			t.Error(err)
		}
		if got := w.requests[0].URL.String(); got != tc.want {
			t.Errorf("with %s asked at %s, want %s", tc.name, got, tc.want)
		}
	}
}

// What may go better is tried again, what cannot is not.
func TestSecrets_tries(t *testing.T) {
	t.Parallel()
	const fine = `200 {"SecretString":"text"}`
	for _, tc := range []struct {
		name    string
		answers []string
		calls   int
		wantErr string
	}{
		{"fine", []string{fine}, 1, ""},
		{"throttled", []string{`400 {"__type":"ThrottlingException","message":"Rate exceeded"}`, `429 x`, fine}, 3, ""},
		{"broken", []string{`500 <html>`, fine}, 2, ""},
		{"cut off", []string{"", fine}, 2, ""},
		{"broken for good", []string{`500 {}`}, 4, "500"},
		{"denied", []string{`400 {"__type":"AccessDeniedException","Message":"not authorized"}`}, 1, "400 AccessDeniedException: not authorized"},
		{"another spelling", []string{`400 {"code":"com.amazonaws#DecryptionFailure:http://x/"}`}, 1, "400 DecryptionFailure"},
	} {
		w := wire{answers: tc.answers}
		text, err := parameter.NewSecrets(w.config("us-east-1")).Secret(context.Background(), someARN, "")
		if len(w.requests) != tc.calls {
			t.Errorf("%s: %d calls, want %d", tc.name, len(w.requests), tc.calls)
		}
		if tc.wantErr == "" && (text != "text" || err != nil) ||
			tc.wantErr != "" && (err == nil || !strings.HasSuffix(err.Error(), tc.wantErr) || !strings.Contains(err.Error(), someARN)) {
			t.Errorf("%s: %q, %v", tc.name, text, err)
		}
	}
}

// A secret is text, or one member of a JSON object. Errors tell nothing of it.
func TestSecrets_Secret(t *testing.T) {
	t.Parallel()
	var store secretsmanager.Store
	server := httptest.NewServer(&store)
	t.Cleanup(server.Close)
	secrets := parameter.NewSecrets(localclient.Config(server.URL))
	for i, tc := range []struct {
		text, member string
		want         string
		wantErr      string
	}{
		{text: "hunter2hunter2", want: "hunter2hunter2"},
		{text: "hunter2hunter2\r\n", want: "hunter2hunter2"},
		{text: `{"user":"u","token":"hunter2hunter2"}`, member: "token", want: "hunter2hunter2"},
		{text: `{"user":"hunter2"}`, member: "token", wantErr: `has no member "token"`},
		{text: `{"Token":"hunter2"}`, member: "token", wantErr: `has no member "token"`},
		{text: `{"token":{"hunter2":1}}`, member: "token", wantErr: `its member "token" is not a string`},
		{text: `hunter2`, member: "token", wantErr: "is not a JSON object"},
		{text: `{"hunter2":`, member: "token", wantErr: "is not a JSON object"},
	} {
		arn, err := store.Put(string(rune('a'+i)), tc.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := secrets.Secret(context.Background(), arn, tc.member)
		if got != tc.want || (err != nil) != (tc.wantErr != "") {
			t.Errorf("%q: %q, %v", tc.text, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), tc.wantErr) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%q: %v, want %q", tc.text, err, tc.wantErr)
		}
	}
	for answer, want := range map[string]string{
		`200 {"SecretBinary":"aHVudGVyMg=="}`: "is binary",
		`200 {"SecretString":hunter2}`:        "not in its shape",
		`400 {"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}`: "can't find",
	} {
		w := wire{answers: []string{answer}}
		if _, err := parameter.NewSecrets(w.config("us-east-1")).Secret(context.Background(), someARN, ""); err == nil ||
			!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", answer, err, want)
		}
	}
}

func TestStore_Feed(t *testing.T) {
	t.Parallel()
	store := parameter.NewStore(localclient.Parameters(t, map[string]string{"/stack/feeds/f": `{"scope":"name"}`}), "stack")
	if text, err := store.Feed(context.Background(), "f"); string(text) != `{"scope":"name"}` || err != nil {
		t.Errorf("settings are %q, %v", text, err)
	}
	if _, err := store.Feed(context.Background(), "none"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("error %v, want not found", err)
	}
}
