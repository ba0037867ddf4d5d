package parameter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
)

// jsonService is a service of AWS that speaks the JSON protocol 1.1, by the one call of
// it that the importer needs. The SDK's clients of the Parameter Store and of Secrets
// Manager would add 1.4 MB to the function, all but a few kB of it for calls that are
// never made. What signs, what finds credentials and what knows the endpoints is the
// SDK's.
type jsonService struct {
	config   aws.Config
	name     string // in endpoints and signatures: "ssm"
	sdkID    string // in settings: "Secrets Manager"
	target   string // in headers: "AmazonSSM"
	attempts int
}

// jsonError is the error that a service answers with.
type jsonError struct {
	Status  int
	Code    string // "ParameterNotFound"
	Message string
}

func (e *jsonError) Error() string {
	return strings.TrimRight(fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message), ": ")
}

const (
	jsonAttempts = 4 // of one call
	callTime     = 15 * time.Second
	// maxAnswer is more than the 64 KiB of a secret, escaped.
	maxAnswer = 1 << 20
)

func newJSONService(config aws.Config, name, sdkID, target string) *jsonService {
	if config.HTTPClient == nil {
		config.HTTPClient = awshttp.NewBuildableClient()
	}
	return &jsonService{config, name, sdkID, target, jsonAttempts}
}

// call makes a call, again where that may help. in and out are in the shape of the API.
// The error is a [*jsonError] where the service answered; it holds nothing of a good
// answer.
func (s *jsonService) call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encoding a request: %w", err)
	}
	endpoint, err := s.endpoint(ctx)
	if err != nil {
		return fmt.Errorf("finding the endpoint of %s: %w", s.name, err)
	}
	for try := 0; ; try++ {
		err = s.send(ctx, endpoint, operation, body, out)
		if err == nil || !mayHelp(err) || try == s.attempts-1 {
			return err
		}
		if waitErr := awsio.Wait(ctx, try); waitErr != nil {
			return errors.Join(err, waitErr)
		}
	}
}

// mayHelp reports whether making a call again may help. Every call here only reads.
func mayHelp(err error) bool {
	var answer *jsonError
	if !errors.As(err, &answer) {
		return true // nothing came, or not all of it
	}
	return answer.Status >= http.StatusInternalServerError || answer.Status == http.StatusTooManyRequests ||
		strings.Contains(answer.Code, "Throttl") || strings.Contains(answer.Code, "TooManyRequests")
}

func (s *jsonService) send(ctx context.Context, endpoint, operation string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	request, err := s.signed(ctx, endpoint, operation, body)
	if err != nil {
		return err
	}
	response, err := s.config.HTTPClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s: %w", s.name, err)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", s.name, err)
	}
	if response.StatusCode != http.StatusOK {
		return decodeError(response.StatusCode, answer)
	}
	if json.Unmarshal(answer, out) != nil { // whose error would quote what may be a secret
		return fmt.Errorf("the answer of %s is not in its shape", s.name)
	}
	return nil
}

func (s *jsonService) signed(ctx context.Context, endpoint, operation string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", s.target+"."+operation)
	if s.config.Credentials == nil {
		return nil, errors.New("there are no credentials")
	}
	credentials, err := s.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("finding credentials: %w", err)
	}
	hash := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(hash[:]), s.name, s.config.Region, time.Now())
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return request, nil
}

// decodeError reads an error of the protocol: its code may come with a namespace in front
// and a URL behind.
func decodeError(status int, answer []byte) error {
	var wire struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"` // or "Message", which Go reads too
	}
	_ = json.Unmarshal(answer, &wire) // what is no JSON says nothing
	code := wire.Type
	if code == "" {
		code = wire.Code
	}
	code = code[strings.LastIndexByte(code, '#')+1:]
	code, _, _ = strings.Cut(code, ":")
	return &jsonError{Status: status, Code: code, Message: wire.Message}
}

// endpoint returns where the service is, by the rules of the SDK: what the settings of
// the service say, of all services, and then the Region. The SDK knows the domain of each
// partition by each of its clients, one of which is linked anyway.
func (s *jsonService) endpoint(ctx context.Context) (string, error) {
	for _, source := range s.config.ConfigSources {
		known, ok := source.(interface {
			GetServiceBaseEndpoint(ctx context.Context, sdkID string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if url, found, err := known.GetServiceBaseEndpoint(ctx, s.sdkID); found || err != nil {
			return url, err
		}
	}
	if s.config.BaseEndpoint != nil {
		return *s.config.BaseEndpoint, nil
	}
	const sibling = "dynamodb"
	options := dynamodb.NewFromConfig(s.config).Options().EndpointOptions
	resolved, err := dynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, dynamodb.EndpointParameters{
		Region:       &s.config.Region,
		UseFIPS:      aws.Bool(options.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(options.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	if err != nil {
		return "", err
	}
	url := resolved.URI
	if !strings.HasPrefix(url.Host, sibling) {
		return "", fmt.Errorf("no rule for the Region %q", s.config.Region)
	}
	url.Host, url.Path = s.name+strings.TrimPrefix(url.Host, sibling), "/"
	return url.String(), nil
}
