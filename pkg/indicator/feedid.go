package indicator

import "fmt"

// maxFeedIDBytes keeps `<feed>#<action>#<scope>` and object keys far from the
// limits of DynamoDB and S3.
const maxFeedIDBytes = 64

// DefaultFeed is the feed of the single list file that a stack reads when it has no
// other feeds; ManualFeed the one of own edits in the table.
const (
	DefaultFeed FeedID = "default"
	ManualFeed  FeedID = "manual"
)

// FeedID names a feed: it is a folder in the list bucket, a part of table keys and
// a word in marked records.
type FeedID string

// NewFeedID checks that text is a feed id: 1 to 64 characters out of a-z, 0-9, dot,
// hyphen and underscore, the first a letter or digit.
func NewFeedID(text string) (FeedID, error) {
	if text == "" || len(text) > maxFeedIDBytes {
		return "", fmt.Errorf("feed id %q: must have 1 to %d characters", text, maxFeedIDBytes)
	}
	for i := range len(text) {
		c := text[i]
		alphanumeric := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alphanumeric && (i == 0 || c != '.' && c != '-' && c != '_') {
			return "", fmt.Errorf("feed id %q: must be a-z, 0-9, dot, hyphen or underscore, "+
				"the first a letter or digit", text)
		}
	}
	return FeedID(text), nil
}
