package importer

import (
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Layout of the list bucket. Events must be limited to the feed prefixes and the
// legacy key, because the importer writes reports and accepted lists beside them.
const (
	BlockPrefix    = settings.BlockPrefix
	AllowPrefix    = settings.AllowPrefix
	AcceptedPrefix = settings.AcceptedPrefix
	ReportPrefix   = settings.ReportPrefix
	GuardPrefix    = settings.GuardPrefix

	// The user's own lists for the guards, any number of each kind under any name: what
	// no feed may block, hosts that strangers share, and the most popular names.
	ProtectedPrefix = GuardPrefix + "protected/"
	SharedPrefix    = GuardPrefix + "shared/"
	TopPrefix       = GuardPrefix + "top/"
)

// isGuardList reports whether a key is a list for the guards, in whichever folder.
func isGuardList(key string) bool {
	return strings.HasPrefix(key, GuardPrefix) && !strings.HasSuffix(key, "/")
}

// FeedOf returns the feed that a key in the list bucket belongs to, and false for a
// key that belongs to none. The error names a folder that is no feed id.
func FeedOf(key, legacyKey string) (id indicator.FeedID, found bool, err error) {
	if key == legacyKey {
		return indicator.DefaultFeed, true, nil
	}
	rest, found := strings.CutPrefix(key, BlockPrefix)
	if !found {
		rest, found = strings.CutPrefix(key, AllowPrefix)
	}
	folder, name, inFolder := strings.Cut(rest, "/")
	if !found || !inFolder || name == "" || strings.HasSuffix(name, "/") {
		return "", false, nil
	}
	id, err = indicator.NewFeedID(folder)
	return id, err == nil, err
}

// location is one place where lists of a feed may lie.
type location struct {
	action indicator.Action
	prefix string
	exact  bool // prefix is a whole key
}

// locations returns where lists of a feed may lie.
func locations(id indicator.FeedID, legacyKey string) []location {
	places := []location{
		{action: indicator.ActionBlock, prefix: BlockPrefix + string(id) + "/"},
		{action: indicator.ActionAllow, prefix: AllowPrefix + string(id) + "/"},
	}
	if id == indicator.DefaultFeed {
		places = append(places, location{action: indicator.ActionBlock, prefix: legacyKey, exact: true})
	}
	return places
}

// holds reports whether key is a list at l. Folder markers are none.
func (l location) holds(key string) bool {
	if l.exact {
		return key == l.prefix
	}
	return strings.HasPrefix(key, l.prefix) && !strings.HasSuffix(key, "/")
}
