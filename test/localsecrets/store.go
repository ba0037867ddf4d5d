// Package localsecrets serves a Secrets Manager from memory, for tests: GetSecretValue of the
// JSON 1.1 protocol, with AWS's error codes.
//
// It lacks the operations that create and change secrets; use [Store.Put]. It also lacks older
// versions, stages other than AWSCURRENT, binary secrets and encryption.
package localsecrets

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// arnPrefix begins every ARN. The account is fictitious.
const arnPrefix = "arn:aws:secretsmanager:us-east-1:000000000000:secret:"

const (
	currentStage   = "AWSCURRENT"
	maxSecretBytes = 64 << 10
	// suffixBytes is the number of random characters at the end of an ARN, after the name and
	// a hyphen. They tell a secret from an earlier one with the same name.
	suffixBytes = 6
)

// Store holds secrets and serves HTTP. The zero Store is empty and ready to use. It is safe for
// concurrent use.
type Store struct {
	mu      sync.Mutex
	secrets map[string]secret // by name
}

// secret is the current version of a secret as the API returns it.
type secret struct {
	ARN           string
	CreatedDate   float64 // seconds since 1970
	Name          string
	SecretString  string
	VersionID     string `json:"VersionId"`
	VersionStages []string
}

// Put sets the text of a secret and returns its ARN, which does not change.
func (s *Store) Put(name, text string) (arn string, err error) {
	if name == "" || text == "" || len(text) > maxSecretBytes {
		return "", &awsjson.Error{Code: "InvalidParameterException", Message: "A secret has a name and 1 to 65536 bytes."}
	}
	s.mu.Lock()
	defer s.mu.Unlock()

	arn = s.secrets[name].ARN
	if arn == "" {
		arn = arnPrefix + name + "-" + rand.Text()[:suffixBytes]
	}
	if s.secrets == nil {
		s.secrets = map[string]secret{}
	}
	s.secrets[name] = secret{
		ARN:           arn,
		CreatedDate:   float64(time.Now().UnixMilli()) / 1000,
		Name:          name,
		SecretString:  text,
		VersionID:     strings.ToLower(rand.Text() + rand.Text()[:6]),
		VersionStages: []string{currentStage},
	}
	return arn, nil
}

// ServeHTTP serves the JSON 1.1 protocol.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := awsjson.API{Version: "1.1", Operations: map[string]awsjson.Operation{"GetSecretValue": s.getSecretValue}}
	api.ServeHTTP(w, r)
}

func (s *Store) getSecretValue(_ context.Context, body []byte) (any, error) {
	var in struct{ SecretID, VersionID, VersionStage string }
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	if in.SecretID == "" {
		return nil, awsjson.Invalid("SecretId must be set.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, found := range s.secrets {
		partial := arnPrefix + name // AWS also accepts an ARN without its random suffix
		if in.SecretID != name && in.SecretID != found.ARN && in.SecretID != partial {
			continue
		}
		if in.VersionID != "" && in.VersionID != found.VersionID || in.VersionStage != "" && in.VersionStage != currentStage {
			return nil, notFound("Secrets Manager can't find the specified secret value for the given version.")
		}
		return found, nil
	}
	return nil, notFound("Secrets Manager can't find the specified secret.")
}

func notFound(message string) error {
	return &awsjson.Error{Code: "ResourceNotFoundException", Message: message}
}
