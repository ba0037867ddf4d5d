package feed

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

const (
	// maxGuessLines and maxGuessBytes limit how many lines are held to find the name of a zone.
	maxGuessLines = 4 << 10
	maxGuessBytes = 256 << 10
	// guessPercent is the share of absolute owner names that must end in the name of the zone.
	guessPercent = 90
)

// zoneGuess finds the name of a policy zone if its file does not contain it. The owner names of
// such a zone are absolute, as in `evil.example.rpz.local.`; without the name of the zone, every
// entry would be a name that nobody queries. A name can be the zone if the owners end in it and
// the rest of each is a name with a top-level domain. It must also be an ancestor of a server name
// in the SOA or NS records. Otherwise the list is refused, because `bank.com.evil.example.` may
// just as well be a name under evil.example.
//
// If the absolute owners of a file have no such zone in common, they are listed as they are.
type zoneGuess struct {
	hints  [][]byte // absolute names of servers, without final dots
	lines  []heldLine
	bytes  int
	owners [][]byte // absolute ones, without final dots
	open   bool
	closed bool
}

type heldLine struct {
	number int
	text   []byte
}

// addHints keeps the absolute names in the data of an SOA or NS record.
func (g *zoneGuess) addHints(data []byte) {
	for word, rest := cutWord(data); len(word) > 0; word, rest = cutWord(rest) {
		if name, absolute := bytes.CutSuffix(word, []byte{'.'}); absolute && len(g.hints) < maxGuessLines {
			g.hints = append(g.hints, bytes.Clone(name))
		}
	}
}

func (g *zoneGuess) isOpen() bool { return g.open }

// mustOpen reports whether a line is the first one with an absolute owner name.
func (g *zoneGuess) mustOpen(line []byte) bool {
	g.open = !g.closed && policyOwner(line) != nil
	return g.open
}

// addZone reports whether a line says more about the name of the zone than the lines before: it
// is an SOA record, whose owner is the name, or an origin, which is a hint.
func (g *zoneGuess) addZone(line []byte) (name []byte, known bool) {
	word, record := cutWord(trim(line))
	if bytes.EqualFold(word, []byte("$ORIGIN")) {
		g.addHints(record)
		return nil, true
	}
	if recordType, _ := cutRecord(record); recordType != "SOA" {
		return nil, false
	}
	if name, absolute := bytes.CutSuffix(word, []byte{'.'}); absolute {
		return name, true
	}
	return nil, true
}

func (g *zoneGuess) add(number int, line []byte) {
	text := bytes.Clone(line)
	g.lines = append(g.lines, heldLine{number, text})
	g.bytes += len(line)
	if owner := policyOwner(text); owner != nil {
		g.owners = append(g.owners, owner)
	}
}

func (g *zoneGuess) isFull() bool { return len(g.lines) == maxGuessLines || g.bytes > maxGuessBytes }

// close returns the lines that were held.
func (g *zoneGuess) close() []heldLine {
	g.open, g.closed = false, true
	lines := g.lines
	g.lines = nil
	return lines
}

// decide returns the name of the zone, or nothing if the owners are not in one. If several names
// are possible, it returns the longest.
func (g *zoneGuess) decide() ([]byte, error) {
	counts := map[string]int{}
	for _, owner := range g.owners {
		for i, c := range owner {
			if c == '.' && isTriggerName(owner[:i]) {
				counts[strings.ToLower(string(owner[i+1:]))]++
			}
		}
	}

	best, bestHinted := "", false
	for _, zone := range slices.Sorted(maps.Keys(counts)) {
		hinted := slices.ContainsFunc(g.hints, func(hint []byte) bool { return isWithin(hint, []byte(zone)) })
		switch {
		case 100*counts[zone] < guessPercent*len(g.owners), bestHinted && !hinted:
		case hinted && !bestHinted, len(zone) > len(best):
			best, bestHinted = zone, hinted
		}
	}
	if best != "" && !bestHinted {
		return nil, refuse(ErrZone, 0, "owner names end in %q", shown([]byte(best)))
	}
	return []byte(best), nil
}

// policyOwner returns the owner of a policy without its final dot if it is absolute.
func policyOwner(line []byte) []byte {
	if len(line) == 0 || isSpace(line[0]) {
		return nil
	}
	owner, record := cutWord(line)
	name, absolute := bytes.CutSuffix(owner, []byte{'.'})
	if !absolute || len(name) == 0 {
		return nil
	}
	switch recordType, _ := cutRecord(record); recordType {
	case "A", "AAAA", "CNAME", "DNAME":
		return name
	}
	return nil
}

// isTriggerName reports whether a name can be what a policy is about: it has several labels and
// a top-level domain, or is a trigger on an address.
func isTriggerName(name []byte) bool {
	dot := bytes.LastIndexByte(name, '.')
	label := strings.ToLower(string(name[dot+1:]))
	return dot > 0 && (strings.HasPrefix(label, "rpz-") || domainname.HasKnownTLD(label))
}
