package column

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Plan says how the columns of a list are read.
type Plan struct {
	Roles    []Role // by column
	Ranks    []int  // by column: of several with the same role, the lowest with a value counts
	Readings []Reading
	Named    bool // the user has named the column
}

// NoneError is returned by [Choose] if no column can hold the indicators. Titles are what the
// user could name.
type NoneError struct {
	Named  string // what the user has named, or empty
	titles []string
}

// Error says which columns there are.
func (e *NoneError) Error() string {
	const most = 20
	quoted := make([]string, 0, most)
	for _, title := range e.titles[:min(len(e.titles), most)] {
		quoted = append(quoted, strconv.Quote(title))
	}
	list := strings.Join(quoted, ", ")
	if e.Named == "" {
		return "the first row is " + list
	}
	return fmt.Sprintf("%q is not among %s", e.Named, list)
}

// maxShownValue is the length to which an error cuts a value.
const maxShownValue = 60

// UnclearError is returned by [Choose] if it would have to guess. Each of readings is one
// column that could hold the indicators, with its first values.
type UnclearError struct {
	why      string // or empty, if the readings say it all
	readings []candidate
}

// candidate is a column that could hold the indicators.
type candidate struct {
	column  int // from 1; 0 for a member
	heading string
	values  []string
}

// flag returns the value of `--column` that chooses the candidate.
func (c *candidate) flag() string {
	if c.column == 0 || c.heading != "" {
		return c.heading
	}
	return strconv.Itoa(c.column)
}

// Error shows each reading on the first rows, and the flag for it.
func (e *UnclearError) Error() string {
	parts := make([]string, 0, len(e.readings))
	for _, c := range e.readings {
		values := make([]string, len(c.values))
		for i, value := range c.values {
			values[i] = strconv.Quote(value[:min(len(value), maxShownValue)])
		}
		parts = append(parts, fmt.Sprintf("`--column %s` lists %s", quoteFlag(c.flag()), strings.Join(values, ", ")))
	}
	if e.why != "" {
		return e.why + ": " + strings.Join(parts, "; ")
	}
	return strings.Join(parts, "; ")
}

// quoteFlag quotes a heading that a shell would split.
func quoteFlag(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r == ' ' || r == '#' || r == '\'' || r == '&' || r == '|' || r == ';' }) {
		return strconv.Quote(text)
	}
	return text
}

// Choose decides how the columns of a table are read. named is the heading or the number of
// the column that the user wants, or empty.
func Choose(t *Table, named string) (*Plan, error) {
	c := &chooser{table: t, columns: t.measure(), typeColumn: -1, best: map[Role]int{}}
	for _, row := range t.Rows {
		if slices.ContainsFunc(row, func(cell Cell) bool { return cell.Kind != Empty }) {
			c.rows++
		}
	}
	c.assignHeadings()
	if named != "" {
		return c.chooseNamed(named)
	}
	c.findType()

	candidates := c.candidates()
	if len(candidates) == 0 {
		return c.withoutCandidates()
	}
	chosen, err := c.narrow(candidates)
	if err != nil {
		return nil, err
	}
	return c.plan(chosen), nil
}

// chooser decides about one table.
type chooser struct {
	table      *Table
	columns    []stats
	rows       int          // that are not blank
	typeColumn int          // or -1
	best       map[Role]int // the columns with the preferred headings
}

// assignHeadings gives the columns the roles of their headings, except for those of indicators.
// If several columns have the same role, the preferred heading counts. Flags all count, and so do
// references, because none of them is read as an indicator.
func (c *chooser) assignHeadings() {
	best := c.best
	for i := range c.columns {
		role := c.columns[i].heading.Role
		if role.IsIndicator() || role == None {
			continue
		}
		c.columns[i].role, c.columns[i].why = role, "by its heading"
		if old, found := best[role]; found && c.columns[old].heading.Rank <= c.columns[i].heading.Rank {
			continue
		}
		best[role] = i
	}
	if i, found := best[Type]; found && c.isTypeColumn(&c.columns[i], false) {
		c.typeColumn = i
	}
	for i := range c.columns {
		s := &c.columns[i]
		if s.role == Type && i != c.typeColumn && (best[Type] != i || s.filled > 0) {
			s.role, s.why = Category, "its cells are not types of indicators"
			if _, found := best[Category]; !found {
				best[Category] = i
			}
		}
	}
}

// isTypeColumn reports whether the cells of a column are names of types. A heading that says so
// needs one such cell; without it most cells must be, and one of an indicator among them.
func (c *chooser) isTypeColumn(s *stats, strict bool) bool {
	switch {
	case !strict:
		return s.types > 0
	case s.indicators() > 0 || 2*s.filled < c.rows, s.isHeaded(definite):
		return false
	case s.heading.Role == Name && s.heading.strength == generic:
		return s.types > 0 && 2*s.types >= s.filled
	}
	return s.valid > 0 && 10*s.types >= 6*s.filled
}

