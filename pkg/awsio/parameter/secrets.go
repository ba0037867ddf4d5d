package parameter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Secrets reads secrets of Secrets Manager. It implements the port Secrets of package
// importer.
type Secrets struct{ config aws.Config }

// NewSecrets returns the secrets that the credentials in config can read.
func NewSecrets(config aws.Config) *Secrets { return &Secrets{config} }

// Secret returns the text of a secret, or one member if the secret is a JSON object. It
// trims white space, which editors add. Errors do not contain any part of the secret.
func (s *Secrets) Secret(ctx context.Context, arn, member string) (string, error) {
	config := s.config
	if parts := strings.Split(arn, ":"); len(parts) > 3 && parts[3] != "" {
		config.Region = parts[3] // the Region of the secret
	}
	var out struct{ SecretString *string }
	service := newJSONService(config, "secretsmanager", "Secrets Manager", "secretsmanager")
	if err := service.call(ctx, "GetSecretValue", map[string]any{"SecretId": arn}, &out); err != nil {
		return "", fmt.Errorf("reading the secret %s: %w", arn, err)
	}
	if out.SecretString == nil {
		return "", fmt.Errorf("the secret %s is binary, but must be text", arn)
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

// memberOf returns a member of a JSON object. It does not return the errors of the decoder,
// because they quote the text that they do not understand.
func memberOf(text, member string) (string, error) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil {
		return "", errors.New("is not a JSON object, so it has no members")
	}
	var value string
	raw, ok := object[member]
	switch {
	case !ok:
		return "", fmt.Errorf("has no member %q", member)
	case json.Unmarshal(raw, &value) != nil:
		return "", fmt.Errorf("its member %q is not a string", member)
	}
	return value, nil
}
