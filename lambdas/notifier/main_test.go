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
	section := settings.Default[settings.NotifierFunction]()
	section.Table, section.Topic = "sent", "arn:aws:sns:eu-west-1:111122223333:alerts"
	section.ProductARN = "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"
	if handler, err := newHandler(context.Background(), lookup(map[string]string{settings.EnvSettings: section.Encode()})); handler == nil || err != nil {
		t.Errorf("with complete settings: %v", err)
	}
	if _, err := newHandler(context.Background(), lookup(nil)); err == nil || !strings.Contains(err.Error(), settings.EnvSettings) {
		t.Errorf("got error %v, want an error that contains %s", err, settings.EnvSettings)
	}
	section.ProductARN = "default"
	if _, err := newHandler(context.Background(), lookup(map[string]string{settings.EnvSettings: section.Encode()})); err == nil ||
		!strings.Contains(err.Error(), "productArn") {
		t.Errorf("got error %v, want an error about productArn", err)
	}
}
