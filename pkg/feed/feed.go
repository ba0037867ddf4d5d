// Package feed reads lists of malicious names and addresses: list bytes in,
// indicators and line errors out. It reads as a stream, in memory that does not grow
// with the list.
//
// # Entries
//
// Every candidate of a list is one entry, and every entry is accepted, rejected or
// skipped: Accepted + Rejected + Skipped = Entries. Comments, blank lines, headings
// and structure (`$TTL`, SOA, `server:`) are no entries. Rejected is what should be a
// name or an address and is none. Skipped is what is well formed and says something
// that cannot be said about a name or an address, or that must not be widened to
// one; each [Skip] is counted. Repeats are emitted as they come.
//
// # Names, scopes and addresses
//
// Names go through [domainname.Parse]: UTS 46 for Unicode, lower case, no final dot,
// underscores kept. The scope of a name follows from the format:
//
//   - plain, wildcard, CSV, JSON, MISP, STIX: the name and everything under it; `*.x`
//     and `.x` mean the same as `x`. A host cut out of a URL, of `host:port` or of `host/path`
//     stands for itself alone, since the list names less than the whole host.
//   - MISP warninglists: of type hostname the name and everything under it, of type
//     string the name alone. Those that match parts of names are refused.
//   - hosts: the name alone.
//   - Adblock: `||x^` the name and everything under it, `||*.x^` what is under it,
//     `|x^`, `://x^` and a bare `x` the name alone.
//   - dnsmasq, unbound, BIND: the zone, that is the name and everything under it.
//   - RPZ: `x` the name alone, `*.x` what is under it.
//
// [Options].Scope replaces all of these. Addresses and CIDR blocks are indicators of
// their own in plain, wildcard, CSV, JSON, MISP and STIX lists, in Adblock host rules and
// in RPZ `rpz-ip` triggers. Where a server would look for a name (second column of hosts
// files, owner names of dnsmasq, unbound, BIND, RPZ) an address has no effect, so it
// is skipped, and so is a wildcard over an address. IPv4 octets with a leading zero
// are rejected: readers disagree whether they are octal. IPv4 in IPv6 is unmapped,
// host bits of a block are cleared.
//
// # Blocks, exceptions and rewrites
//
// An entry that answers with the unspecified, a loopback or another address that
// leads nowhere is a block. One that answers with a real address or another name is
// a rewrite, and one that names a server to ask is a forward: both are skipped,
// because lists for safe search and split DNS look exactly so. `@@` rules and
// `rpz-passthru.` are allow entries of the list they stand in.
//
// # Whole or not at all
//
// A list that cannot be read to its end is refused with a [*RefusedError]: what was
// emitted before must be thrown away. That holds for a truncated archive after a
// million good lines as for a web page instead of a list.
package feed

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Parse reads a whole list and calls emit for every accepted entry, in the order of
// the list. r may be gzip (any number of members) or zstd.
//
// emit gets the same Indicator each time: it must not keep or change it, while the
// strings in it stay valid. An error of emit ends the parse and is returned as it
// is. A list that is refused as a whole is a [*RefusedError] over one of the
// sentinels of this package. The report is of what was read until then.
func Parse(r io.Reader, o Options, emit func(*indicator.Indicator) error) (Report, error) {
	if err := o.validate(); err != nil {
		return Report{}, err
	}
	c := newCollector(o, emit)
	source, err := open(r, o.Limits.withDefaults())
	if err != nil {
		return Report{Format: o.Format}, err
	}
	defer source.Close()
	format, err := c.read(source)
	return c.report(format, source), err
}

// read finds out the format and reads the list.
func (c *collector) read(source *source) (Format, error) {
	in := newWindow(source)
	head, err := in.head()
	if err != nil {
		return c.options.Format, err
	}
	wanted := c.options.Format
	if wanted == "" && c.options.Column != "" { // nothing else has columns
		wanted = CSV
		if looksLikeJSON(head) {
			wanted = JSON
		}
	}
	format, err := choose(head, wanted, source.compression != "")
	if err != nil {
		return format, err
	}
	switch format {
	case JSON:
		err = readJSON(in, c)
	case MISP:
		err = readMISP(in, c)
	case STIX:
		err = readSTIX(in, c)
	default:
		err = readLines(in, c, newLineReader(format, c.options))
	}
	if err == nil && c.counts.entries == 0 {
		err = refuse(ErrEmpty, 0, "")
	}
	return format, err
}

// lineReader reads one format whose entries stand on lines. Problems go to the
// collector; end is called after the last line.
type lineReader interface {
	line(c *collector, text []byte)
	end(c *collector)
}

func newLineReader(format Format, o Options) lineReader {
	switch format {
	case Hosts:
		return &hostsReader{}
	case Adblock:
		return &adblockReader{}
	case Dnsmasq:
		return dnsmasqReader{}
	case Unbound:
		return &unboundReader{}
	case BIND:
		return &bindReader{}
	case RPZ:
		return &rpzReader{}
	case CSV:
		return newCSVReader(o.Column, o.Limits.withDefaults().LineBytes)
	default:
		return plainReader{}
	}
}

func readLines(in *window, c *collector, reader lineReader) error {
	limit := c.options.Limits.withDefaults().LineBytes
	for {
		line, ok, err := in.line(limit)
		if err != nil {
			return atLine(err, c.line+1)
		}
		if !ok {
			break
		}
		c.line++
		if expected := expectedEntries(line); expected > 0 {
			c.counts.expected = expected
		}
		reader.line(c, line)
		if c.err != nil {
			return c.err
		}
	}
	reader.end(c)
	return c.err
}

