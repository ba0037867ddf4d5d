package settings

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Guards are the thresholds that keep an upload from replacing a good list. Each
// pair must be exceeded together: a percentage alone would refuse tiny lists for
// nothing, a count alone would refuse large ones.
type Guards struct {
	// MinValidPercent of the entries must be readable, from MinValidEntries on.
	// Comments, blank lines and kinds that no DNS log can show do not count.
	MinValidPercent float64 `json:"minValidPercent"`
	MinValidEntries int     `json:"minValidEntries"`
	// ShrinkPercent and ShrinkEntries are how much of the accepted list may be gone.
	ShrinkPercent float64 `json:"shrinkPercent"`
	ShrinkEntries int     `json:"shrinkEntries"`
	// GrowthPercent is how much larger a list may be than the accepted one, once it
	// has more than GrowthEntries.
	GrowthPercent float64 `json:"growthPercent"`
	GrowthEntries int     `json:"growthEntries"`
	// SuffixPercent and SuffixEntries are how many public suffixes are dropped before
	// the whole list is refused.
	SuffixPercent float64 `json:"suffixPercent"`
	SuffixEntries int     `json:"suffixEntries"`
	// ExpectedPercent is how many of the entries that a list says it has must be there.
	// Lists count in ways of their own; one that was cut off falls far below.
	ExpectedPercent float64 `json:"expectedPercent"`
	// MaxListBytes bounds an upload as it lies in the bucket, MaxExpandedBytes after
	// decompression, MaxRatio how many times larger it becomes by that.
	MaxListBytes     int64 `json:"maxListBytes"`
	MaxExpandedBytes int64 `json:"maxExpandedBytes"`
	MaxRatio         int64 `json:"maxRatio"`
	// MaxLineBytes bounds a line of every format but JSON.
	MaxLineBytes int `json:"maxLineBytes"`
	// TopListRanks is how many names of the top list, if there is one, are protected.
	TopListRanks int `json:"topListRanks"`
	// MinPrefixIPv4 and MinPrefixIPv6 are the widest CIDR blocks, in bits.
	MinPrefixIPv4 int `json:"minPrefixIPv4"`
	MinPrefixIPv6 int `json:"minPrefixIPv6"`
}

// DefaultGuards returns the thresholds of a deployment that sets none.
func DefaultGuards() Guards {
	return Guards{
		MinValidPercent:  95,
		MinValidEntries:  20,
		ShrinkPercent:    20,
		ShrinkEntries:    1_000,
		GrowthPercent:    100,
		GrowthEntries:    10_000,
		SuffixPercent:    1,
		SuffixEntries:    5,
		ExpectedPercent:  90,
		MaxListBytes:     256 << 20,
		MaxExpandedBytes: 1 << 30,
		MaxRatio:         100,
		MaxLineBytes:     4 << 10,
		TopListRanks:     10_000,
		MinPrefixIPv4:    16,
		MinPrefixIPv6:    32,
	}
}

// DecodeGuards reads a JSON object with the thresholds that differ from the
// defaults. A member that is no threshold is an error.
func DecodeGuards(text []byte) (Guards, error) {
	guards := DefaultGuards()
	if err := checkMembers(text, guards); err != nil {
		return guards, err
	}
	if err := json.Unmarshal(text, &guards); err != nil {
		return guards, fmt.Errorf("decoding guards: %w", err)
	}
	return guards, guards.validate()
}

// maxLineBytes is the longest line that any setting allows; a line is kept in memory.
const maxLineBytes = 1 << 20

func (g Guards) validate() error {
	const unbounded = 0
	var problems []error
	for _, bound := range []struct {
		name       string
		value, max float64
	}{
		{"minValidPercent", g.MinValidPercent, 100},
		{"minValidEntries", float64(g.MinValidEntries), unbounded},
		{"shrinkPercent", g.ShrinkPercent, 100},
		{"shrinkEntries", float64(g.ShrinkEntries), unbounded},
		{"growthPercent", g.GrowthPercent, unbounded},
		{"growthEntries", float64(g.GrowthEntries), unbounded},
		{"suffixPercent", g.SuffixPercent, 100},
		{"suffixEntries", float64(g.SuffixEntries), unbounded},
		{"expectedPercent", g.ExpectedPercent, 100},
		{"maxListBytes", float64(g.MaxListBytes), unbounded},
		{"maxExpandedBytes", float64(g.MaxExpandedBytes), unbounded},
		{"maxRatio", float64(g.MaxRatio), unbounded},
		{"maxLineBytes", float64(g.MaxLineBytes), maxLineBytes},
		{"topListRanks", float64(g.TopListRanks), unbounded},
		{"minPrefixIPv4", float64(g.MinPrefixIPv4), 32},
		{"minPrefixIPv6", float64(g.MinPrefixIPv6), 128},
	} {
		switch {
		case bound.value < 0:
			problems = append(problems, fmt.Errorf("%s %v: must be 0 or more", bound.name, bound.value))
		case bound.max != unbounded && bound.value > bound.max:
			problems = append(problems, fmt.Errorf("%s %v: must be at most %v", bound.name, bound.value, bound.max))
		}
	}
	return errors.Join(problems...)
}
