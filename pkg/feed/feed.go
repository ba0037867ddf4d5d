// Package feed reads lists of malicious names and addresses. The bytes of a list go in,
// in any of the formats below and as text, gzip or zstd; indicators come out, with a
// report and with an error for each line that could not be used. Lists are read as a
// stream, so memory does not grow with the list.
//
// Start with [Parse]. The zero [Options] detect the format from the content. Use [Detect]
// to look at the start of a list without reading it.
//
// # Rules for callers
//
//   - A list counts as a whole or not at all. If Parse returns an error, discard everything
//     that it has emitted: half a list is a different list. A truncated archive is refused
//     even after a million good lines, and so is a web page that was downloaded instead of
//     a list. Such an error is a [*RefusedError], which also says what to do about it.
//   - The emit function gets the same Indicator each time. Copy the struct to keep it. Its
//     strings stay valid.
//   - Repeated entries are emitted each time; the caller merges them. The caller also
//     decides whether a name may be listed: Parse accepts a top-level domain.
//   - Do not go by file names. Lists of every format are published as `.txt`.
//
// # Entries
//
// Every candidate in a list is one entry, and every entry is accepted, rejected or
// skipped: Accepted + Rejected + Skipped = Entries. Comments, blank lines, headings and
// structure (`$TTL`, SOA, `server:`) are not entries. An entry is rejected if it should be
// a name or an address but is malformed. An entry is skipped if it is well formed but says
// something that a name or an address cannot express, or that would list more than it
// means. A [Skip] is the reason, and the report counts each of them.
//
// # Names, scopes and addresses
//
// Names go through [domainname.Parse]: Unicode is converted by UTS 46, letters become
// lower case, a final dot is dropped, underscores are kept. The scope of a name depends on
// the format:
//
//   - plain, wildcard, CSV, JSON, MISP, STIX: the name and everything under it; `*.x` and
//     `.x` mean the same as `x`. The host of a URL, of `host:port` or of `host/path` is
//     listed as that name alone, because the list means less than the whole host.
//   - MISP warninglists: the name and everything under it for type hostname, the name alone
//     for type string. Warninglists that match parts of names are refused.
//   - hosts: the name alone.
//   - Adblock: `||x^` is the name and everything under it, `||*.x^` everything under it,
//     and `|x^`, `://x^` and a bare `x` the name alone.
//   - dnsmasq, unbound, BIND: the zone, which is the name and everything under it.
//   - RPZ: `x` is the name alone, `*.x` everything under it.
//
// [Options].Scope overrides all of these. Addresses and CIDR blocks are indicators in
// plain, wildcard, CSV, JSON, MISP and STIX lists, in Adblock host rules and in RPZ
// `rpz-ip` triggers. Where a server would look up a name (the second column of hosts
// files, the owner names of dnsmasq, unbound, BIND and RPZ), an address has no effect, so
// it is skipped; a wildcard over an address is skipped too. An IPv4 octet with a leading
// zero is rejected, because programs disagree on whether it is octal. IPv4 addresses
// mapped into IPv6 are unmapped, and the host bits of a block are cleared.
//
// # Blocks, exceptions and rewrites
//
// An entry that answers with the unspecified address, a loopback address or another
// address that leads nowhere is a block. One that answers with a real address or another
// name is a rewrite, and one that names a server to ask is a forward. Both are skipped,
// because lists for safe search and split DNS look the same. `@@` rules,
// `rpz-passthru.` and arrays such as `allow` in JSON are allow entries of their own list.
//
// # Joined lists, spaces and long lines
//
// A byte order mark ends a line, because another list was appended there. Spaces outside ASCII
// separate words, and are trimmed like characters without a width. If a line is over the limit,
// only its head is kept. The line is skipped if the head shows that it is a comment or would be
// skipped anyway, and read if the head contains the whole entry. Otherwise the list is refused.
//
// # Definitions of the formats
//
//   - plain, wildcard: no standard; one entry a line
//   - hosts: https://man7.org/linux/man-pages/man5/hosts.5.html
//   - Adblock: https://adguard-dns.io/kb/general/dns-filtering-syntax/
//   - dnsmasq: https://thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html
//   - unbound: https://unbound.docs.nlnetlabs.nl/en/latest/manpages/unbound.conf.html
//   - BIND: https://bind9.readthedocs.io/en/latest/reference.html
//   - RPZ: https://datatracker.ietf.org/doc/html/draft-vixie-dnsop-dns-rpz-00
//   - CSV: RFC 4180, with other separators and with comments
//   - JSON: RFC 8259, also one value a line
//   - MISP: https://www.misp-standard.org/rfc/misp-standard-core.html and
//     https://github.com/MISP/misp-warninglists
//   - STIX: https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html
package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed/spool"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Format is the syntax of a list.
type Format string

