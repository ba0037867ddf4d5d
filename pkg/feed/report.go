package feed

import "fmt"

// Report says what was read.
type Report struct {
	Format      Format
	Compression string // "gzip", "zstd", or empty
	InputBytes  int64  // as they came, as far as they were read
	Bytes       int64  // after decompression
	Lines       int

	Entries  int // = Accepted + Rejected + Skipped
	Accepted int
	Rejected int
	Skipped  int
	Skips    map[Skip]int // Skipped by reason

	Addresses int // accepted entries that are addresses or CIDR blocks
	Allowed   int // accepted entries that are allow entries
	// Expected is how many entries the list has by its own word, in a comment like
	// `# Entries: 1,904`; 0 if it does not say. Lists count in ways of their own.
	Expected int
}

// Skip is why a well-formed entry is no indicator.
type Skip uint8

// The reasons to skip an entry.
const (
	SkipPath            Skip = iota + 1 // a URL path without a host
	SkipURL                             // Adblock: a rule for some URLs of a host
	SkipRegex                           // Adblock: a regular expression
	SkipPattern                         // a wildcard within a name, or a part of a name
	SkipCosmetic                        // Adblock: hides parts of pages
	SkipNarrowed                        // a rule that holds for some clients, pages or types only
	SkipBadFilter                       // Adblock: cancels another rule, which still counts
	SkipRewrite                         // answers with a real address or another name
	SkipForward                         // sends queries to another server
	SkipDirective                       // configuration that lists no name
	SkipTrigger                         // RPZ: matches clients or name servers
	SkipAddressWildcard                 // `*.192.0.2.1`, which matches nothing
	SkipAddressAsName                   // an address where the format wants a name
	SkipHousekeeping                    // localhost and its like
	SkipOtherType                       // a file hash, a mail address and their like
	SkipNoValue                         // a row whose indicator columns are all empty
	SkipWithdrawn                       // deleted (MISP) or revoked (STIX) by its source
	SkipNotDetection                    // MISP: `to_ids` is false
	SkipObservation                     // STIX: a name or an address that no indicator speaks of
	SkipCondition                       // STIX: a pattern that asks for more than one value
	skipEnd
)

var skipWords = [skipEnd]string{
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
	SkipAddressAsName:   "address in the place of a name",
	SkipHousekeeping:    "localhost and its like",
	SkipOtherType:       "neither a name nor an address",
	SkipNoValue:         "row without an indicator",
	SkipWithdrawn:       "withdrawn by its source",
	SkipNotDetection:    "not meant for detection (to_ids is false)",
	SkipObservation:     "observed only, no indicator",
	SkipCondition:       "pattern with more conditions than one value",
}

// String returns the reason in words.
func (s Skip) String() string {
	if s == 0 || s >= skipEnd {
		return fmt.Sprintf("invalid(%d)", uint8(s))
	}
	return skipWords[s]
}

// MarshalText returns the reason in words, so that it can be a key in JSON.
func (s Skip) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// maxShownBytes bounds the text of an entry in errors and callbacks.
const maxShownBytes = 200

// LineError is a rejected entry.
type LineError struct {
	Line int    // from 1
	Text string // the entry as it stands, cut at 200 bytes
	Err  error
}

// Error says where, what and why. The text is quoted: it comes from anywhere.
func (e LineError) Error() string { return fmt.Sprintf("line %d: %q: %v", e.Line, e.Text, e.Err) }

// Unwrap returns the reason.
func (e LineError) Unwrap() error { return e.Err }

// SkippedLine is a skipped entry.
type SkippedLine struct {
	Line int    // from 1
	Text string // the entry as it stands, cut at 200 bytes
	Why  Skip
}

func shown(text []byte) string { return string(text[:min(len(text), maxShownBytes)]) }
