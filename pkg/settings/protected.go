package settings

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of domain names (RFC 1035 section 2.3.4). The text of a name is two octets shorter
// than its wire format.
const (
	maxLabelBytes = 63
	maxNameBytes  = 255 - 2
)

// CheckProtected rejects a protected name that the importer would reject when it starts:
// every character must be a letter, a digit, a hyphen or an underscore, in labels of 1 to
// 63. Only the importer can check whether a name in Unicode has a form in ASCII.
func CheckProtected(name string) error {
	problem := protectedProblem(name)
	if problem == nil {
		return nil
	}
	return fmt.Errorf("protected name %q: %w; write the name of a zone, such as corp.example", name, problem)
}

func protectedProblem(name string) error {
	if name == "" || name == "." {
		return errors.New("must not be empty")
	}
	ascii := true
	for _, c := range name {
		ascii = ascii && c < utf8.RuneSelf
		if !isNameCharacter(c) {
			return fmt.Errorf("must not contain %q", c)
		}
	}
	if !ascii {
		return nil
	}
	name = strings.TrimSuffix(name, ".")
	if len(name) > maxNameBytes {
		return fmt.Errorf("must have at most %d characters", maxNameBytes)
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > maxLabelBytes {
			return fmt.Errorf("must have 1 to %d characters between dots", maxLabelBytes)
		}
	}
	if consistsOf(labels[len(labels)-1], digits) {
		return errors.New("must not end with a number, as an address does")
	}
	return nil
}

// isNameCharacter reports whether a name can contain c.
func isNameCharacter(c rune) bool {
	if c >= utf8.RuneSelf {
		return c != utf8.RuneError && !unicode.IsSpace(c)
	}
	return strings.ContainsRune(lowerLetters+digits+".-_", unicode.ToLower(c))
}
