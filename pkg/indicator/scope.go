package indicator

import "fmt"

// Scope is how far an entry reaches from the name it gives.
type Scope uint8

// The numbers are stored in index files: never renumber them. They also rank
// entries of one depth, the narrower first.
const (
	ScopeName    Scope = 1 // this name alone
	ScopeSubtree Scope = 2 // the name and everything under it
	ScopeUnder   Scope = 3 // everything under the name, not the name
	ScopeCIDR    Scope = 4 // addresses in a block
)

var scopeWords = [...]string{ScopeName: "name", ScopeSubtree: "subtree", ScopeUnder: "under", ScopeCIDR: "cidr"}

// String returns the word that logs, tables and settings use.
func (s Scope) String() string { return word(scopeWords[:], uint8(s)) }

// Covers reports whether an entry of scope s on a name reaches a queried name that
// is the same name (depth 0) or lies depth labels under it.
func (s Scope) Covers(depth int) bool {
	switch s {
	case ScopeName:
		return depth == 0
	case ScopeSubtree:
		return true
	case ScopeUnder:
		return depth > 0
	default:
		return false
	}
}

// ParseScope reads the scope of a name: "name", "subtree" or "under". "cidr" is
// not a choice: it follows from the entry being an address.
func ParseScope(text string) (Scope, error) {
	for _, scope := range []Scope{ScopeName, ScopeSubtree, ScopeUnder} {
		if scope.String() == text {
			return scope, nil
		}
	}
	return 0, fmt.Errorf("scope %q: must be one of name, subtree, under", text)
}

// ParseAnyScope reads the word of any scope, as String returns it.
func ParseAnyScope(text string) (Scope, error) {
	if text == ScopeCIDR.String() {
		return ScopeCIDR, nil
	}
	return ParseScope(text)
}

// Action is what a matching entry does.
type Action uint8

// The numbers are stored in index files: never renumber them.
const (
	ActionBlock Action = 1 // the match is malicious
	ActionAllow Action = 2 // the match vetoes block entries
)

var actionWords = [...]string{ActionBlock: "block", ActionAllow: "allow"}

// String returns "block" or "allow".
func (a Action) String() string { return word(actionWords[:], uint8(a)) }

// ParseAction reads "block" or "allow".
func ParseAction(text string) (Action, error) {
	for _, action := range []Action{ActionBlock, ActionAllow} {
		if action.String() == text {
			return action, nil
		}
	}
	return 0, fmt.Errorf("action %q: must be block or allow", text)
}

// word returns the text of an enum member, and a mark that shows in any output for
// a number that is no member.
func word(words []string, n uint8) string {
	if int(n) < len(words) && words[n] != "" {
		return words[n]
	}
	return fmt.Sprintf("invalid(%d)", n)
}
