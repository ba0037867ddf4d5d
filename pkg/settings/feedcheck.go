package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The words of feed settings. Each list repeats what its owner knows (formats in
// pkg/feed, the others in pkg/indicator), because a CDK app must be able to check a
// feed at synthesis and cannot link those. A test of pkg/importer keeps both alike.

// FeedFormats returns the formats of lists.
func FeedFormats() []string {
	return []string{"plain", "hosts", "adblock", "dnsmasq", "unbound", "bind", "rpz", "wildcard", "csv", "json", "misp", "stix"}
}

// FeedScopes returns how far a name can reach.
func FeedScopes() []string { return []string{"name", "subtree", "under"} }

// FeedSeverities returns how bad an entry can be. Their case does not matter.
func FeedSeverities() []string { return []string{"low", "medium", "high", "critical"} }

// formatsWithColumns are those whose lists have columns or members.
var formatsWithColumns = []string{"csv", "json"}

// manualFeed is the feed of own edits in the table.
const manualFeed = "manual"

const (
	maxFeedID    = 64 // characters
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	digits       = "0123456789"
)

// CheckFeedID makes sure that a feed may be called so: 1 to 64 characters out of a-z,
// 0-9, dot, hyphen and underscore, the first a letter or digit, and not "manual", which
// is kept for own edits in the table.
func CheckFeedID(id string) error {
	switch {
	case id == manualFeed:
		return fmt.Errorf("feed id %q: is kept for own edits in the table", id)
	case id == "" || len(id) > maxFeedID || !consistsOf(id[:1], lowerLetters+digits) || !consistsOf(id, lowerLetters+digits+"._-"):
		return fmt.Errorf("feed id %q: must be 1 to 64 of a-z, 0-9, dot, hyphen or underscore, "+
			"the first a letter or digit", id)
	}
	return nil
}

// consistsOf reports whether text has no character that is not in set.
func consistsOf(text, set string) bool { return strings.Trim(text, set) == "" }

// Validate reports everything that makes the settings impossible, whatever the list:
// words that are none, bounds that are broken, and what [Feed.ValidateSource] finds.
// The importer refuses the same settings, so that a deployment that passes here is not
// refused there.
func (f *Feed) Validate() error {
	return errors.Join(
		checkWord("format", f.Format, FeedFormats()),
		checkWord("scope", f.Scope, FeedScopes()),
		checkWord("severity", strings.ToLower(f.Severity), FeedSeverities()),
		f.checkConfidence(),
		checkMaxAge(f.MaxAge),
		f.checkColumn(),
		f.ValidateSource(),
		f.checkSize(),
	)
}

func (f *Feed) checkSize() error {
	text, err := json.Marshal(f)
	if err == nil && len(text) > maxFeedBytes {
		err = fmt.Errorf("feed settings of %d bytes: must be at most %d", len(text), maxFeedBytes)
	}
	return err
}

func checkWord(member, word string, words []string) error {
	if word == "" || slices.Contains(words, word) {
		return nil
	}
	return fmt.Errorf("%s %q: must be one of %s", member, word, strings.Join(words, ", "))
}

func (f *Feed) checkColumn() error {
	if f.Column == "" || !slices.Contains(FeedFormats(), f.Format) || slices.Contains(formatsWithColumns, f.Format) {
		return nil
	}
	return fmt.Errorf("column %q: a %s list has no columns", f.Column, f.Format)
}

func (f *Feed) checkConfidence() error {
	if f.Confidence == nil || *f.Confidence >= 0 && *f.Confidence <= 100 {
		return nil
	}
	return fmt.Errorf("confidence %d: must be in [0, 100]", *f.Confidence)
}

func checkMaxAge(text string) error {
	if text == "" {
		return nil
	}
	_, err := ParseMaxAge(text)
	return err
}

// ParseMaxAge reads the member MaxAge of a feed.
func ParseMaxAge(text string) (time.Duration, error) {
	age, err := ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("maxAge %q: %s", text, durationRule)
	}
	return age, nil
}
