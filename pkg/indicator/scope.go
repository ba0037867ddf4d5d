package indicator

import "fmt"

// Scope is how far an entry reaches from its name.
type Scope uint8

// The scopes. Their numbers are stored in index files, so they must never change. Among
// entries for the same name, the one with the lower number comes first.
const (
	ScopeName    Scope = 1 // only this name
	ScopeSubtree Scope = 2 // the name and everything under it
	ScopeUnder   Scope = 3 // everything under the name, but not the name itself
	ScopeCIDR    Scope = 4 // addresses in a block
)

var scopeWords = [...]string{ScopeName: "name", ScopeSubtree: "subtree", ScopeUnder: "under", ScopeCIDR: "cidr"}

// String returns the scope as it is written in logs, tables and settings.
func (s Scope) String() string { return wordOf(scopeWords[:], uint8(s)) }

// Covers reports whether an entry with scope s covers a queried name that is depth labels
// under the name of the entry. Depth 0 is the name itself.
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

// ParseScope reads the scope of a name: "name", "subtree" or "under". It refuses "cidr",
// which nobody chooses: every entry for an address has it.
func ParseScope(text string) (Scope, error) {
	for _, scope := range []Scope{ScopeName, ScopeSubtree, ScopeUnder} {
		if scope.String() == text {
			return scope, nil
		}
	}
	return 0, fmt.Errorf("scope %q: must be one of name, subtree, under", text)
}

// ParseAnyScope reads any scope, as String returns it.
func ParseAnyScope(text string) (Scope, error) {
	if text == ScopeCIDR.String() {
		return ScopeCIDR, nil
	}
	return ParseScope(text)
}

// Action is what a matching entry does.
type Action uint8

// The actions. Their numbers are stored in index files, so they must never change.
const (
	ActionBlock Action = 1 // the match is malicious
	ActionAllow Action = 2 // the match vetoes block entries
)

var actionWords = [...]string{ActionBlock: "block", ActionAllow: "allow"}

// String returns "block" or "allow".
func (a Action) String() string { return wordOf(actionWords[:], uint8(a)) }

// ParseAction reads "block" or "allow".
func ParseAction(text string) (Action, error) {
	for _, action := range []Action{ActionBlock, ActionAllow} {
		if action.String() == text {
			return action, nil
		}
	}
	return 0, fmt.Errorf("action %q: must be block or allow", text)
}

// wordOf returns the text of an enum member. For a number that is not a member, it returns a
// text that stands out in any output.
func wordOf(words []string, n uint8) string {
	if int(n) < len(words) && words[n] != "" {
		return words[n]
	}
	return fmt.Sprintf("invalid(%d)", n)
}
