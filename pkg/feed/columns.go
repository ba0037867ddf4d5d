package feed

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// This file decides which column of a table, or which member of a JSON object, holds what.
// Headings and member names are looked up in the same table of words. A table without known
// headings is decided by its first row.

// role is what a column or a member holds.
type role uint8

const (
	roleNone role = iota
	roleURL
	roleName
	roleAddress
	rolePath
	roleType
	roleCategory
	roleSeverity
	roleConfidence
	roleReference
	roleFirstSeen
	roleExpires
	roleCount
)

// isIndicator reports whether a value with this role is enough to make an entry.
func (r role) isIndicator() bool { return r == roleURL || r == roleName || r == roleAddress }

// headingWords holds the headings of each role as [normalize] returns them, the preferred
// ones first. They come from URLhaus, ThreatFox, Feodo Tracker, Blackbook, OTX, MISP's CSV
// and similar lists.
var headingWords = [roleCount][]string{
	roleURL: {"url", "urls", "uri"},
	roleName: {
		"domain", "domain_name", "domainname", "domains", "hostname", "host", "host_name", "hosts", "fqdn",
		"dns", "dns_name", "indicator", "indicator_value", "ioc", "ioc_value", "observable",
		"observable_value", "value", "entry", "name",
	},
	roleAddress: {
		"ip", "ip_address", "ipaddress", "ip_addr", "ipv4", "ipv6", "dst_ip", "dest_ip", "cidr", "network",
		"netblock", "ip_range", "address",
	},
	rolePath:       {"path", "url_path", "uri_path"},
	roleType:       {"ioc_type", "indicator_type", "type"},
	roleCategory:   {"threat_type", "threat", "category", "classification", "malware", "malware_printable", "malware_family", "family"},
	roleSeverity:   {"severity"},
	roleConfidence: {"confidence", "confidence_level"},
	roleReference:  {"reference", "references", "urlhaus_link", "urlhaus_reference", "link"},
	roleFirstSeen: {
		"first_seen", "first_seen_utc", "firstseen", "dateadded", "date_added", "date", "added", "created",
		"created_at", "valid_from",
	},
	roleExpires: {"expires", "expires_at", "expiry", "expiration", "valid_until"},
}

// heading is the meaning of a heading. If two headings have the same role, the one with the
// lower rank is preferred.
type heading struct {
	role role
	rank int
}

// vagueRank is the rank of "name", a member that many unrelated documents have.
var vagueRank = len(headingWords[roleName]) - 1

var headings = indexHeadings()

func indexHeadings() map[string]heading {
	index := map[string]heading{}
	for r, words := range headingWords {
		for rank, word := range words {
			index[word] = heading{role(r), rank}
		}
	}
	return index
}

// headingOf returns the meaning of a heading. An unknown heading has no role.
func headingOf(text string) heading { return headings[normalize(text)] }

// normalize converts a heading to lower case with words joined by underscores.
func normalize(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return '_'
		}
		return r
	}, strings.ToLower(strings.TrimSpace(text)))
}

// roleOfColumn returns the role of the column that [Options].Column names. Unless its heading
// says that it holds URLs or addresses, it holds names.
func roleOfColumn(column string) role {
	if known := headingOf(column); known.role.isIndicator() {
		return known.role
	}
	return roleName
}

// layout describes the columns of a table.
type layout struct {
	separator byte
	roles     []role // one for each column
	needed    int    // the first column that can hold an indicator
}

// findNeeded sets needed, and reports whether there is such a column.
func (l *layout) findNeeded() bool {
	l.needed = slices.IndexFunc(l.roles, role.isIndicator)
	return l.needed >= 0
}

