// Package selection decides which records of a log a command looks at. The values of flags go in:
// a period, VPCs, hosts, and names or addresses that matched. For each marked record, a [Chooser]
// says whether it is selected, or else why it is skipped, so that a command can say how many
// records it skipped. An unset part selects every record.
package selection

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Options are the values of the flags. Values of one list are alternatives.
type Options struct {
	Since, Until string   // see [namedquery.Moment]; Since is included, Until is not
	SinceFlag    string   // the name of the flag of Since, for errors
	VPCs         []string // ids
	Hosts        []string // addresses, CIDR blocks and ids of instances
	Indicators   []string // names, which stand for the names below them too, addresses and CIDR blocks
}

// Selection is a parsed set of options. It is safe for concurrent use.
type Selection struct {
	since, until time.Time // zero if unset
	vpcs         map[string]bool
	instances    map[string]bool
	blocks       []netip.Prefix // of hosts
	indicators   *hunt.Entries  // nil if unset
	words        []string       // see Describe
}

// Parse returns the selection that options describe, or nil if none of them is set. Ages count
// back from now. The error names the option and its value.
func Parse(o Options, now time.Time) (*Selection, error) {
	s := &Selection{}
	err := errors.Join(s.setPeriod(o, now), s.setVPCs(o.VPCs), s.setHosts(o.Hosts), s.setIndicators(o.Indicators))
	if err != nil {
		return nil, err
	}
	if len(s.words) == 0 {
		return nil, nil //nolint:nilnil // no selection
	}
	return s, nil
}

// Describe returns a phrase for each part of the selection, such as "since 2026-11-01T00:00:00Z".
func (s *Selection) Describe() []string { return s.words }

// Period returns the bounds of the time of a query. They are zero if they are not set.
func (s *Selection) Period() (since, until time.Time) {
	if s == nil {
		return time.Time{}, time.Time{}
	}
	return s.since, s.until
}

func (s *Selection) setPeriod(o Options, now time.Time) error {
	for _, bound := range []struct {
		word, flag, value string
		at                *time.Time
	}{{"since", o.SinceFlag, o.Since, &s.since}, {"until", "until", o.Until, &s.until}} {
		if bound.value == "" {
			continue
		}
		at, err := namedquery.Moment(bound.value, now)
		if err != nil {
			return fmt.Errorf("--%s: %w", bound.flag, err)
		}
		*bound.at = at
		s.words = append(s.words, bound.word+" "+at.UTC().Format(time.RFC3339))
	}
	if !s.since.IsZero() && !s.until.IsZero() && !s.since.Before(s.until) {
		return fmt.Errorf("--%s %s: must be before --until %s", o.SinceFlag, o.Since, o.Until)
	}
	return nil
}

func (s *Selection) setVPCs(ids []string) error {
	for _, id := range ids {
		id = strings.TrimSpace(id)
		if id == "" {
			return errors.New("--vpc: must not be empty; it is the id of a VPC, such as vpc-0a1b2c3d4e5f60718")
		}
		if s.vpcs == nil {
			s.vpcs = map[string]bool{}
		}
		s.vpcs[id] = true
	}
	if len(ids) > 0 {
		s.words = append(s.words, "VPC "+strings.Join(ids, " or "))
	}
	return nil
}

func (s *Selection) setHosts(hosts []string) error {
	for _, host := range hosts {
		text := strings.TrimSpace(host)
		if strings.HasPrefix(text, "i-") {
			if s.instances == nil {
				s.instances = map[string]bool{}
			}
			s.instances[text] = true
			continue
		}
		block, err := parseBlock(text)
		if err != nil {
			return fmt.Errorf("--host %q: must be an address, a block such as 10.0.1.0/24, or the id of an instance such as i-0123456789abcdef0", host)
		}
		s.blocks = append(s.blocks, block)
	}
	if len(hosts) > 0 {
		s.words = append(s.words, "host "+strings.Join(hosts, " or "))
	}
	return nil
}

// parseBlock parses an address or a block. An IPv4 address in IPv6 form is an IPv4 address.
func parseBlock(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap().WithZone("")
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	block, err := netip.ParsePrefix(text)
	return block.Masked(), err
}