// The formats. A Plain list has one name, address, CIDR block or URL a line. Wildcard is
// Plain with names written as `*.x`, and is read the same way. JSON includes one JSON value
// a line. MISP covers its exports and its warninglists. STIX is version 2.
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

// ParseFormat reads the name of a format. An empty text is the empty Format, which means
// that the format is detected.
func ParseFormat(text string) (Format, error) {
	format := Format(text)
	if text != "" && !slices.Contains(Formats(), format) {
		return "", fmt.Errorf("format %q: must be one of %s", text, joinFormats())
	}
	return format, nil
}

// isJSON reports whether lists in the format are JSON.
func (f Format) isJSON() bool { return f == JSON || f == MISP || f == STIX }

func joinFormats() string {
	var names []string
	for _, format := range Formats() {
		names = append(names, string(format))
	}
	return strings.Join(names, ", ")
}

// The default [Limits] of a list.
const (
	DefaultInputBytes    = 256 << 20 // as received, compressed or not
	DefaultExpandedBytes = 1 << 30   // after decompression
	DefaultRatio         = 100       // of expanded to compressed bytes
	DefaultLineBytes     = 4 << 10   // of a line; real lists stay below 3,100
)

// Limits bound the cost of reading a list. They are checked while the list is read, so a
// list over a limit is refused without reading the rest of it.
type Limits struct {
	// InputBytes is the largest size of the list as received.
	//
	// Default: [DefaultInputBytes].
	InputBytes int64
	// ExpandedBytes is the largest size of the list after decompression.
	//
	// Default: [DefaultExpandedBytes].
	ExpandedBytes int64
	// Ratio is how many times larger a list may become by decompression. The first MiB
	// does not count, because short repetitive lists compress as well as a bomb.
	//
	// Default: [DefaultRatio].
	Ratio int64
	// LineBytes is the longest line in every format that is not JSON. JSON values have
	// fixed limits: 1 MiB and 64 levels.
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

// Options control how a list is read. The zero Options read any list.
type Options struct {
	// Format of the list.
	//
	// Default: detected from the content; if Column is set, a table or JSON.
	Format Format
	// Scope of every name in the list.
	//
	// Default: depends on the format, see the package documentation.
	Scope indicator.Scope
	// Action of every entry; [indicator.ActionAllow] makes the list an allow feed.
	//
	// Default: block, except for the exceptions that a list itself declares.
	Action indicator.Action
	// Column is where a CSV or JSON list has its indicators: a heading in any case, the
	// name of a JSON member, or the number of a column, counted from 1.
	//
	// Default: chosen by the headings and by rows from the whole list. If two columns could
	// hold the indicators, the list is refused.
	Column string
	// Registrable shortens block entries to their registrable domain, by the public
	// suffix list with its private section. A public suffix itself is rejected. The scope
	// is then subtree unless Scope is set. Allow entries are not shortened, because that
	// would widen what they veto.
	Registrable bool
	// Category, Severity and Confidence apply to entries that do not have their own.
	//
	// Default: no category, [indicator.DefaultSeverity], [indicator.DefaultConfidence].
	Category   indicator.Category
	Severity   indicator.Severity
	Confidence *indicator.Confidence
	// OnReject and OnSkip are called for each entry that is not accepted, in the order of
	// the list.
	//
	// Default: rejected and skipped entries are only counted.
	OnReject func(LineError)
	OnSkip   func(SkippedLine)
	// Line is set to the number of the current line, counted from 1, before each call of emit.
	//
	// Default: not set.
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

// Parse reads a whole list and calls emit for every accepted entry, in the order of the
// list. r may be compressed with gzip (any number of members) or zstd.
//
// emit gets the same Indicator each time and must not keep or change it. The strings in it
// stay valid. An error from emit ends the parse and is returned unchanged.
//
// If the list is refused, the error is a [*RefusedError] that wraps one of the sentinels of
// this package. The report covers what was read until then.
func Parse(r io.Reader, o Options, emit func(*indicator.Indicator) error) (Report, error) {
	if err := o.validate(); err != nil {
		return Report{}, err
	}

	c := newCollector(o, emit)
	again := spool.New(r)
	defer func() { _ = again.Close() }() // a temporary file
	opened, err := open(again, &c.options)
	if opened.source == nil {
		return Report{Format: o.Format}, err
	}
	defer func() { opened.source.Close() }() // it may be opened again
	if err != nil {
		return c.report(o.Format, opened.source), err
	}

	format, err := readList(opened, c)
	return c.report(format, opened.source), err
}

// readList chooses the format and reads the list into c.
func readList(opened *opening, c *collector) (Format, error) {
	format, err := chooseFormat(opened, &c.options, opened.source.compression != "")
	if err != nil {
		return format, err
	}

	switch format {
	case JSON:
		err = readJSON(opened, c)
	case MISP:
		err = readMISP(opened.in, c)
	case STIX:
		err = readSTIX(opened.in, c)
	default:
		var reader lineReader
		if reader, err = newLineReader(format, opened, c); err == nil {
			err = readLines(opened.in, c, reader)
		}
	}
	if err == nil && c.counts.entries == 0 {
		err = refuse(ErrEmpty, 0, "")
	}
	return format, err
}

// lineReader reads a format that is made of lines. It passes entries and problems to the
// collector. finish is called after the last line.
type lineReader interface {
	readLine(c *collector, line []byte)
	finish(c *collector)
}

func newLineReader(format Format, opened *opening, c *collector) (lineReader, error) {
	switch format {
	case Hosts:
		return &hostsReader{}, nil
	case Adblock:
		return &adblockReader{}, nil
	case Dnsmasq:
		return dnsmasqReader{}, nil
	case Unbound:
		return &unboundReader{}, nil
	case BIND:
		return &bindReader{}, nil
	case RPZ:
		return &rpzReader{}, nil
	case CSV:
		return newCSVReader(opened, c)
	default:
		return plainReader{}, nil
	}
}

// longLineReader is a lineReader that can use the head of a line that is over the limit.
// readLong reports whether the head is enough: the line is a comment, an entry that is skipped
// whatever follows, or an entry that is complete within the head.
type longLineReader interface {
	readLong(c *collector, head []byte) bool
}

func readLines(in *window, c *collector, reader lineReader) error {
	limit := c.options.Limits.withDefaults().LineBytes
	for {
		line, cut, ok, err := in.nextLine(limit)
		if err != nil {
			return atLine(err, c.line+1)
		}
		if !ok {
			break
		}

		c.line++
		switch {
		case cut || in.marked:
			readOddLine(c, reader, line, cut)
		case startsEntry(line):
			reader.readLine(c, line)
		default:
			readComment(c, reader, line)
		}
		if c.err != nil {
			return c.err
		}
	}

	reader.finish(c)
	return c.err
}

// readOddLine reads a line of a list that has byte order marks, or the head of a line that is too
// long. A byte order mark ends a line as a line feed does: another list was appended there to one
// without a final line feed.
func readOddLine(c *collector, reader lineReader, line []byte, cut bool) {
	if cut {
		if long, canCut := reader.(longLineReader); !canCut || !long.readLong(c, line) {
			c.err = refuse(ErrLongLine, c.line, "over %d bytes", c.options.Limits.withDefaults().LineBytes)
		}
		return
	}
	for _, joined := range bytes.Split(line, byteOrderMark) {
		readComment(c, reader, joined)
	}
}

// readComment reads a line that may be a comment, which may state the number of entries.
func readComment(c *collector, reader lineReader, line []byte) {
	if expected := expectedEntries(line); expected > 0 {
		c.counts.expected = expected
	}
	reader.readLine(c, line)
}
