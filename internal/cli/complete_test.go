package cli

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Completion ends without a value and without a word if AWS does not answer, refuses or is not set up.
func TestComplete_withoutAWS(t *testing.T) {
	stop := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(stop) })
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refusing.Close)

	for name, environment := range map[string]map[string]string{
		"an endpoint that does not answer": {"AWS_ENDPOINT_URL": silent.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key"},
		"an endpoint that refuses":         {"AWS_ENDPOINT_URL": refusing.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key"},
		"no credentials":                   {"AWS_REGION": "us-east-1"},
		"no Region":                        {},
	} {
		for _, variable := range []string{"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
			t.Setenv(variable, environment[variable])
		}
		if environment["AWS_ACCESS_KEY_ID"] != "" {
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
		}
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		t.Setenv("AWS_CONFIG_FILE", "/dev/null")
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
		for _, args := range [][]string{{"publish", "--feed", ""}, {"rollback", "--to", ""}} {
			var out, messages bytes.Buffer
			code := run(context.Background(), append([]string{"__complete"}, args...), streams{strings.NewReader(""), &out, &messages})
			// Cobra itself tells the script of the shell, which discards it, how the completion ended.
			if code != exitDone || out.String() != ":4\n" || strings.Count(messages.String(), "\n") > 1 {
				t.Errorf("%s: %v: code %d, %q, %q", name, args, code, out.String(), messages.String())
			}
		}
	}
}

// A shell offers files only to commands that take some.
func TestComplete_arguments(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	root := newRoot(streams{strings.NewReader(""), &out, &out})
	for _, cmd := range everyCommand(root) {
		if !cmd.HasSubCommands() && cmd.ValidArgsFunction == nil && !strings.Contains(cmd.Use, "LOG") &&
			!strings.Contains(cmd.Use, "LIST...") && !strings.Contains(cmd.Use, "FILE") && !strings.Contains(cmd.Use, "OLD") {
			t.Errorf("%s completes files, but it does not take files", cmd.CommandPath())
		}
	}
}
