package indicator

import (
	"fmt"
	"strconv"
	"strings"
)

// Severity is how bad a match is.
type Severity uint8

// The severities. Their numbers are stored in index files, so they must never change.
const (
	SeverityLow      Severity = 1
	SeverityMedium   Severity = 2 // the default
	SeverityHigh     Severity = 3
	SeverityCritical Severity = 4
)

// DefaultSeverity and DefaultConfidence apply to entries of feeds that do not rate them.
const (
	DefaultSeverity              = SeverityMedium
	DefaultConfidence Confidence = 50
)

var severityWords = [...]string{
	SeverityLow:      "low",
	SeverityMedium:   "medium",
	SeverityHigh:     "high",
	SeverityCritical: "critical",
}

// String returns the severity as it is written in logs, tables and settings.
func (s Severity) String() string { return wordOf(severityWords[:], uint8(s)) }

// ParseSeverity reads "low", "medium", "high" or "critical", in any case.
func ParseSeverity(text string) (Severity, error) {
	for severity := SeverityLow; severity <= SeverityCritical; severity++ {
		if strings.EqualFold(severity.String(), text) {
			return severity, nil
		}
	}
	return 0, fmt.Errorf("severity %q: must be one of low, medium, high, critical", text)
}

// Confidence is how sure the feed is of an entry, from 0 to 100.
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

// maxCategoryBytes limits a category, because it comes from a feed and is written to every
// marked record.
const maxCategoryBytes = 64

// Category is the kind of threat in the words of the feed, such as "malware_download",
// "botnet_cc" or "phishing". It is lower-case printable ASCII without spaces at its ends. It is
// empty if the feed does not give one.
type Category string

// NewCategory converts text to a [Category]: it trims white space, converts to lower case,
// replaces other characters by underscores, and cuts the result at 64 bytes. It never fails,
// because a feed with an unusual category still lists a malicious name.
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