func (s *Selection) setIndicators(texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	canonical := map[string]bool{}
	for _, text := range texts {
		name, block, err := feed.ParseObservable(text)
		switch {
		case err != nil:
			return fmt.Errorf("--indicator %q: %w; name a domain or an address", text, err)
		case name == "":
			canonical[block.String()] = true
		default:
			parsed, err := domainname.Parse(name)
			if err != nil {
				return fmt.Errorf("--indicator %q: %w", text, err)
			}
			canonical[parsed.String()] = true
		}
	}
	entries := hunt.NewEntries(canonical)
	s.indicators = &entries
	s.words = append(s.words, "matches of "+strings.Join(texts, " or "))
	return nil
}

// Chooser applies a selection to marks. Each goroutine has its own.
type Chooser struct {
	*Selection
	addresses map[string]bool // of hosts by their text: a log has few hosts and many records
	scratch   []byte
}

// NewChooser returns a chooser for s, or nil if s is nil.
func (s *Selection) NewChooser() *Chooser {
	if s == nil {
		return nil
	}
	return &Chooser{Selection: s, addresses: map[string]bool{}}
}

// Keep reports whether a record is selected. If it is not, Keep adds it to skipped.
func (c *Chooser) Keep(m *verdict.Mark, skipped *Skipped) bool {
	reason := c.check(m)
	if reason == selected {
		return true
	}
	skipped[reason]++
	return false
}

// check returns the first reason that applies.
func (c *Chooser) check(m *verdict.Mark) reason {
	o := m.Object
	if !c.since.IsZero() || !c.until.IsZero() {
		c.scratch = o.AppendTime(c.scratch[:0])
		at, ok := parseTime(c.scratch)
		switch {
		case !ok:
			return undated
		case at.Before(c.since), !c.until.IsZero() && !at.Before(c.until):
			return otherTime
		}
	}
	if c.vpcs != nil && !c.vpcs[string(o.VPCID.Decode(&c.scratch))] {
		return otherVPC
	}
	if c.instances != nil || c.blocks != nil {
		isInstance := c.instances[string(o.Instance.Decode(&c.scratch))]
		if !isInstance && !c.isHost(o.SourceAddr.Decode(&c.scratch)) {
			return otherHost
		}
	}
	if c.indicators != nil && !c.hasMatched(m) {
		return otherIndicator
	}
	return selected
}

// parseTime reads the time of a record.
func parseTime(text []byte) (at time.Time, ok bool) {
	if at.UnmarshalText(text) == nil { // allocates nothing
		return at, true
	}
	at, err := time.Parse(time.RFC3339, string(text)) // takes a few more forms
	return at, err == nil
}

// maxAddresses limits the addresses that a chooser remembers.
const maxAddresses = 1 << 16

// isHost reports whether the address of a record is one of the hosts.
func (c *Chooser) isHost(text []byte) bool {
	if found, known := c.addresses[string(text)]; known {
		return found
	}
	address, err := netip.ParseAddr(string(text))
	found := err == nil && contain(c.blocks, address)
	if len(c.addresses) < maxAddresses {
		c.addresses[string(text)] = found
	}
	return found
}

func contain(blocks []netip.Prefix, address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	for _, block := range blocks {
		if block.Contains(address) {
			return true
		}
	}
	return false
}

// hasMatched reports whether a record matched one of the indicators.
func (c *Chooser) hasMatched(m *verdict.Mark) bool {
	if m.Verdict != verdict.Malicious && m.Verdict != verdict.Allowed {
		return false
	}
	matched := matchedPart(m)
	if len(matched) == 0 {
		return false
	}
	if c.indicators.Covers(matched) {
		return true
	}
	address, err := netip.ParseAddr(string(matched))
	if err != nil {
		return false
	}
	inner, ok := verdict.EmbeddedIPv4(address)
	return ok && c.indicators.Covers([]byte(inner.String()))
}

// matchedPart returns the name or address that matched. A record that keeps the mark that it came
// with says it itself.
func matchedPart(m *verdict.Mark) []byte {
	if m.Threat != nil {
		return m.Threat.Matched
	}
	var marked struct {
		Threat struct {
			Matched string `json:"matched"`
		} `json:"threat"`
	}
	if !bytes.Contains(m.Object.Bytes, []byte(`"matched"`)) || json.Unmarshal(m.Object.Bytes, &marked) != nil {
		return nil
	}
	return []byte(marked.Threat.Matched)
}
