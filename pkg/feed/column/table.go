package column

// Kind is what one cell looks like by itself.
type Kind uint8

// The kinds of cells.
const (
	Empty    Kind = iota // or a dash, or the like
	HostName             // a name with a dot whose last label is a top-level domain
	HostPart             // a host with a port or a path
	Link                 // a URL
	IP                   // an address or a block
	Hash
	File // a name whose last label is not a top-level domain
	Mail
	Date
	Number
	Word // anything else
	kindCount
)

// IsIndicator reports whether a cell of the kind can be an indicator.
func (k Kind) IsIndicator() bool { return HostName <= k && k <= IP }

// Cell is a cell of a sample.
type Cell struct {
	Text string
	Kind Kind
	Host string // the name or address, if the kind is an indicator
	// MayBeFile says that the text is a name whose top-level domain is also the ending of
	// files, such as update.zip or run.sh.
	MayBeFile bool
}

// Table is a sample of the rows of a list.
type Table struct {
	Titles []string // the headings or the names of members; nil if the table has none
	Rows   [][]Cell // may be shorter or longer than the titles
	// Members says that the titles are members of JSON objects: each row has some of them.
	Members bool
}

// Reading is how one column is read, for reports.
type Reading struct {
	Column  int    `json:"column,omitempty"` // from 1; 0 for a member of JSON objects
	Heading string `json:"heading,omitempty"`
	As      string `json:"read_as"`
	Why     string `json:"why,omitempty"`
}

// stats is what the sample says about one column.
type stats struct {
	number  int // from 0
	title   string
	heading Heading
	role    Role
	why     string

	filled   int // cells that are not empty
	kinds    [kindCount]int
	types    int // cells that are the name of a type
	valid    int // of these, the types of indicators
	distinct int // hosts
	files    int // cells that are, or may be, the names of files
	matches  int // cells whose kind fits the type of their row
	typed    int // cells in rows with the type of an indicator
}

func (s *stats) indicators() int {
	return s.kinds[HostName] + s.kinds[HostPart] + s.kinds[Link] + s.kinds[IP]
}

// eligible counts the cells that could have been names or addresses. Hashes and mail addresses
// are other types of indicators, which a column of indicators may also have.
func (s *stats) eligible() int { return s.filled - s.kinds[Hash] - s.kinds[Mail] }

// spread is the share of distinct hosts among the cells with an indicator.
func (s *stats) spread() float64 { return share(s.distinct, s.indicators()) }

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// looksLikeFiles reports whether nearly all names of the column may be names of files.
func (s *stats) looksLikeFiles() bool {
	return s.files > 0 && 5*s.files >= 4*(s.kinds[File]+s.kinds[HostName])
}

// isMostly reports whether a kind makes up most of the cells of the column.
func (s *stats) isMostly(kind Kind) bool {
	return s.filled > 0 && 2*s.kinds[kind] > s.filled
}

// measure returns the statistics of each column.
func (t *Table) measure() []stats {
	width := len(t.Titles)
	for _, row := range t.Rows {
		if t.Titles == nil {
			width = max(width, len(row))
		}
	}
	columns := make([]stats, width)
	for i := range columns {
		s := &columns[i]
		s.number = i
		if t.Titles != nil {
			s.title, s.heading = t.Titles[i], HeadingOf(t.Titles[i])
		}
		t.count(s)
	}
	return columns
}

// count counts the cells of one column.
func (t *Table) count(s *stats) {
	hosts := map[string]bool{}
	for _, row := range t.Rows {
		cell := cellOf(row, s.number)
		if cell.Kind == Empty {
			continue
		}
		s.filled++
		s.kinds[cell.Kind]++
		if cell.Kind == File || cell.MayBeFile {
			s.files++
		}
		if cell.Kind.IsIndicator() {
			hosts[cell.Host] = true
		}
		if cell.Kind != Word && cell.Kind != HostPart { // such as ip:port
			continue
		}
		if kind := ParseType(cell.Text); kind != TypeUnknown {
			s.types++
			if kind.IsIndicator() {
				s.valid++
			}
		}
	}
	s.distinct = len(hosts)
}

func cellOf(row []Cell, column int) Cell {
	if column < len(row) {
		return row[column]
	}
	return Cell{}
}

// match counts how often the cells of a column fit the types that their rows have.
func (t *Table) match(s *stats, typeColumn int) {
	s.typed, s.matches = 0, 0
	for _, row := range t.Rows {
		kind := ParseType(cellOf(row, typeColumn).Text)
		cell := cellOf(row, s.number).Kind
		if kind == TypeAny || !kind.IsIndicator() || cell == Empty {
			continue
		}
		s.typed++
		if fits(cell, kind) {
			s.matches++
		}
	}
}

// fits reports whether a cell can hold a value of the type.
func fits(cell Kind, kind ValueType) bool {
	switch kind {
	case TypeAddress, TypeAddressPort, TypeAddressPair:
		return cell == IP
	case TypeName, TypeNamePort:
		return cell == HostName || cell == HostPart || cell == File
	case TypeNameAddress:
		return cell.IsIndicator() || cell == Word
	default:
		return cell.IsIndicator()
	}
}

// pairing is what the rows say in which two columns both have an indicator.
type pairing struct {
	both int // rows
	same int // of these, rows in which the hosts are the same or one lies under the other
	// first and second are rows in which only that column has an indicator, and the other one
	// is empty.
	first, second int
}

// lacks reports whether some rows have only an address, and none has only the other column.
// before says that the address is the first column of the pair.
func (p pairing) lacks(before bool) bool {
	if before {
		return p.first > 0 && p.second == 0
	}
	return p.second > 0 && p.first == 0
}

func (t *Table) pair(a, b *stats) (p pairing) {
	for _, row := range t.Rows {
		x, y := cellOf(row, a.number), cellOf(row, b.number)
		switch {
		case x.Kind.IsIndicator() && y.Kind == Empty:
			p.first++
		case y.Kind.IsIndicator() && x.Kind == Empty:
			p.second++
		case x.Kind.IsIndicator() && y.Kind.IsIndicator():
			p.both++
			if sameHost(x.Host, y.Host) {
				p.same++
			}
		}
	}
	return p
}

// meet reports whether a row has cells in both columns.
func (t *Table) meet(a, b *stats) bool {
	for _, row := range t.Rows {
		if cellOf(row, a.number).Kind != Empty && cellOf(row, b.number).Kind != Empty {
			return true
		}
	}
	return false
}

func sameHost(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || len(b) > len(a) && b[len(b)-len(a):] == a && b[len(b)-len(a)-1] == '.'
}
