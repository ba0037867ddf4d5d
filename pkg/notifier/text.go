package notifier

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// Bounds of texts in events, notices and findings, in bytes. Names have at most 255, but
// records and lists can hold anything.
const (
	maxText    = 512
	maxWord    = 128 // categories, feeds, names of stacks
	maxFeeds   = 16
	maxDetails = 32
)

// bounded returns valid UTF-8 of at most limit bytes. Events carry it to programs, so it stays
// as it is otherwise.
func bounded(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// shown returns a text for people: one line of at most limit bytes that no terminal obeys.
func shown(text string, limit int) string {
	return bounded(printable.Line(bounded(text, limit)), limit)
}

// defanger changes a name so that mail programs do not make a link of it.
var defanger = strings.NewReplacer(".", "[.]", ":", "[:]", "@", "[@]")

// defanged returns a name or address of a record or list for people.
func defanged(text string) string { return bounded(defanger.Replace(shown(text, maxText)), maxText) }

// What the ids of AWS look like. Everything else about a host may have been invented.
var (
	accountID  = regexp.MustCompile(`^\d{12}$`)
	vpcID      = regexp.MustCompile(`^vpc-[0-9a-f]{1,32}$`)
	instanceID = regexp.MustCompile(`^i-[0-9a-f]{1,32}$`)
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
)

// other replaces a part of an id that does not look like one.
const other = "other"

// plain returns an id for people. What does not look like one is defanged.
func plain(pattern *regexp.Regexp, text string) string {
	if pattern.MatchString(text) {
		return text
	}
	return defanged(text)
}

// plainAddress does the same for an address.
func plainAddress(text string) string {
	if address := addressOf(text); address != other {
		return address
	}
	return defanged(text)
}

func matching(pattern *regexp.Regexp, text string) string {
	if pattern.MatchString(text) {
		return text
	}
	return other
}

func addressOf(text string) string {
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return other
	}
	return address.String()
}
