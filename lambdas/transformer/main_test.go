package main

import (
	"context"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func lookup(environment map[string]string) settings.Lookup {
	return func(name string) (string, bool) {
		value, found := environment[name]
		return value, found
	}
}

func TestNewHandler(t *testing.T) {
	section := settings.Default[settings.TransformerFunction]()
	section.IndexBucket = "index"
	complete := map[string]string{settings.EnvSettings: section.Encode()}
	if handler, err := newHandler(context.Background(), lookup(complete)); handler == nil || err != nil {
		t.Errorf("with complete settings: %v", err)
	}
	if _, err := newHandler(context.Background(), lookup(nil)); err == nil || !strings.Contains(err.Error(), settings.EnvSettings) {
		t.Errorf("got error %v, want an error that contains %s", err, settings.EnvSettings)
	}
}

// Lambda updates the code of a function before its configuration, so new code can start with
// the variables of the previous release.
func TestNewHandler_previousRelease(t *testing.T) {
	handler, err := newHandler(context.Background(), lookup(map[string]string{
		"GOMEMLIMIT":                      "230MiB",
		"RESOLVERWATCH_CHECK_ADDRESSES":   "true",
		"RESOLVERWATCH_CHECK_CNAMES":      "true",
		"RESOLVERWATCH_COLD_START_WAIT":   "2s",
		"RESOLVERWATCH_FAILURE_MODE":      "mark",
		"RESOLVERWATCH_INDEX_BUCKET":      "index",
		"RESOLVERWATCH_LOG_LEVEL":         "INFO",
		"RESOLVERWATCH_MAX_INDEX_AGE":     "168h0m0s",
		"RESOLVERWATCH_POLL_INTERVAL":     "1m0s",
		"RESOLVERWATCH_STACK":             "Resolverwatch",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
	}))
	if handler == nil || err != nil {
		t.Errorf("got %v, %v", handler, err)
	}
}
