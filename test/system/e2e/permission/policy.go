// Package permission decides as IAM does whether policy documents allow a call. It supports
// what this project's policies use. Any other element, operator or variable is an error,
// never "does not match".
//
// Rules: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
package permission

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Policy is a parsed policy document.
type Policy struct {
	// Name says in messages where the policy is.
	Name       string
	Statements []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	ID         string // Sid
	Deny       bool
	Principals *Principals // nil in a role's own policies
	Actions    []string
	Resources  []string
	Conditions []Condition
}

// Principals are the principals to which a statement of a resource's policy applies.
type Principals struct {
	Everybody bool
	ARNs      []string // roles, users and accounts
	Services  []string
}

// Condition is one key of one operator: it is true if a value of the call's context matches
// one of Values.
type Condition struct {
	Operator, Key string
	Values        []string
}

// wireStatement is a statement in its JSON form. NotAction, NotResource and NotPrincipal
// are left out on purpose, because they allow things that nobody has thought of.
type wireStatement struct {
	Sid       string
	Effect    string
	Principal json.RawMessage
	Action    words
	Resource  words
	Condition map[string]map[string]words
}

// words is a string or a list of strings; numbers and booleans are converted to text.
type words []string

func (w *words) UnmarshalJSON(text []byte) error {
	var one any
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	list, isList := one.([]any)
	if !isList {
		list = []any{one}
	}
	for _, word := range list {
		switch word := word.(type) {
		case string:
			*w = append(*w, word)
		case bool, float64:
			*w = append(*w, fmt.Sprint(word))
		default:
			return fmt.Errorf("%s: must be a string, a number, a boolean or a list of them", text)
		}
	}
	return nil
}

// Parse parses a policy document.
func Parse(name, document string) (Policy, error) {
	var wire struct {
		Version   string
		ID        string `json:"Id"`
		Statement []wireStatement
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(document)))
	decoder.DisallowUnknownFields()
	policy := Policy{Name: name}
	if err := decoder.Decode(&wire); err != nil {
		return policy, fmt.Errorf("policy %s: %w", name, err)
	}
	for i, statement := range wire.Statement {
		parsed, err := statement.parse()
		if err != nil {
			return policy, fmt.Errorf("policy %s, statement %d %s: %w", name, i, statement.Sid, err)
		}
		policy.Statements = append(policy.Statements, parsed)
	}
	return policy, nil
}

func (w *wireStatement) parse() (Statement, error) {
	s := Statement{ID: w.Sid, Deny: w.Effect == "Deny", Actions: w.Action, Resources: w.Resource}
	if w.Effect != "Allow" && w.Effect != "Deny" {
		return s, fmt.Errorf("effect %q: must be Allow or Deny", w.Effect)
	}
	if len(w.Action) == 0 {
		return s, errors.New("must have an action")
	}
	var err error
	if s.Principals, err = parsePrincipals(w.Principal); err != nil {
		return s, err
	}
	for operator, keys := range w.Condition {
		if err := checkOperator(operator); err != nil {
			return s, err
		}
		for key, values := range keys {
			s.Conditions = append(s.Conditions, Condition{Operator: operator, Key: key, Values: values})
		}
	}
	return s, nil
}

func parsePrincipals(text json.RawMessage) (*Principals, error) {
	var everybody string
	switch {
	case len(text) == 0:
		return nil, nil
	case json.Unmarshal(text, &everybody) == nil && everybody == "*":
		return &Principals{Everybody: true}, nil
	}
	var kinds map[string]words
	if err := json.Unmarshal(text, &kinds); err != nil {
		return nil, fmt.Errorf("principal: %w", err)
	}
	p := &Principals{}
	for kind, names := range kinds {
		switch kind {
		case "AWS":
			p.Everybody = p.Everybody || slices.Contains(names, "*")
			p.ARNs = append(p.ARNs, names...)
		case "Service":
			p.Services = append(p.Services, names...)
		default:
			return nil, fmt.Errorf("principal of kind %s: not supported", kind)
		}
	}
	return p, nil
}
