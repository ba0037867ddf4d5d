package selection

import (
	"fmt"
	"strings"
)

// reason is why a record is skipped.
type reason int

// The reasons, in the order in which they are checked.
const (
	selected reason = iota
	otherTime
	undated
	otherVPC
	otherHost
	otherIndicator
	reasons
)

// Skipped counts skipped records by the first reason that applies.
type Skipped [reasons]int

// Add adds other counts.
func (s *Skipped) Add(other *Skipped) {
	for i, count := range other {
		s[i] += count
	}
}

// Total returns the number of skipped records.
func (s *Skipped) Total() (total int) {
	for _, count := range s {
		total += count
	}
	return total
}

// Unseen returns how many records were skipped because of their time, VPC or host.
func (s *Skipped) Unseen() int { return s.Total() - s[otherIndicator] }

// String returns the number of skipped records with the reasons, or "" if there are none.
func (s *Skipped) String() string {
	var parts []string
	for _, part := range []struct {
		reason reason
		words  string
	}{
		{otherTime, "at other times"},
		{undated, "without a readable time"},
		{otherVPC, "of other VPCs"},
		{otherHost, "of other hosts"},
		{otherIndicator, "without a match of --indicator"},
	} {
		if count := s[part.reason]; count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, part.words))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%d records skipped: %s", s.Total(), strings.Join(parts, ", "))
}
