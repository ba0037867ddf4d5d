package importerio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
)

// NewFetchPorts returns what the importer needs to fetch lists from the Internet into the
// list bucket.
func NewFetchPorts(config aws.Config, lists *Lists) importer.FetchPorts {
	return importer.FetchPorts{Fetcher: fetch.New(fetch.Config{}), Secrets: NewSecrets(config), Inbox: lists}
}

// Secrets are the secrets of Secrets Manager: [importer.Secrets].
type Secrets struct{ config aws.Config }

// NewSecrets returns the secrets that the credentials of a configuration may read.
func NewSecrets(config aws.Config) *Secrets { return &Secrets{config} }

// Secret returns the text of a secret, or one member of a secret that is a JSON object.
// White space around it, which editors leave, is no part of it. No error holds anything
// of a secret.
func (s *Secrets) Secret(ctx context.Context, arn, member string) (string, error) {
	config := s.config
	if parts := strings.Split(arn, ":"); len(parts) > 3 && parts[3] != "" {
		config.Region = parts[3] // a secret is where its ARN says
	}
	var out struct{ SecretString *string }
	service := newJSONService(config, "secretsmanager", "Secrets Manager", "secretsmanager")
	if err := service.call(ctx, "GetSecretValue", map[string]any{"SecretId": arn}, &out); err != nil {
		return "", fmt.Errorf("reading the secret %s: %w", arn, err)
	}
	if out.SecretString == nil {
		return "", fmt.Errorf("the secret %s is binary, and must be text", arn)
	}
	text := *out.SecretString
	if member != "" {
		var err error
		if text, err = memberOf(text, member); err != nil {
			return "", fmt.Errorf("the secret %s: %w", arn, err)
		}
	}
	return strings.TrimSpace(text), nil
}

// memberOf returns a member of a JSON object. Errors of the decoder are not told, because
// they quote what they do not understand.
func memberOf(text, member string) (string, error) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil {
		return "", errors.New("is no JSON object, so that it has no member to take")
	}
	var value string
	raw, found := object[member]
	switch {
	case !found:
		return "", fmt.Errorf("has no member %q", member)
	case json.Unmarshal(raw, &value) != nil:
		return "", fmt.Errorf("its member %q is no text", member)
	}
	return value, nil
}