// findType looks for a column whose cells are names of types, whatever its heading says.
func (c *chooser) findType() {
	for i := range c.columns {
		s := &c.columns[i]
		if c.typeColumn >= 0 {
			break
		}
		if (s.role == None || s.role == Category) && c.isTypeColumn(s, true) {
			c.typeColumn = i
			s.role, s.why = Type, "its cells are types of indicators"
		}
	}
	if c.typeColumn < 0 {
		return
	}
	for i := range c.columns {
		c.table.match(&c.columns[i], c.typeColumn)
	}
}

// candidates returns the columns that could hold the indicators.
func (c *chooser) candidates() (found []*stats) {
	for i := range c.columns {
		s := &c.columns[i]
		switch {
		case s.role != None:
		case s.filled > 0 && s.types == s.filled && s.indicators() == 0 && !s.isHeaded(definite): // types, in a column without that heading
		case c.typeColumn >= 0 && s.typed > 0:
			if 2*s.matches >= s.typed {
				found = append(found, s)
			}
		case s.isMostlyIndicators():
			found = append(found, s)
		case s.looksLikeFiles():
			s.why = "its cells look like names of files"
		}
	}
	return found
}

// isHeaded reports whether the heading is one of indicators, and at least as strong as least.
func (s *stats) isHeaded(least strength) bool {
	return s.heading.Role.IsIndicator() && s.heading.strength >= least
}

func (s *stats) isMostlyIndicators() bool {
	if s.isHeaded(definite) {
		return s.indicators() > 0 && 5*s.indicators() >= s.eligible()
	}
	return s.indicators() > 0 && 2*s.indicators() >= s.eligible() && !s.looksLikeFiles()
}

// withoutCandidates handles a table in which no column has indicators. It follows the headings
// that say where they would be, so that the report counts the rows as what they are.
func (c *chooser) withoutCandidates() (*Plan, error) {
	var chosen []*stats
	for i := range c.columns {
		s := &c.columns[i]
		if s.role == None && s.heading.Role.IsIndicator() && (s.kinds[File] == 0 || s.isHeaded(definite)) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) > 0 {
		return c.plan(chosen), nil
	}
	return nil, &NoneError{titles: c.titles()}
}

// titles returns what the user could name: the headings, or the cells of the first row.
func (c *chooser) titles() (titles []string) {
	if c.table.Titles != nil || len(c.table.Rows) == 0 {
		return c.table.Titles
	}
	for _, cell := range c.table.Rows[0] {
		titles = append(titles, cell.Text)
	}
	return titles
}

// chooseNamed reads the indicators from the column that the user has named.
func (c *chooser) chooseNamed(named string) (*Plan, error) {
	at := -1
	for i := range c.columns {
		if title := c.columns[i].title; title == named || at < 0 && title != "" && SameHeading(title, named) {
			at = i
		}
	}
	if number, err := strconv.Atoi(named); at < 0 && err == nil && !c.table.Members && 1 <= number && number <= len(c.columns) {
		at = number - 1
	}
	if at < 0 {
		return nil, &NoneError{Named: named, titles: c.titles()}
	}
	s := &c.columns[at]
	if c.typeColumn == at {
		c.typeColumn = -1
	}
	plan := c.plan([]*stats{s})
	if !s.heading.Role.IsIndicator() {
		plan.Roles[at] = Name
	}
	plan.Readings[at] = c.reading(s, plan.Roles[at], "named by the settings")
	plan.Named = true
	return plan, nil
}

// plan reads the chosen columns as indicators.
func (c *chooser) plan(chosen []*stats) *Plan {
	p := &Plan{Roles: make([]Role, len(c.columns)), Ranks: make([]int, len(c.columns))}
	for i := range c.columns {
		s := &c.columns[i]
		role, why := s.role, s.why
		switch {
		case slices.Contains(chosen, s):
			role, why = c.roleOf(s)
		case role == None && s.indicators() > 0 && why == "":
			why = "another column is read"
		case role == Context && s.indicators() == 0:
			why = "" // nobody would take it for the indicators
		}
		p.Roles[i], p.Ranks[i] = role, s.heading.Rank
		if describes(role) && !c.table.Members && c.best[role] != i {
			p.Roles[i] = None
		}
		p.Readings = append(p.Readings, c.reading(s, role, why))
	}
	return p
}

// describes reports whether a table has one column for a role, which counts even where it is
// empty. Flags may have several columns, and any of them can dismiss a row.
func describes(role Role) bool {
	return slices.Contains([]Role{Path, Category, Severity, Confidence, Reference, FirstSeen, Expires}, role)
}

func (c *chooser) reading(s *stats, role Role, why string) Reading {
	r := Reading{Column: s.number + 1, Heading: s.title, As: role.String(), Why: why}
	if c.table.Members {
		r.Column = 0
	}
	return r
}

// roleOf returns how a chosen column is read: by its heading, or by what its cells are.
func (c *chooser) roleOf(s *stats) (Role, string) {
	if role := s.heading.Role; role.IsIndicator() {
		return role, "by its heading"
	}
	why := "by its cells"
	if c.typeColumn >= 0 && s.typed > 0 {
		why = "its cells fit the types"
	}
	switch s.indicators() {
	case s.kinds[Link]:
		return URL, why
	case s.kinds[IP]:
		return Address, why
	}
	return Name, why
}
