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
	if handler, err := newHandler(context.Background(), lookup(map[string]string{settings.EnvIndexBucket: "index"})); handler == nil || err != nil {
		t.Errorf("with a complete environment: %v", err)
	}
	if _, err := newHandler(context.Background(), lookup(nil)); err == nil || !strings.Contains(err.Error(), settings.EnvIndexBucket) {
		t.Errorf("got error %v, want an error that contains %s", err, settings.EnvIndexBucket)
	}
}
