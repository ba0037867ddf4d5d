package feed

import (
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
)

// Report summarizes what was read.
type Report struct {
	Format      Format
	Compression string // "gzip", "zstd", or empty
	InputBytes  int64  // read from the input, before decompression
	Bytes       int64  // after decompression
	Lines       int

	Entries  int // = Accepted + Rejected + Skipped
	Accepted int
	Rejected int
	Skipped  int
	Skips    map[Skip]int // Skipped by reason

	Addresses int // accepted entries that are addresses or CIDR blocks
	Allowed   int // accepted entries that are allow entries
	// Expected is the number of entries that the list claims to have, in a comment like
	// `# Entries: 1,904`, or 0. It need not equal Entries, because lists count in
	// different ways.
	Expected int

	// Columns says how each column of a table, or each member of JSON objects, is read.
	Columns []column.Reading
	// Types counts entries that were skipped because their row names a type that is neither a
	// name nor an address. The keys are in lower case.
	Types map[string]int
}

// Skip is the reason why a well-formed entry is not an indicator.
type Skip uint8

// The reasons to skip an entry.
const (
	SkipPath            Skip = iota + 1 // a URL path without a host
	SkipURL                             // Adblock: a rule for some URLs of a host
	SkipRegex                           // a regular expression
	SkipPattern                         // a wildcard within a name, or part of a name
	SkipCosmetic                        // Adblock: a rule that hides parts of pages
	SkipNarrowed                        // a rule for some clients, pages or types only
	SkipBadFilter                       // Adblock: a rule that cancels another, which is kept
	SkipRewrite                         // an answer with a real address or another name
	SkipForward                         // an instruction to ask another server
	SkipDirective                       // configuration that does not list a name
	SkipTrigger                         // RPZ: a trigger on clients or name servers
	SkipAddressWildcard                 // `*.192.0.2.1`, which matches nothing
	SkipAddressAsName                   // an address where the format has a name
	SkipHousekeeping                    // localhost or a similar local name
	SkipOtherType                       // a file hash, a mail address or the like
	SkipNoValue                         // a row whose indicator columns are all empty
	SkipWithdrawn                       // deleted, revoked or dismissed by its source
	SkipNotDetection                    // MISP: `to_ids` is false
	SkipObservation                     // STIX: an observed name or address without an indicator
	SkipCondition                       // STIX: a pattern that needs more than one value
	SkipHarmless                        // STIX: benign or anomalous, by the types of the indicator
	SkipBlocked                         // JSON: blocked by the list of an allow feed
	SkipRedirectZone                    // unbound: a redirect zone, about which its data decide
	skipEnd
)

// skipTexts are shown in reports. They are also the keys of the reasons in JSON, so changing
// one changes the output.
var skipTexts = [skipEnd]string{
	SkipPath:            "URL path without a host",
	SkipURL:             "rule for some URLs of a host",
	SkipRegex:           "regular expression",
	SkipPattern:         "wildcard or part of a name",
	SkipCosmetic:        "cosmetic rule",
	SkipNarrowed:        "rule for some clients, pages or types only",
	SkipBadFilter:       "rule that cancels another",
	SkipRewrite:         "rewrite to a real address or another name",
	SkipForward:         "forward to another server",
	SkipDirective:       "configuration without a name",
	SkipTrigger:         "trigger on clients or name servers",
	SkipAddressWildcard: "wildcard over an address",
	SkipAddressAsName:   "address instead of a name",
	SkipHousekeeping:    "localhost or a similar local name",
	SkipOtherType:       "neither a name nor an address",
	SkipNoValue:         "row without an indicator",
	SkipWithdrawn:       "withdrawn by its source",
	SkipNotDetection:    "not meant for detection (to_ids is false)",
	SkipObservation:     "observed, but not an indicator",
	SkipCondition:       "pattern that needs more than one value",
	SkipBlocked:         "blocked by its list, but the feed is an allow feed",
	SkipHarmless:        "harmless or only unusual, by its source",
	SkipRedirectZone:    "redirect zone, its data decide",
}

// String returns the reason in words.
func (s Skip) String() string {
	if s == 0 || s >= skipEnd {
		return fmt.Sprintf("invalid(%d)", uint8(s))
	}
	return skipTexts[s]
}

// MarshalText returns the reason in words, which makes a Skip a key in JSON objects.
func (s Skip) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// maxShownBytes limits the text of an entry in errors and callbacks.
const maxShownBytes = 200

// LineError is a rejected entry.
type LineError struct {
	Line int    // from 1
	Text string // the entry as written, cut at 200 bytes
	Err  error
}

// Error returns the line, the text and the reason. The text is quoted, because it is
// untrusted input.
func (e LineError) Error() string { return fmt.Sprintf("line %d: %q: %v", e.Line, e.Text, e.Err) }

// Unwrap returns the reason.
func (e LineError) Unwrap() error { return e.Err }

// SkippedLine is a skipped entry.
type SkippedLine struct {
	Line int    // from 1
	Text string // the entry as written, cut at 200 bytes
	Why  Skip
}

func shown(text []byte) string { return string(text[:min(len(text), maxShownBytes)]) }
