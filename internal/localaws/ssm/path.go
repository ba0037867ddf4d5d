package ssm

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

type pathRequest struct {
	Path       string
	Recursive  bool
	MaxResults *int   // 1 to 10; nil: 10
	NextToken  string // the last name of the page before
}

type pathAnswer struct {
	Parameters []parameter
	NextToken  string `json:",omitempty"`
}

// getParametersByPath lists what lies right under a path, or with Recursive
// anywhere under it, in pages ordered by name.
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

func (in *pathRequest) covers(name string) bool {
	rest, under := strings.CutPrefix(name, strings.TrimSuffix(in.Path, "/")+"/")
	return under && (in.Recursive || !strings.Contains(rest, "/"))
}

// checkName applies the rules for names of PutParameter: letters, digits and
// `.-_/`, a leading slash when there is any slash, 15 levels, and no name that
// begins with a reserved word.
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
