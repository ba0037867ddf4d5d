package localsecrets_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/localsecrets"
)

// ask calls an operation and returns the status and the response.
func ask(t *testing.T, store *localsecrets.Store, operation, body string) (int, map[string]any) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("X-Amz-Target", "secretsmanager."+operation)
	recorder := httptest.NewRecorder()
	store.ServeHTTP(recorder, request)
	var answer map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return recorder.Code, answer
}

func TestStore(t *testing.T) {
	t.Parallel()
	var store localsecrets.Store
	arn, err := store.Put("feeds/vendor", "first")
	if err != nil || !regexp.MustCompile(`^arn:aws:secretsmanager:us-east-1:000000000000:secret:feeds/vendor-\w{6}$`).MatchString(arn) {
		t.Fatalf("arn %q, %v", arn, err)
	}
	if again, err := store.Put("feeds/vendor", "second"); again != arn || err != nil {
		t.Errorf("ARN after a second Put is %q, %v", again, err)
	}
	for _, id := range []string{arn, strings.TrimSuffix(arn, arn[len(arn)-7:]), "feeds/vendor"} {
		status, answer := ask(t, &store, "GetSecretValue", `{"SecretId":"`+id+`"}`)
		if status != http.StatusOK || answer["SecretString"] != "second" || answer["ARN"] != arn || answer["Name"] != "feeds/vendor" {
			t.Errorf("%q: %d %v", id, status, answer)
		}
		if version, _ := answer["VersionId"].(string); len(version) != 32 {
			t.Errorf("version %q", version)
		}
	}
}

func TestStore_refusals(t *testing.T) {
	t.Parallel()
	var store localsecrets.Store
	if _, err := store.Put("a", "text"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ operation, body, want string }{
		{"GetSecretValue", `{"SecretId":"b"}`, "ResourceNotFoundException"},
		{"GetSecretValue", `{"SecretId":"a","VersionStage":"AWSPREVIOUS"}`, "ResourceNotFoundException"},
		{"GetSecretValue", `{"SecretId":"a","VersionId":"00000000-0000-0000-0000-000000000000"}`, "ResourceNotFoundException"},
		{"GetSecretValue", `{}`, "ValidationException"},
		{"GetSecretValue", `[]`, "SerializationException"},
		{"CreateSecret", `{}`, "UnknownOperationException"},
	} {
		if status, answer := ask(t, &store, tc.operation, tc.body); status != http.StatusBadRequest || answer["__type"] != tc.want {
			t.Errorf("%s %s: %d %v", tc.operation, tc.body, status, answer)
		}
	}
	for name, text := range map[string]string{"": "x", "x": "", "y": strings.Repeat("x", 64<<10+1)} {
		if _, err := store.Put(name, text); err == nil {
			t.Errorf("secret %q of %d bytes was accepted", name, len(text))
		}
	}
}
