package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// feedSettings are the parsed settings of a feed. The zero value are the settings of a
// block feed that has none.
type feedSettings struct {
	list.Options
	MaxAge time.Duration // how long an accepted list counts; 0 means forever
	Force  string        // the reason to override refusals; empty if there is none

	source feedSource // does not affect which entries a list has
}

// parseFeedSettings parses the JSON in the parameter of a feed. The error joins every
// problem.
func parseFeedSettings(text []byte) (feedSettings, error) {
	wire, err := settings.DecodeFeed(text)
	parsed, invalid := newFeedSettings(wire)
	return parsed, errors.Join(err, invalid)
}

// newFeedSettings checks the settings of a feed. The error joins every problem.
func newFeedSettings(wire settings.Feed) (feedSettings, error) {
	s := feedSettings{
		Force:  strings.TrimSpace(wire.Force),
		MaxAge: wire.MaxAge.Std(),
		source: newFeedSource(&wire),
	}
	if err := wire.Validate(); err != nil {
		return s, err
	}
	var err error
	s.Options, err = list.NewOptions(wire)
	return s, err
}

// readFeedSettings reads the settings of a feed. Invalid settings are not an error but a
// refusal: lists of the feed are refused until its owner corrects the settings.
func readFeedSettings(
	ctx context.Context, store Settings, id indicator.FeedID, action indicator.Action,
) (feedSettings, *list.Refusal, error) {
	text, err := store.Feed(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		text = []byte("{}")
	case err != nil:
		return feedSettings{}, nil, fmt.Errorf("reading the settings: %w", err)
	}

	parsed, err := parseFeedSettings(text)
	parsed.Action = action
	if err != nil {
		return parsed, &list.Refusal{
			Code: list.RefusedSettings,
			What: "the settings of the feed are not valid: " + err.Error(),
			Todo: "correct the feed's parameter, then upload the list again",
		}, nil
	}
	return parsed, nil, nil
}

// readingVersion is part of every fingerprint. Increase it when the same list would be read
// into other entries than before, or when rows say more about accepted lists, so that
// accepted lists are read again.
const readingVersion = 3

// fingerprint identifies everything that affects how a list is parsed and how long it
// counts. The reason to override guards is not part of it.
func (s feedSettings) fingerprint(more ...string) string {
	s.Force = ""
	text, err := json.Marshal(struct {
		Version  int
		Settings feedSettings
		More     []string
	}{readingVersion, s, more})
	if err != nil {
		panic(fmt.Errorf("encoding a struct of numbers and strings: %w", err))
	}
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:4])
}

// feedSource is where the list of a feed is fetched. The zero feedSource means nowhere.
type feedSource struct {
	URL                       string
	Allow                     bool // the list is stored in the allow folder
	SecretARN, SecretKey      string
	SecretHeader, SecretQuery string
}

func newFeedSource(wire *settings.Feed) feedSource {
	if wire.URL == "" {
		return feedSource{}
	}
	return feedSource{
		URL:          wire.URL,
		Allow:        wire.Allow,
		SecretARN:    wire.SecretARN,
		SecretKey:    wire.SecretKey,
		SecretHeader: wire.SecretHeader,
		SecretQuery:  wire.SecretQuery,
	}
}

// fingerprint identifies the request that fetches the list.
func (s *feedSource) fingerprint() string {
	hash := sha256.Sum256([]byte(strings.Join([]string{s.URL, s.SecretARN, s.SecretKey, s.SecretHeader, s.SecretQuery}, "\n")))
	return hex.EncodeToString(hash[:8])
}

// isPinned reports whether the secret of a feed, if it has one, may be sent to its URL.
func (s *feedSource) isPinned(id indicator.FeedID, pins []string) bool {
	feed := settings.Feed{
		URL:          s.URL,
		SecretARN:    s.SecretARN,
		SecretKey:    s.SecretKey,
		SecretHeader: s.SecretHeader,
		SecretQuery:  s.SecretQuery,
	}
	return feed.SecretPinned(string(id), pins)
}

func (s *feedSource) action() indicator.Action {
	if s.Allow {
		return indicator.ActionAllow
	}
	return indicator.ActionBlock
}

// key returns the key under which the fetched list of a feed is stored.
func (s *feedSource) key(id indicator.FeedID) string {
	prefix := settings.BlockPrefix
	if s.Allow {
		prefix = settings.AllowPrefix
	}
	return prefix + string(id) + "/" + fetchedName
}
