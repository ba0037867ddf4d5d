package parameter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
)

// Secrets reads secrets of Secrets Manager. It implements the port Secrets of package
// importer.
type Secrets struct{ client *secretsmanager.Client }

// NewSecrets returns the secrets that the credentials in config can read.
func NewSecrets(config aws.Config) *Secrets {
	return &Secrets{secretsmanager.NewFromConfig(withLimits(config))}
}

// Secret returns the text of a secret, or one member if the secret is a JSON object. It
// trims white space, which editors add. Errors do not contain any part of the secret.
func (s *Secrets) Secret(ctx context.Context, arn, member string) (string, error) {
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn}, inRegionOf(arn))
	var unreadable *smithy.DeserializationError
	switch {
	case errors.As(err, &unreadable): // its text can quote the response
		return "", fmt.Errorf("reading the secret %s: the response is not valid JSON", arn)
	case err != nil:
		return "", fmt.Errorf("reading the secret %s: %w", arn, err)
	case out.SecretString == nil:
		return "", fmt.Errorf("the secret %s is binary, but must be text", arn)
	}

	text := *out.SecretString
	if member != "" {
		if text, err = memberOf(text, member); err != nil {
			return "", fmt.Errorf("the secret %s: %w", arn, err)
		}
	}
	return strings.TrimSpace(text), nil
}

// inRegionOf sends a request to the Region in an ARN, which can differ from the function's.
func inRegionOf(arn string) func(*secretsmanager.Options) {
	return func(o *secretsmanager.Options) {
		if fields := strings.Split(arn, ":"); len(fields) > 3 && fields[3] != "" {
			o.Region = fields[3]
		}
	}
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
