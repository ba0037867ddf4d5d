package feed

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	// maxReferenceBytes bounds a reference; longer ones are left out.
	maxReferenceBytes = 1 << 10
	// maxCategories bounds how many categories of a list are remembered.
	maxCategories = 1 << 10
)

// describe sets what a row says about its indicator, over the defaults. What cannot
// be understood is left out: an entry with an odd date still lists a bad name.
func (c *collector) describe(row *cells) {
	c.entry.Category, c.entry.Severity, c.entry.Confidence = c.base.Category, c.base.Severity, c.base.Confidence
	if category := row[roleCategory]; !isNothing(category) {
		c.entry.Category = c.categories.of(category)
	}
	if text := row[roleSeverity]; len(text) > 0 {
		if severity, err := indicator.ParseSeverity(string(text)); err == nil {
			c.entry.Severity = severity
		}
	}
	if text := row[roleConfidence]; len(text) > 0 {
		if confidence, err := indicator.ParseConfidence(string(text)); err == nil {
			c.entry.Confidence = confidence
		}
	}
	c.entry.Reference = ""
	if text := row[roleReference]; !isNothing(text) && len(text) <= maxReferenceBytes {
		c.entry.Reference = c.strings.keep(text)
	}
	c.entry.FirstSeen = c.clock.parse(row[roleFirstSeen])
	c.entry.ExpiresAt = c.clock.parse(row[roleExpires])
}

// categories makes each category of a list once: lists have few, and rows of one
// stand together.
type categories struct {
	known        map[string]indicator.Category
	last         []byte
	lastCategory indicator.Category
}

func (k *categories) of(text []byte) indicator.Category {
	if bytes.Equal(text, k.last) {
		return k.lastCategory
	}
	category, found := k.known[string(text)]
	if !found {
		category = indicator.NewCategory(string(text))
		if len(k.known) < maxCategories {
			k.known[string(text)] = category
		}
	}
	k.last, k.lastCategory = append(k.last[:0], text...), category
	return category
}

// isNothing reports whether a cell is empty in one of the ways that exports have.
func isNothing(cell []byte) bool {
	switch len(cell) {
	case 0:
		return true
	case len("-"):
		return cell[0] == '-'
	case len("none"):
		return bytes.EqualFold(cell, []byte("none")) || bytes.EqualFold(cell, []byte("null"))
	}
	return false
}
