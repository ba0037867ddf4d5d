// Package sample generates feeds and Resolver query logs for trying out the pipeline, using only
// reserved names and addresses. Every record comes with its expected result. The same seed
// generates the same records.
//
// The code that invents a query also states the expected verdict. It never looks up a name in a
// list.
package sample

import (
	"fmt"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// IDs of the sample feeds.
const (
	MalwareHosts = "malware-hosts"
	BotnetC2     = "botnet-c2"
	Phishing     = "phishing"
	Partners     = "partners" // the allow feed
)

// Feed is a list as its publisher offers it.
type Feed struct {
	ID       indicator.FeedID
	Key      string // of the object in the list bucket
	Kind     string // description for the user
	Settings settings.Feed
	lines    []string
}

// Body returns the text of the list.
func (f *Feed) Body() []byte { return []byte(strings.Join(f.lines, "\n") + "\n") }

// Without returns a copy of the feed without the lines that contain text.
func (f Feed) Without(text string) Feed {
	f.lines = slices.DeleteFunc(slices.Clone(f.lines), func(line string) bool { return strings.Contains(line, text) })
	return f
}

// With returns a copy of the feed with another line.
func (f Feed) With(line string) Feed {
	f.lines = append(slices.Clone(f.lines), line)
	return f
}

// A name that no list has at first, and the line with which [BotnetC2] gets it.
const (
	LateName = "loader.example"
	LateLine = LateName + ",botnet_cc,critical,95,2026-04-02"
)

// Feeds returns three blocklists in different formats, and an allowlist.
func Feeds() []Feed {
	confidence := 80
	return []Feed{
		{ID: MalwareHosts, Key: "feeds/" + MalwareHosts + "/hosts.txt", Kind: "hosts file", lines: malwareHosts(),
			Settings: settings.Feed{Format: "hosts", Category: "malware_download", Severity: "high", Confidence: &confidence}},
		{ID: BotnetC2, Key: "feeds/" + BotnetC2 + "/indicators.csv", Kind: "CSV with names, addresses and networks",
			lines: botnetC2()},
		{ID: Phishing, Key: "feeds/" + Phishing + "/filter.txt", Kind: "Adblock filter list", lines: phishing(),
			Settings: settings.Feed{Category: "phishing"}},
		{ID: Partners, Key: "allow/" + Partners + "/names.txt", Kind: "allowlist", lines: []string{
			"# business partners: never mark these names", "cdn.partner.example"}},
	}
}

// fillers is the number of entries in each list that no query asks for.
const fillers = 200

func malwareHosts() []string {
	lines := []string{
		"# names that serve malware; an entry of a hosts file matches only that name",
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
		"! phishing sites, and a tracker that hides behind CNAMEs",
		"||login.bank.example^",
		"||verify.parcel.example^",
		"||tracker.clicks.example^",
		"||account-check.example^",
		"@@||status.account-check.example^",
		"example.test##.cookie-banner", // not a name, so it is skipped
	}
	for i := range fillers {
		lines = append(lines, fmt.Sprintf("||p%03d.filler.example^", i))
	}
	return lines
}
