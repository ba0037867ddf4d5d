package parameter_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/parameter"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localclient"
	"github.com/resolverwatch/resolverwatch/test/localsecrets"
)

var (
	_ importer.Settings = (*parameter.Store)(nil)
	_ importer.Secrets  = (*parameter.Secrets)(nil)
)

const someARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:feeds/vendor-AbCdEf"

// wire is an HTTP client that records requests and returns responses from a list.
type wire struct {
	requests []*http.Request
	bodies   []string
	answers  []string // status and body; the last one repeats
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

// A request for a secret goes to the Region in its ARN and is signed for that Region.
func TestSecrets_signature(t *testing.T) {
	t.Parallel()
	w := wire{answers: []string{`200 {"SecretString":"hunter2"}`}}
	text, err := parameter.NewSecrets(w.config("us-east-1")).Secret(context.Background(), someARN, "")
	if text != "hunter2" || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	sent := w.requests[0]
	if sent.URL.String() != "https://secretsmanager.eu-central-1.amazonaws.com/" ||
		sent.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" ||
		w.bodies[0] != `{"SecretId":"`+someARN+`"}` {
		t.Errorf("sent %v %v %s", sent.URL, sent.Header, w.bodies[0])
	}
	signature := sent.Header.Get("Authorization")
	if !regexp.MustCompile(`Credential=AKID/\d{8}/eu-central-1/secretsmanager/aws4_request, `).MatchString(signature) {
		t.Errorf("signed %q", signature)
	}
}

func TestStore_endpoints(t *testing.T) {
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
			t.Errorf("Region %s: requested %s, want %s", region, got, want)
		}
		if w.bodies[0] != `{"Name":"/stack/feeds/f","WithDecryption":true}` {
			t.Errorf("sent %s", w.bodies[0])
		}
	}
}

// The environment variables for endpoints apply, and the one for SSM takes precedence.
func TestStore_endpointVariables(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
	for _, tc := range []struct {
		environment map[string]string
		want        string
	}{
		{map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "https://ssm-fips.eu-west-1.amazonaws.com/"},
		{map[string]string{"AWS_ENDPOINT_URL": "http://all.test"}, "http://all.test/"},
		{
			map[string]string{"AWS_ENDPOINT_URL": "http://all.test", "AWS_ENDPOINT_URL_SSM": "http://one.test"},
			"http://one.test/",
		},
	} {
		t.Run(tc.want, func(t *testing.T) {
			for name, value := range tc.environment {
				t.Setenv(name, value)
			}
			config, err := awsio.Config(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			w := wire{answers: []string{`200 {"Parameter":{"Value":"{}"}}`}}
			config.HTTPClient = &w
			if _, err := parameter.NewStore(config, "stack").Feed(context.Background(), "f"); err != nil {
				t.Fatal(err)
			}
			if got := w.requests[0].URL.String(); got != tc.want {
				t.Errorf("requested %s, want %s", got, tc.want)
			}
		})
	}
}

// Requests are repeated only if another attempt can succeed. The error has the code of the
// last response.
func TestSecrets_tries(t *testing.T) {
	t.Parallel()
	const good = `200 {"SecretString":"text"}`
	for _, tc := range []struct {
		name     string
		answers  []string
		calls    int
		wantCode string
	}{
		{"good", []string{good}, 1, ""},
		{"throttled", []string{
			`400 {"__type":"ThrottlingException","message":"Rate exceeded"}`,
			`429 x`,
			good,
		}, 3, ""},
		{"server error", []string{`500 <html>`, good}, 2, ""},
		{"cut off", []string{"", good}, 2, ""},
		{"lasting server error", []string{`500 {"__type":"InternalServiceError"}`}, 4, "InternalServiceError"},
		{"denied", []string{`400 {"__type":"AccessDeniedException","Message":"not authorized"}`}, 1, "AccessDeniedException"},
		{"another spelling", []string{`400 {"code":"com.amazonaws#DecryptionFailure:http://x/"}`}, 1, "DecryptionFailure"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := wire{answers: tc.answers}
			text, err := parameter.NewSecrets(w.config("us-east-1")).Secret(context.Background(), someARN, "")
			if len(w.requests) != tc.calls {
				t.Errorf("%d requests, want %d", len(w.requests), tc.calls)
			}
			if tc.wantCode == "" {
				if text != "text" || err != nil {
					t.Errorf("%q, %v", text, err)
				}
				return
			}
			var answer smithy.APIError
			if !errors.As(err, &answer) || answer.ErrorCode() != tc.wantCode || !strings.Contains(err.Error(), someARN) {
				t.Errorf("error %v, want %s", err, tc.wantCode)
			}
		})
	}
}

// A secret is text, or one member of a JSON object. Errors do not contain any of it.
func TestSecrets_Secret(t *testing.T) {
	t.Parallel()
	var store localsecrets.Store
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
		`200 {"SecretString":hunter2}`:        "the response is not valid JSON",
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
