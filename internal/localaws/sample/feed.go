// Package sample makes feeds and Resolver query logs to try the pipeline with, out of
// reserved names and addresses only, and says of every record what must become of
// it. The same seed gives the same records.
//
// What is expected is written down where a query is made up, by whoever made it up:
// nothing here looks anything up in a list.
package sample

import (
	"fmt"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Ids of the sample feeds.
const (
	MalwareHosts = "malware-hosts"
	BotnetC2     = "botnet-c2"
	Phishing     = "phishing"
	Partners     = "partners" // the allow feed
)

// Feed is a list as somebody publishes it.
type Feed struct {
	ID       indicator.FeedID
	Key      string // of its object in the list bucket
	Kind     string // what it is, in words
	Settings settings.Feed
	Lines    []string
}

// Body returns the list's text.
func (f *Feed) Body() []byte { return []byte(strings.Join(f.Lines, "\n") + "\n") }

// Without returns the feed with the lines gone that hold text.
func (f Feed) Without(text string) Feed {
	f.Lines = slices.DeleteFunc(slices.Clone(f.Lines), func(line string) bool { return strings.Contains(line, text) })
	return f
}

// Feeds returns three lists of three formats, and a list of names that are never to
// be marked.
func Feeds() []Feed {
	confidence := 80
	return []Feed{
		{ID: MalwareHosts, Key: "feeds/" + MalwareHosts + "/hosts.txt", Kind: "hosts file", Lines: malwareHosts(),
			Settings: settings.Feed{Format: "hosts", Category: "malware_download", Severity: "high", Confidence: &confidence}},
		{ID: BotnetC2, Key: "feeds/" + BotnetC2 + "/indicators.csv", Kind: "CSV with names, addresses and networks",
			Lines: botnetC2()},
		{ID: Phishing, Key: "feeds/" + Phishing + "/filter.txt", Kind: "Adblock filter list", Lines: phishing(),
			Settings: settings.Feed{Category: "phishing"}},
		{ID: Partners, Key: "allow/" + Partners + "/names.txt", Kind: "names that are never marked", Lines: []string{
			"# business partners: do not mark these, whatever a feed says", "cdn.partner.example"}},
	}
}

// fillers is how many entries stand in each list that no query asks for.
const fillers = 200

func malwareHosts() []string {
	lines := []string{
		"# names that malware was downloaded from; a hosts file covers each name alone",
		"0.0.0.0 dropper.malware.example",
		"0.0.0.0 payload.malware.example",
		"0.0.0.0 update.fakesoft.example files.fakesoft.example",
		"0.0.0.0 shared.c2.example # also in " + BotnetC2,
	}
	for i := range fillers {
		lines = append(lines, fmt.Sprintf("0.0.0.0 h%03d.filler.example", i))
	}
	return lines
}

func botnetC2() []string {
	lines := []string{
		"indicator,category,severity,confidence,first_seen",
		"beacon.botnet.example,botnet_cc,critical,95,2026-01-15",
		"shared.c2.example,botnet_cc,critical,90,2026-02-03",
		"tunnel.c2.example,dns_tunnel,high,75,2026-02-20",
		"cdn.partner.example,botnet_cc,medium,40,2026-03-01", // wrongly listed
		"203.0.113.66,botnet_cc,critical,90,2026-03-09",
		"198.51.100.128/26,bulletproof_hosting,medium,60,2026-03-09",
		"2001:db8:bad::/48,bulletproof_hosting,medium,60,2026-03-09",
	}
	for i := range fillers {
		lines = append(lines, fmt.Sprintf("c%03d.filler.example,botnet_cc,high,80,2026-04-01", i))
	}
	return lines
}

func phishing() []string {
	lines := []string{
		"! names of phishing sites, and of a tracker that hides behind CNAMEs",
		"||login.bank.example^",
		"||verify.parcel.example^",
		"||tracker.clicks.example^",
		"||account-check.example^",
		"@@||status.account-check.example^",
		"example.test##.cookie-banner", // no name: skipped
	}
	for i := range fillers {
		lines = append(lines, fmt.Sprintf("||p%03d.filler.example^", i))
	}
	return lines
}
