package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// The words of feed settings are copies: pkg/feed defines the formats, and pkg/indicator the
// scopes and severities. A CDK app must be able to check a feed at synthesis without linking
// those packages. A test of pkg/importer compares the copies.

// FeedFormats returns the formats of lists.
func FeedFormats() []string { return feedWords("Format") }

// FeedScopes returns what a name can cover.
func FeedScopes() []string { return feedWords("Scope") }

// FeedSeverities returns the severities of entries, in lower case.
func FeedSeverities() []string { return feedWords("Severity") }

func feedWords(name string) []string {
	field, _ := reflect.TypeFor[Feed]().FieldByName(name)
	return oneOf(field)
}

// formatsWithColumns are the formats whose lists have columns or members.
var formatsWithColumns = []string{"csv", "json"}

// manualFeed is the feed of entries that people write into the table.
const manualFeed = "manual"

const (
	maxFeedID    = 64 // characters
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	digits       = "0123456789"
)

// CheckFeedID checks the id of a feed: 1 to 64 characters out of a-z, 0-9, dot, hyphen and
// underscore, the first a letter or digit. "manual" is reserved for your own edits in the
// table.
func CheckFeedID(id string) error {
	switch {
	case id == manualFeed:
		return fmt.Errorf("feed id %q: is reserved for your own edits in the table", id)
	case id == "" || len(id) > maxFeedID || !consistsOf(id[:1], lowerLetters+digits) || !consistsOf(id, lowerLetters+digits+"._-"):
		return fmt.Errorf("feed id %q: must be 1 to 64 of a-z, 0-9, dot, hyphen or underscore, "+
			"the first a letter or digit", id)
	}
	return nil
}

// consistsOf reports whether text has no character that is not in set.
func consistsOf(text, set string) bool { return strings.Trim(text, set) == "" }

// Validate checks everything that does not depend on the list: the bounds of the settings, and
// the rules of [Feed.ValidateSource]. The importer refuses the same settings.
func (f *Feed) Validate() error {
	return errors.Join(append(asErrors(Check(*f)), f.checkColumn(), f.ValidateSource(), f.checkSize())...)
}

func (f *Feed) checkSize() error {
	text, err := json.Marshal(f)
	if err == nil && len(text) > maxFeedBytes {
		err = fmt.Errorf("feed settings of %d bytes: must be at most %d", len(text), maxFeedBytes)
	}
	return err
}

func (f *Feed) checkColumn() error {
	if f.Column == "" || !slices.Contains(FeedFormats(), f.Format) || slices.Contains(formatsWithColumns, f.Format) {
		return nil
	}
	return fmt.Errorf("column %q: a %s list has no columns", f.Column, f.Format)
}