// layoutOfHeading reads a row of headings. If column is set, it is the one with the
// indicators. The result is nil if the row is not a heading: it has no known heading of an
// indicator, or one of its cells looks like an indicator itself.
func layoutOfHeading(row []byte, column string) *layout {
	separator := separatorOf(row)
	titles, err := splitRow(row, separator)
	if err != nil {
		return nil
	}

	var best [roleCount]int // for each role its column plus one
	var rank [roleCount]int
	for i, title := range titles {
		if looksLikeIndicator(title) {
			return nil
		}
		known := headingOf(string(title))
		if column != "" && known.role.isIndicator() {
			known.role = roleNone
		}
		if column != "" && normalize(string(title)) == normalize(column) {
			known = heading{role: roleOfColumn(column)}
		}
		if best[known.role] == 0 || known.rank < rank[known.role] {
			best[known.role], rank[known.role] = i+1, known.rank
		}
	}

	l := &layout{separator: separator, roles: make([]role, len(titles))}
	for r := roleNone + 1; r < roleCount; r++ {
		if best[r] > 0 {
			l.roles[best[r]-1] = r
		}
	}
	if !l.findNeeded() {
		return nil
	}
	return l
}

// layoutOfRow finds the indicators of a table without headings by one of its rows: in the
// column with the given number, or in the first cell that looks like a URL, else like a name,
// else like an address. The result is nil if there is none.
func layoutOfRow(row []byte, column string) *layout {
	separator := separatorOf(row)
	cells, err := splitRow(row, separator)
	if err != nil {
		return nil
	}

	l := &layout{separator: separator, roles: make([]role, len(cells))}
	if column != "" {
		number, err := strconv.Atoi(column)
		if err != nil || number < 1 || number > len(cells) {
			return nil
		}
		l.roles[number-1] = roleName
		l.findNeeded()
		return l
	}
	for _, wanted := range []role{roleURL, roleName, roleAddress} {
		for i, cell := range cells {
			if looksLikeIndicator(cell) && guessRole(cell) == wanted {
				l.roles[i] = wanted
				l.findNeeded()
				return l
			}
		}
	}
	return nil
}

// guessRole returns the role of a cell that looks like an indicator.
func guessRole(cell []byte) role {
	switch t := parseTarget(cell); {
	case bytes.Contains(refang(cell), []byte("://")):
		return roleURL
	case t.block.IsValid():
		return roleAddress
	}
	return roleName
}

// quoteTitles returns the first cells of a row, for an error.
func quoteTitles(row []byte) string {
	cells, err := splitRow(row, separatorOf(row))
	if err != nil {
		return shown(row)
	}
	const most = 20
	var titles []string
	for _, cell := range cells[:min(len(cells), most)] {
		titles = append(titles, strconv.Quote(shown(cell)))
	}
	return strings.Join(titles, ", ")
}

// separators of tables, the more likely ones first.
const separators = ",;\t|"

// separatorOf returns the separator that splits a row into the most cells.
func separatorOf(row []byte) byte {
	best, most := separators[0], 1
	for i := range len(separators) {
		if cells, err := splitRow(row, separators[i]); err == nil && len(cells) > most {
			best, most = separators[i], len(cells)
		}
	}
	return best
}

// headingOfMember returns the meaning of a JSON member. If column is set, no other member
// holds indicators.
func headingOfMember(name []byte, column string) heading {
	known, found := headings[string(name)]
	if !found {
		known = headingOf(string(name))
	}
	switch {
	case column == "":
	case normalize(string(name)) == normalize(column):
		return heading{role: roleOfColumn(column)}
	case known.role.isIndicator():
		return heading{}
	}
	return known
}

// memberRow holds the members of a JSON object by role. If several members with the same role
// have a value, the preferred one wins, whatever their order.
type memberRow struct {
	cells cells
	rank  [roleCount]int
	known bool     // some member can hold an indicator
	names []string // of the members, for errors
}

func (m *memberRow) reset() {
	m.cells, m.known, m.names = cells{}, false, m.names[:0]
}

func (m *memberRow) add(h heading, value []byte) {
	if h.role == roleNone {
		return
	}
	m.known = m.known || h.role.isIndicator()
	old := m.cells[h.role]
	preferred := h.rank < m.rank[h.role] || h.rank == m.rank[h.role] && bytes.Compare(value, old) < 0
	if len(value) > 0 && (old == nil || preferred) {
		m.cells[h.role], m.rank[h.role] = value, h.rank
	}
}

// isVague reports whether the only indicator is the member "name". If the object is the whole
// document, that is more likely the title of the document.
func (m *memberRow) isVague() bool {
	return m.known && m.cells[roleURL] == nil && m.cells[roleAddress] == nil && m.rank[roleName] == vagueRank
}
