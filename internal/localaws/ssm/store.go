// Package ssm serves a Systems Manager Parameter Store from memory: GetParameter,
// GetParametersByPath and PutParameter of the JSON 1.1 protocol, with AWS's limits and error
// codes.
//
// It lacks version selectors (`name:3`), labels, policies, and tiers other than standard. A
// SecureString is not encrypted.
package ssm

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// TargetPrefix is the service's name in the X-Amz-Target header.
const TargetPrefix = "AmazonSSM"

// arnPrefix begins every ARN. The account is fictitious.
const arnPrefix = "arn:aws:ssm:us-east-1:000000000000:parameter"

// Limits of the service (standard tier).
const (
	maxValueBytes = 4096
	maxNameBytes  = 2048
	maxLevels     = 15
	maxPage       = 10 // most parameters in a page of GetParametersByPath, and the default
)

// Store holds parameters and serves HTTP. The zero Store is empty and ready to use. It is safe
// for concurrent use.
type Store struct {
	mu         sync.Mutex
	parameters map[string]parameter
}

// parameter is a parameter as the API returns it.
type parameter struct {
	ARN              string
	DataType         string
	LastModifiedDate float64 // seconds since 1970
	Name             string
	Type             string // String, StringList or SecureString
	Value            string
	Version          int64 // starts at 1 and increases with each overwrite
}

// ServeHTTP serves the JSON 1.1 protocol.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := awsjson.API{Version: "1.1", Operations: map[string]awsjson.Operation{
		"GetParameter":        s.getParameter,
		"GetParametersByPath": s.getParametersByPath,
		"PutParameter":        s.putParameter,
	}}
	api.ServeHTTP(w, r)
}

// Put creates or overwrites a parameter of type String. Its errors are those of PutParameter.
func (s *Store) Put(name, value string) error {
	_, err := s.put(putRequest{Name: name, Value: value, Type: "String", Overwrite: true})
	return err
}

type putRequest struct {
	Name, Value, Type string
	Overwrite         bool
}

func (s *Store) putParameter(_ context.Context, body []byte) (any, error) {
	var in putRequest
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	return s.put(in)
}

func (s *Store) put(in putRequest) (any, error) {
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	if in.Value == "" || len(in.Value) > maxValueBytes {
		return nil, awsjson.Invalid("Standard tier parameters support a maximum parameter value of 4096 characters, " +
			"and a value cannot be empty.")
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	old, exists := s.parameters[in.Name]
	switch {
	case exists && !in.Overwrite:
		return nil, &awsjson.Error{Code: "ParameterAlreadyExists",
			Message: "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."}
	case exists && in.Type == "":
		in.Type = old.Type
	case !slices.Contains([]string{"String", "StringList", "SecureString"}, in.Type):
		return nil, awsjson.Invalid("The parameter type must be String, StringList or SecureString.")
	}
	if s.parameters == nil {
		s.parameters = map[string]parameter{}
	}
	s.parameters[in.Name] = parameter{
		ARN:              arnPrefix + "/" + strings.TrimPrefix(in.Name, "/"),
		DataType:         "text",
		LastModifiedDate: float64(time.Now().UnixMilli()) / 1000,
		Name:             in.Name,
		Type:             in.Type,
		Value:            in.Value,
		Version:          old.Version + 1,
	}

	return struct {
		Tier    string
		Version int64
	}{"Standard", old.Version + 1}, nil
}

func (s *Store) getParameter(_ context.Context, body []byte) (any, error) {
	var in struct{ Name string }
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, exists := s.parameters[in.Name]
	if !exists {
		return nil, &awsjson.Error{Code: "ParameterNotFound", Message: "parameter " + in.Name + " not found."}
	}
	return struct{ Parameter parameter }{found}, nil
}

type pathRequest struct {
	Path       string
	Recursive  bool
	MaxResults *int   // 1 to 10, or nil for 10
	NextToken  string // last name of the previous page
}

type pathAnswer struct {
	Parameters []parameter
	NextToken  string `json:",omitempty"`
}

// getParametersByPath returns a page of the parameters directly under a path, or at any depth
// with Recursive, sorted by name.
func (s *Store) getParametersByPath(_ context.Context, body []byte) (any, error) {
	var in pathRequest
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	size := maxPage
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	switch {
	case !strings.HasPrefix(in.Path, "/"):
		return nil, awsjson.Invalid("The parameter doesn't meet the parameter name requirements. " +
			"The parameter name must begin with a forward slash \"/\".")
	case size < 1 || size > maxPage:
		return nil, awsjson.Invalid("MaxResults must be between 1 and 10.")
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	answer := pathAnswer{Parameters: []parameter{}}
	for _, name := range slices.Sorted(maps.Keys(s.parameters)) {
		if name <= in.NextToken || !in.covers(name) {
			continue
		}
		if len(answer.Parameters) == size {
			answer.NextToken = answer.Parameters[size-1].Name
			break
		}
		answer.Parameters = append(answer.Parameters, s.parameters[name])
	}
	return answer, nil
}

// covers reports whether the request selects a parameter.
func (in *pathRequest) covers(name string) bool {
	rest, under := strings.CutPrefix(name, strings.TrimSuffix(in.Path, "/")+"/")
	return under && (in.Recursive || !strings.Contains(rest, "/"))
}

// checkName applies the rules of PutParameter for names: letters, digits and `.-_/`, a leading
// slash if there is any slash, at most 15 levels, and no reserved word at the beginning.
func checkName(name string) error {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(name, "/")), "/")
	switch {
	case name == "" || len(name) > maxNameBytes:
		return awsjson.Invalid("A parameter name has 1 to 2048 characters.")
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return awsjson.Invalid("Parameter name must be a fully qualified name: " +
			"it contains a slash, so it must begin with one.")
	case strings.HasSuffix(name, "/") || strings.Contains(name, "//"):
		return awsjson.Invalid("Parameter name: an empty level is not allowed.")
	case strings.Count(name, "/") > maxLevels:
		return &awsjson.Error{Code: "HierarchyLevelLimitExceededException",
			Message: "A hierarchy can have a maximum of 15 levels."}
	case strings.HasPrefix(first, "aws") || strings.HasPrefix(first, "ssm"):
		return awsjson.Invalid("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
	}
	for _, c := range name {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("._-/", c) {
			return awsjson.Invalid("Parameter name: only a mix of letters, numbers and the following 4 symbols .-_/ is allowed.")
		}
	}
	return nil
}
