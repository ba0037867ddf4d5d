package indicator

import (
	"fmt"
	"strconv"
	"strings"
)

// Severity is how bad a match is.
type Severity uint8

// The numbers are stored in index files: never renumber them.
const (
	SeverityLow      Severity = 1
	SeverityMedium   Severity = 2 // the default
	SeverityHigh     Severity = 3
	SeverityCritical Severity = 4
)

// DefaultSeverity and DefaultConfidence rate entries of feeds that say nothing.
const (
	DefaultSeverity              = SeverityMedium
	DefaultConfidence Confidence = 50
)

var severityWords = [...]string{
	SeverityLow: "low", SeverityMedium: "medium", SeverityHigh: "high", SeverityCritical: "critical",
}

// String returns the word that logs, tables and settings use.
func (s Severity) String() string { return word(severityWords[:], uint8(s)) }

// ParseSeverity reads "low", "medium", "high" or "critical", in any case.
func ParseSeverity(text string) (Severity, error) {
	for severity := SeverityLow; severity <= SeverityCritical; severity++ {
		if strings.EqualFold(severity.String(), text) {
			return severity, nil
		}
	}
	return 0, fmt.Errorf("severity %q: must be one of low, medium, high, critical", text)
}

// Confidence is how sure the feed is, 0 to 100.
type Confidence uint8

// NewConfidence checks that percent is in [0, 100].
func NewConfidence(percent int) (Confidence, error) {
	if percent < 0 || percent > 100 {
		return 0, fmt.Errorf("confidence %d: must be in [0, 100]", percent)
	}
	return Confidence(percent), nil
}

// ParseConfidence reads a number in [0, 100].
func ParseConfidence(text string) (Confidence, error) {
	percent, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("confidence %q: must be a number in [0, 100]", text)
	}
	return NewConfidence(percent)
}

// maxCategoryBytes bounds a category, which comes from feeds and stands in every
// marked record.
const maxCategoryBytes = 64

// Category is the kind of threat in the feed's own words: "malware_download",
// "botnet_cc", "phishing". It is lower-case printable ASCII without spaces at the
// ends; the empty category means that the feed does not say.
type Category string

// NewCategory brings text to the form of a [Category]: lower case, trimmed, other
// octets replaced by an underscore, cut at 64 bytes. It never fails, because a feed
// with an odd category still lists a bad name.
func NewCategory(text string) Category {
	text = strings.TrimSpace(text)
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case r < ' ' || r > '~':
			return '_'
		}
		return r
	}, text)
	if len(clean) > maxCategoryBytes {
		clean = strings.TrimSpace(clean[:maxCategoryBytes])
	}
	return Category(clean)
}
