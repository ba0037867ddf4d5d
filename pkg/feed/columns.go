package feed

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// role is what a column of a table, or a member of a JSON object, holds.
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

// cells are the values of one row by role.
type cells [roleCount][]byte

// headingWords are the names under which lists have each role, in [normal] form, the
// preferred first. They are those of URLhaus, ThreatFox, Feodo Tracker, Blackbook,
// OTX, MISP's CSV and the like.
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

// vagueRank is the rank of "name", which many things have.
var vagueRank = len(headingWords[roleName]) - 1

// heading is what a heading means; the lower rank is preferred.
type heading struct {
	role role
	rank int
}

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

// headingOf returns what a heading means, and no role if it is not known.
func headingOf(text string) heading { return headings[normal(text)] }

// normal brings a heading to one form: lower case, words joined by an underscore.
func normal(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return '_'
		}
		return r
	}, strings.ToLower(strings.TrimSpace(text)))
}

// isIndicatorRole reports whether a role alone can make a row an entry.
func (r role) isIndicator() bool { return r == roleURL || r == roleName || r == roleAddress }

// layout says what the columns of a table hold.
type layout struct {
	separator byte
	roles     []role // by column; the length is the number of columns
	needed    int    // the first column that can hold an indicator
}

// settle notes the needed column, and reports whether there is one.
func (l *layout) settle() bool {
	l.needed = slices.IndexFunc(l.roles, role.isIndicator)
	return l.needed >= 0
}

// layoutOfHeading reads a row of headings, of which column is the one with the
// indicators if it is not empty. It returns nil if row is none: no heading that can
// hold indicators is known, or a cell looks like an indicator itself.
func layoutOfHeading(row []byte, column string) *layout {
	separator := separatorOf(row)
	titles, err := splitRow(row, separator)
	if err != nil {
		return nil
	}
	var best [roleCount]int // column by role, plus one
	var rank [roleCount]int
	for i, title := range titles {
		if isIndicatorLook(title) {
			return nil
		}
		known := headingOf(string(title))
		if column != "" && known.role.isIndicator() {
			known.role = roleNone
		}
		if column != "" && normal(string(title)) == normal(column) {
			known = heading{role: namedRole(column)}
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
	if !l.settle() {
		return nil
	}
	return l
}

// namedRole is the role of a column that was named: a URL column stays one.
func namedRole(column string) role {
	if known := headingOf(column); known.role.isIndicator() {
		return known.role
	}
	return roleName
}

// layoutOfRow finds the indicators in a table without headings: in the column of the
// given number, else in the first cell that looks like a URL, a name or an address,
// in this order. It returns nil if there is none.
func layoutOfRow(row []byte, column string) *layout {
	separator := separatorOf(row)
	all, err := splitRow(row, separator)
	if err != nil {
		return nil
	}
	l := &layout{separator: separator, roles: make([]role, len(all))}
	if column != "" {
		number, err := strconv.Atoi(column)
		if err != nil || number < 1 || number > len(all) {
			return nil
		}
		l.roles[number-1] = roleName
		l.settle()
		return l
	}
	for _, wanted := range []role{roleURL, roleName, roleAddress} {
		for i, cell := range all {
			if isIndicatorLook(cell) && roleOfLook(cell) == wanted {
				l.roles[i] = wanted
				l.settle()
				return l
			}
		}
	}
	return nil
}

func roleOfLook(cell []byte) role {
	switch t := parseTarget(cell); {
	case bytes.Contains(refang(cell), []byte("://")):
		return roleURL
	case t.block.IsValid():
		return roleAddress
	}
	return roleName
}

// titlesOf shows the first cells of a row in an error.
func titlesOf(row []byte) string {
	all, err := splitRow(row, separatorOf(row))
	if err != nil {
		return shown(row)
	}
	const most = 20
	var titles []string
	for _, cell := range all[:min(len(all), most)] {
		titles = append(titles, strconv.Quote(shown(cell)))
	}
	return strings.Join(titles, ", ")
}

// jsonMembers are the members of an object by role. Of several with one role that are
// not empty the preferred counts, whatever their order.
type jsonMembers struct {
	cells cells
	rank  [roleCount]int
	known bool // some member can hold an indicator
	names []string
}

func (m *jsonMembers) reset() {
	m.cells, m.known, m.names = cells{}, false, m.names[:0]
}

func (m *jsonMembers) add(h heading, value []byte) {
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

// isVague reports whether the indicator is under "name" alone. Of a document that is one
// object and nothing else, that is more likely what the document is called.
func (m *jsonMembers) isVague() bool {
	return m.known && m.cells[roleURL] == nil && m.cells[roleAddress] == nil && m.rank[roleName] == vagueRank
}

// scalar reads a string, number or boolean as text; anything else is empty.
func scalar(cursor *jsonscan.Cursor) ([]byte, error) {
	first, start := cursor.Next(), cursor.Pos()
	if first == '"' {
		text, err := cursor.Text()
		if err != nil || !text.Escaped() {
			return trim(text.Raw()), err
		}
		return trim(text.Append(nil)), nil
	}
	if err := cursor.Skip(); err != nil || first == '{' || first == '[' || first == 'n' {
		return nil, err
	}
	return cursor.Since(start), nil
}
