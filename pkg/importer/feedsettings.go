package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// FeedSettings say how the lists of a feed are read. The zero FeedSettings are those
// of a block feed without settings.
type FeedSettings struct {
	// Action is [indicator.ActionAllow] for a feed of an allow folder; 0 = block. It
	// follows from where the list lies, no parameter says it.
	Action indicator.Action

	Format      feed.Format
	Scope       indicator.Scope
	Column      string
	Registrable bool
	Category    indicator.Category
	Severity    indicator.Severity
	Confidence  *indicator.Confidence
	MaxAge      time.Duration // 0 = the feed counts for good
	Force       string        // the reason why refusals are overridden; "" = they are not

	Source FeedSource `json:"-"` // makes no other entries of a list
}

// ParseFeedSettings reads the JSON that the parameter of a feed holds. Its error joins
// every problem.
func ParseFeedSettings(text []byte) (FeedSettings, error) {
	wire, err := settings.DecodeFeed(text)
	if err != nil {
		return FeedSettings{}, err
	}
	return NewFeedSettings(wire)
}

// NewFeedSettings checks the words of a feed's settings. Its error joins every problem.
func NewFeedSettings(wire settings.Feed) (FeedSettings, error) {
	s := FeedSettings{
		Column:      wire.Column,
		Registrable: wire.Registrable,
		Category:    indicator.NewCategory(wire.Category),
		Force:       strings.TrimSpace(wire.Force),
		Source:      newFeedSource(&wire),
	}
	var errs [7]error
	s.Format, errs[0] = feed.ParseFormat(wire.Format)
	if wire.Scope != "" {
		s.Scope, errs[1] = indicator.ParseScope(wire.Scope)
	}
	if wire.Severity != "" {
		s.Severity, errs[2] = indicator.ParseSeverity(wire.Severity)
	}
	if wire.Confidence != nil {
		var confidence indicator.Confidence
		confidence, errs[3] = indicator.NewConfidence(*wire.Confidence)
		s.Confidence = &confidence
	}
	if wire.MaxAge != "" {
		s.MaxAge, errs[4] = settings.ParseDuration(wire.MaxAge)
	}
	if s.Column != "" && s.Format != "" && s.Format != feed.CSV && s.Format != feed.JSON {
		errs[5] = fmt.Errorf("column %q: a %s list has no columns", s.Column, s.Format)
	}
	errs[6] = wire.ValidateSource()
	return s, errors.Join(errs[:]...)
}

// readingVersion changes when the same list would be read into other entries than
// before, so that it is read again.
const readingVersion = 2

// fingerprint identifies what makes of a list the entries that it makes, and how long
// they count. A reason to override guards is no part of it.
func (s FeedSettings) fingerprint(more ...string) string {
	s.Force = ""
	text, err := json.Marshal(struct {
		Version  int
		Settings FeedSettings
		More     []string
	}{readingVersion, s, more})
	if err != nil {
		panic(fmt.Errorf("encoding a struct of numbers and strings: %w", err))
	}
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:4])
}
