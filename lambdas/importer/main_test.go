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
	section := settings.Default[settings.ImporterFunction]()
	section.ListBucket, section.IndexBucket, section.Table = "lists", "index", "indicators"
	complete := map[string]string{settings.EnvSettings: section.Encode()}
	if handler, err := newHandler(context.Background(), lookup(complete)); handler == nil || err != nil {
		t.Errorf("with complete settings: %v", err)
	}

	section.Protected = []string{"corp.example", "not_a_zone!"}
	wrong := map[string]string{settings.EnvSettings: section.Encode()}
	for name, environment := range map[string]map[string]string{settings.EnvSettings: {}, "not_a_zone!": wrong} {
		if _, err := newHandler(context.Background(), lookup(environment)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got error %v, want an error that contains %s", err, name)
		}
	}
}

// Lambda updates the code of a function before its configuration, so new code can start with
// the variables of the previous release.
func TestNewHandler_previousRelease(t *testing.T) {
	handler, err := newHandler(context.Background(), lookup(map[string]string{
		"GOMEMLIMIT":                      "921MiB",
		"RESOLVERWATCH_DELETION_GRACE":    "24h0m0s",
		"RESOLVERWATCH_GUARDS":            `{"minValidPercent":95,"shrinkPercent":35,"maxListBytes":268435456}`,
		"RESOLVERWATCH_INDEX_BUCKET":      "index",
		"RESOLVERWATCH_LEGACY_KEY":        "config/all-malicious-domains.txt",
		"RESOLVERWATCH_LIST_BUCKET":       "lists",
		"RESOLVERWATCH_LOG_LEVEL":         "INFO",
		"RESOLVERWATCH_MAX_INDEX_BYTES":   "83886080",
		"RESOLVERWATCH_PROTECTED":         "corp.example vpn.example",
		"RESOLVERWATCH_STACK":             "Resolverwatch",
		"RESOLVERWATCH_TABLE":             "indicators",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
	}))
	if handler == nil || err != nil {
		t.Errorf("got %v, %v", handler, err)
	}
}