// Format is how a list is written.
type Format string

// The formats. Plain is one name, address, CIDR block or URL a line; Wildcard is
// Plain written as `*.x`, read alike; JSON includes one JSON value a line. MISP is what
// MISP exports and its warninglists, STIX is STIX 2.
const (
	Plain    Format = "plain"
	Hosts    Format = "hosts"
	Adblock  Format = "adblock"
	Dnsmasq  Format = "dnsmasq"
	Unbound  Format = "unbound"
	BIND     Format = "bind"
	RPZ      Format = "rpz"
	Wildcard Format = "wildcard"
	CSV      Format = "csv"
	JSON     Format = "json"
	MISP     Format = "misp"
	STIX     Format = "stix"
)

// Formats returns all formats, in the order of the documentation.
func Formats() []Format {
	return []Format{Plain, Hosts, Adblock, Dnsmasq, Unbound, BIND, RPZ, Wildcard, CSV, JSON, MISP, STIX}
}

// ParseFormat reads the name of a format. The empty text is the empty Format, which
// means that the content decides.
func ParseFormat(text string) (Format, error) {
	format := Format(text)
	if text != "" && !slices.Contains(Formats(), format) {
		return "", fmt.Errorf("format %q: must be one of %s", text, joinFormats())
	}
	return format, nil
}

// isJSON reports whether lists of the format are JSON.
func (f Format) isJSON() bool { return f == JSON || f == MISP || f == STIX }

func joinFormats() string {
	var names []string
	for _, format := range Formats() {
		names = append(names, string(format))
	}
	return strings.Join(names, ", ")
}

// Limits of one list, unless [Limits] says otherwise.
const (
	DefaultInputBytes    = 256 << 20 // as it comes, compressed or not
	DefaultExpandedBytes = 1 << 30   // after decompression
	DefaultRatio         = 100       // of expanded to compressed bytes
	DefaultLineBytes     = 4 << 10   // a line; real lists stay under 3,100
)

// Limits bound what a list may cost to read. They hold while it is read, so a list
// that passes one is refused without reading the rest.
type Limits struct {
	// InputBytes bounds the list as it comes.
	//
	// Default: [DefaultInputBytes].
	InputBytes int64
	// ExpandedBytes bounds the list after decompression.
	//
	// Default: [DefaultExpandedBytes].
	ExpandedBytes int64
	// Ratio bounds how many times larger a list becomes by decompression. Its first
	// MiB is free, because short repetitive lists compress like bombs.
	//
	// Default: [DefaultRatio].
	Ratio int64
	// LineBytes bounds a line in all formats but JSON, whose values have bounds of
	// their own: 1 MiB, 64 levels.
	//
	// Default: [DefaultLineBytes].
	LineBytes int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		InputBytes:    orDefault(l.InputBytes, DefaultInputBytes),
		ExpandedBytes: orDefault(l.ExpandedBytes, DefaultExpandedBytes),
		Ratio:         orDefault(l.Ratio, DefaultRatio),
		LineBytes:     orDefault(l.LineBytes, DefaultLineBytes),
	}
}

func orDefault[T int | int64](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}

// Options say how to read a list. The zero Options read any list by its content.
type Options struct {
	// Format of the list.
	//
	// Default: found by looking at the content, never at a file name; a table or JSON
	// if Column is set.
	Format Format
	// Scope of every name, whatever its format or its form says.
	//
	// Default: see the package documentation.
	Scope indicator.Scope
	// Action of every entry; [indicator.ActionAllow] makes the list an allow feed.
	//
	// Default: block, but for the exceptions that a list marks as such.
	Action indicator.Action
	// Column holds the indicators of a CSV or JSON list: its heading in any case, the
	// name of the JSON member, or the number of the column counted from 1.
	//
	// Default: found by well-known headings; without any, by the first row.
	Column string
	// Registrable cuts block entries to their registrable domain by the public suffix
	// list, private section included; a public suffix itself is rejected. The scope is
	// then subtree unless Scope says otherwise. Allow entries stay, since cutting them
	// would widen what they veto.
	Registrable bool
	// Category, Severity and Confidence are of entries that have none of their own.
	//
	// Default: none, [indicator.DefaultSeverity], [indicator.DefaultConfidence].
	Category   indicator.Category
	Severity   indicator.Severity
	Confidence *indicator.Confidence
	// OnReject and OnSkip are called for every entry that is not accepted, between
	// the calls of emit. Rejected and skipped entries are counted anyway.
	OnReject func(LineError)
	OnSkip   func(SkippedLine)
	// Line, unless nil, is set to the number of the current line, from 1, before emit
	// is called.
	Line *int
	// Limits of the list.
	//
	// Default: those of each field.
	Limits Limits
}

func (o *Options) validate() error {
	var problems []error
	if _, err := ParseFormat(string(o.Format)); err != nil {
		problems = append(problems, err)
	}
	if o.Scope > indicator.ScopeUnder {
		problems = append(problems, fmt.Errorf("scope %v: must be name, subtree or under", o.Scope))
	}
	if o.Action > indicator.ActionAllow {
		problems = append(problems, fmt.Errorf("action %v: must be block or allow", o.Action))
	}
	if o.Column != "" && o.Format != "" && o.Format != CSV && o.Format != JSON {
		problems = append(problems, fmt.Errorf("column %q: a %s list has no columns", o.Column, o.Format))
	}
	return errors.Join(problems...)
}
