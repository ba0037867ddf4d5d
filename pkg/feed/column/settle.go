package column

import (
	"fmt"
	"slices"
)

// narrow reduces the candidates to the columns that are read. Those with a known heading come
// first. Columns that never conflict, such as `domain` and `ip` in different rows, stay
// together: each row then has its indicator in one of them.
func (c *chooser) narrow(candidates []*stats) ([]*stats, error) {
	var headed, rest []*stats
	for _, s := range candidates {
		if s.isHeaded(hostLike) {
			headed = append(headed, s)
		} else {
			rest = append(rest, s)
		}
	}
	if len(headed) == 0 {
		headed, rest = rest, nil
	}
	if c.typeColumn >= 0 {
		headed = bestMatches(headed)
	}

	chosen, err := c.settleAll(headed)
	if err != nil {
		return nil, err
	}
	for _, other := range rest {
		if err := c.contradict(chosen, other); err != nil {
			return nil, err
		}
	}
	if err := c.distrust(chosen); err != nil {
		return nil, err
	}
	return c.addIdle(chosen), nil
}

// addIdle adds the columns with a heading of indicators that have none, if their cells are in
// rows of their own. Their rows are then counted as what they are, such as hashes.
func (c *chooser) addIdle(chosen []*stats) []*stats {
	for i := range c.columns {
		s := &c.columns[i]
		idle := s.role == None && s.heading.Role.IsIndicator() && s.filled > 0 && s.indicators() == 0
		if idle && !slices.ContainsFunc(chosen, func(other *stats) bool { return c.table.meet(s, other) }) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// bestMatches keeps the columns that fit the types of the rows nearly as well as the best one,
// and those that have no cells in such rows.
func bestMatches(candidates []*stats) []*stats {
	best := 0.0
	for _, s := range candidates {
		best = max(best, share(s.matches, s.typed))
	}
	return slices.DeleteFunc(slices.Clone(candidates), func(s *stats) bool {
		return s.typed > 0 && share(s.matches, s.typed) < 0.8*best
	})
}

// settleAll settles each pair of candidates and returns those that are left.
func (c *chooser) settleAll(candidates []*stats) ([]*stats, error) {
	for i := 0; i < len(candidates); i++ {
		for j := i + 1; j < len(candidates); j++ {
			lost, why, err := c.settle(candidates[i], candidates[j])
			if err != nil {
				return nil, err
			}
			if lost == nil {
				continue
			}
			lost.why = why
			candidates = slices.DeleteFunc(candidates, func(s *stats) bool { return s == lost })
			i = -1
			break
		}
	}
	return candidates, nil
}

// settle decides which of two columns is not read, if any. left is the first one in the rows.
func (c *chooser) settle(left, right *stats) (lost *stats, why string, err error) {
	p := c.table.pair(left, right)
	if p.both == 0 || 10*p.same >= 8*p.both {
		return nil, "", nil
	}
	switch {
	case left.isAddress() && right.isAddress():
		return c.fewerHosts(left, right)
	case left.isAddress():
		return c.settleAddress(left, right, true, p)
	case right.isAddress():
		return c.settleAddress(right, left, false, p)
	case left.isGenericBeside(right):
		return right, "a host, and another column has the indicators", nil
	case right.isGenericBeside(left):
		return left, "a host, and another column has the indicators", nil
	}
	return c.fewerHosts(left, right)
}

func (s *stats) isAddress() bool {
	return s.heading.Role == Address || s.heading.Role != Name && s.isMostly(IP) || 2*s.kinds[IP] > s.indicators()
}

func (s *stats) isURL() bool { return s.heading.Role == URL || 2*s.kinds[Link] > s.indicators() }

// isGenericBeside reports whether s holds indicators of any type and other only hosts, which
// are then the sensors or the machines that saw the indicators.
func (s *stats) isGenericBeside(other *stats) bool {
	return s.heading.Role == Name && s.heading.strength == generic &&
		other.heading.Role == Name && other.heading.strength == hostLike && s.distinct >= other.distinct
}

// settleAddress decides between an address and a name or URL in the same rows. before says that
// the address comes first in them.
//
// A row that begins with a name says where it pointed. A row that begins with an address says
// what its name is, and that name belongs to a provider as often as not.
func (c *chooser) settleAddress(address, other *stats, before bool, p pairing) (*stats, string, error) {
	const reverse = "the rows are about addresses; this may be the name that the provider gave them"
	h := other.heading
	switch {
	case other.isURL() && h.Role == URL:
		if before && 2*other.distinct <= address.distinct {
			return other, "it repeats a few hosts", nil
		}
		if !address.heading.Role.IsIndicator() { // numbers of versions look like addresses too
			return address, "another column is read", nil
		}
		return nil, "", nil
	case !h.Role.IsIndicator() || h.strength == vague:
		return c.fewerHosts(other, address)
	case h.strength == hostLike && p.lacks(before) && 5*address.filled >= 4*c.rows:
		return other, reverse, nil
	case !before:
		return nil, "", nil
	case h.strength == hostLike, p.first > 0:
		return other, reverse, nil
	case p.second > 0: // the rows are about names, some of which do not resolve
		return nil, "", nil
	}
	lost, why, err := c.fewerHosts(address, other)
	if lost == address { // names with few addresses: the addresses still count in rows without a name
		return nil, "", err
	}
	return lost, why, err
}

// fewerHosts drops the column that repeats a few hosts while the other one has many: what is
// repeated is where something can be read, who has reported it, or whom it imitates.
func (c *chooser) fewerHosts(a, b *stats) (*stats, string, error) {
	const why = "it repeats a few hosts"
	switch {
	case 2*a.distinct <= b.distinct:
		return a, why, nil
	case 2*b.distinct <= a.distinct:
		return b, why, nil
	}
	return nil, "", c.unclear("", a, b)
}

// contradict returns an error if a column without a known heading has a better claim than the
// chosen ones: more hosts than a URL column, or names in front of addresses.
func (c *chooser) contradict(chosen []*stats, other *stats) error {
	for _, s := range chosen {
		p := c.table.pair(s, other)
		if p.both == 0 || 10*p.same >= 8*p.both {
			return nil
		}
	}
	s := chosen[0]
	switch {
	case len(chosen) > 1 || other.isAddress() || c.typeColumn >= 0:
		return nil
	case s.isURL() && 2*s.distinct <= other.distinct,
		s.isAddress() && other.number < s.number && 2*other.distinct > s.distinct:
		return c.unclear("", other, s)
	}
	return nil
}

// twoClasses returns a column that parts the rows in two by 0 and 1, or nil. Data sets for training
// have one, under headings such as label. In some of them 1 is malicious, in others 0.
func (c *chooser) twoClasses() *stats {
	for i := range c.columns {
		s := &c.columns[i]
		counts := map[string]int{}
		for _, row := range c.table.Rows {
			counts[cellOf(row, i).Text]++
		}
		if s.role == Status && counts["0"] > 0 && counts["1"] > 0 && counts["0"]+counts["1"] == s.filled {
			return s
		}
	}
	return nil
}

// distrust returns an error if the rows are of two unknown classes, or if the only column with
// names looks like one of references: its URLs are all at a few hosts, or the rows are about files.
func (c *chooser) distrust(chosen []*stats) error {
	if s := c.twoClasses(); s != nil {
		return c.unclear(fmt.Sprintf("column %q has 0 and 1, and it is not known which of them is malicious; "+
			"remove the harmless rows and this column, or take all rows", s.title), chosen...)
	}
	if len(chosen) != 1 || c.typeColumn >= 0 {
		return nil
	}
	s := chosen[0]
	headed := s.isHeaded(hostLike)
	few := s.isURL() && s.indicators() > 1 && (s.distinct == 1 || s.indicators() >= 10 && s.spread() <= 0.2)
	files := c.filesBefore(s)
	switch {
	case few && (files || s.number > 0 && (!headed || s.distinct == 1 && s.indicators() > 2 && !c.rates())):
		return c.unclear(fmt.Sprintf("different hosts in %d URLs: %d, so they may be references", s.indicators(), s.distinct), s)
	case files && !headed:
		return c.unclear("the rows are about files, so the names may be where they are described", s)
	}
	return nil
}

// rates reports whether a column says something about indicators that a list of articles does
// not say.
func (c *chooser) rates() bool {
	ratings := []Role{Type, Category, Severity, Confidence, Detection, Status, Active, Expires}
	return slices.ContainsFunc(c.columns, func(s stats) bool { return slices.Contains(ratings, s.role) })
}

// filesBefore reports whether a column of hashes comes before a column.
func (c *chooser) filesBefore(s *stats) bool {
	return slices.ContainsFunc(c.columns[:s.number], func(before stats) bool { return before.isMostly(Hash) })
}

// unclear returns an error that shows the readings by each of the columns.
func (c *chooser) unclear(why string, candidates ...*stats) error {
	slices.SortFunc(candidates, func(a, b *stats) int { return a.number - b.number })
	err := &UnclearError{why: why}
	for _, s := range candidates {
		shown := candidate{column: s.number + 1, heading: s.title}
		if c.table.Members {
			shown.column = 0
		}
		for _, row := range c.table.Rows {
			if cell := cellOf(row, s.number); cell.Kind.IsIndicator() && len(shown.values) < shownValues {
				shown.values = append(shown.values, cell.Text)
			}
		}
		err.readings = append(err.readings, shown)
	}
	return err
}

// shownValues is how many values of each column an error shows.
const shownValues = 2
