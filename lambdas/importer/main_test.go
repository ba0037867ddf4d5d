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
	complete := map[string]string{
		settings.EnvListBucket: "lists", settings.EnvIndexBucket: "index", settings.EnvTable: "indicators",
	}
	if handler, err := newHandler(context.Background(), lookup(complete)); handler == nil || err != nil {
		t.Errorf("with a complete environment: %v", err)
	}
	complete[settings.EnvProtected] = "corp.example not_a_zone!"
	for name, environment := range map[string]map[string]string{settings.EnvTable: {}, "not_a_zone!": complete} {
		if _, err := newHandler(context.Background(), lookup(environment)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got error %v, want an error that contains %s", err, name)
		}
	}
}
