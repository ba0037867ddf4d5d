package permission

import (
	"fmt"
	"slices"
	"strings"
)

// Call is an action that a principal wants to perform.
type Call struct {
	// Principal is the ARN of a role, or the name of a service, as in
	// "events.amazonaws.com".
	Principal string
	Action    string // "s3:GetObject"
	Resource  string // ARN
	// Context holds the values of condition keys, by key in lower case.
	Context map[string][]string
}

// String returns the principal, the action and the resource.
func (c Call) String() string {
	text := c.Principal + " " + c.Action + " " + c.Resource
	keys := make([]string, 0, len(c.Context))
	for key := range c.Context {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		text += fmt.Sprintf(" [%s=%s]", key, strings.Join(c.Context[key], ","))
	}
	return text
}

// Verdict is a decision with the statement that led to it.
type Verdict struct {
	Allowed bool
	Why     string // "policy P, statement S", or that no statement allows it
}

// Decide decides a call within one account, by the policies of the caller's role and, if
// the resource has one, the resource's policy. A denial in any of them wins. Otherwise
// either may allow the call, the resource's policy only if it names the caller. A statement
// that names the whole account leaves the decision to the role's own policies.
func Decide(call Call, role []Policy, resource []Policy) (Verdict, error) {
	allowed := Verdict{Why: "no statement allows it"}
	for _, side := range []struct {
		policies []Policy
		named    bool // statements apply to the principals that they name
	}{{role, false}, {resource, true}} {
		for _, policy := range side.policies {
			for i := range policy.Statements {
				statement := &policy.Statements[i]
				applies, err := statement.applies(&call, side.named)
				why := policy.StatementName(i)
				switch {
				case err != nil:
					return Verdict{}, fmt.Errorf("%s: %w", why, err)
				case applies && statement.Deny:
					return Verdict{Why: "denied by " + why}, nil
				case applies && !allowed.Allowed:
					allowed = Verdict{Allowed: true, Why: why}
				}
			}
		}
	}
	return allowed, nil
}

// StatementName returns the name of a statement in verdicts.
func (p *Policy) StatementName(i int) string {
	return strings.TrimSpace(fmt.Sprintf("policy %s, statement %d %s", p.Name, i, p.Statements[i].ID))
}

// applies reports whether a statement applies to the call.
func (s *Statement) applies(call *Call, named bool) (bool, error) {
	if named && !s.isAbout(call.Principal) {
		return false, nil
	}
	// A role's trust policy has no resource: it applies to the role itself.
	isOn := len(s.Resources) == 0 && named
	for _, resource := range s.Resources {
		if strings.Contains(resource, "${") {
			return false, fmt.Errorf("variable in resource %q: not supported", resource)
		}
		isOn = isOn || Like(resource, call.Resource)
	}
	does := slices.ContainsFunc(s.Actions, func(action string) bool {
		return Like(strings.ToLower(action), strings.ToLower(call.Action))
	})
	if !isOn || !does {
		return false, nil
	}
	for i := range s.Conditions {
		if holds, err := s.Conditions[i].holds(call.Context); err != nil || !holds {
			return false, err
		}
	}
	return true, nil
}

// isAbout reports whether the statement names the caller. A denial also applies to everyone
// in an account that it names.
func (s *Statement) isAbout(principal string) bool {
	switch p := s.Principals; {
	case p == nil:
		return false
	case p.Everybody, slices.Contains(p.ARNs, principal), slices.Contains(p.Services, principal):
		return true
	default:
		return s.Deny && slices.ContainsFunc(p.ARNs, func(arn string) bool { return isAccountOf(arn, principal) })
	}
}

// Delegates reports whether a resource's policy leaves a call to the policies of roles in
// the resource's account. If a KMS key does not, those roles cannot use it.
func Delegates(call Call, resource Policy) (bool, error) {
	for i := range resource.Statements {
		s := resource.Statements[i]
		if s.Deny || s.Principals == nil ||
			!slices.ContainsFunc(s.Principals.ARNs, func(arn string) bool { return isAccountOf(arn, call.Principal) }) {
			continue
		}
		s.Principals = nil
		if applies, err := s.applies(&call, false); applies || err != nil {
			return applies, err
		}
	}
	return false, nil
}

// isAccountOf reports whether arn, "arn:aws:iam::1:root" or "1", is the account of a role.
func isAccountOf(arn, role string) bool {
	parts := strings.Split(role, ":")
	return len(parts) > 4 && (arn == parts[4] || arn == "arn:aws:iam::"+parts[4]+":root")
}
