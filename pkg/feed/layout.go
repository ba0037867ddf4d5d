package feed

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

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
