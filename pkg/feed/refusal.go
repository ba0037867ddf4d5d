package feed

import (
	"errors"
	"fmt"
	"strings"
)

// The reasons to refuse a list as a whole. [Parse] and [Detect] wrap them in a
// [*RefusedError].
var (
	ErrEmpty = newReason("no entries",
		"an empty list never replaces another; to retire a feed, delete its list")
	ErrPage = newReason("a web page or XML document instead of a list",
		"open the list's address and check its path, key and quota")
	ErrEncoding = newReason("text that is not UTF-8",
		"convert it, for example with `iconv -f UTF-16 -t UTF-8`")
	ErrBinary = newReason("binary data",
		"a list is text, or text compressed with gzip or zstd")
	ErrArchive = newReason("an unsupported archive",
		"unpack it and provide the list as text, gzip or zstd")
	ErrNested = newReason("an archive within an archive",
		"compress the list once, with gzip or zstd, without tar or zip")
	ErrTruncated = newReason("input ends too early",
		"transfer it again and compare the sizes")
	ErrCorrupt = newReason("corrupt data",
		"transfer it again and compare the checksums")
	ErrTooLarge = newReason("too large",
		"split the list into several feeds, or raise the limit")
	ErrRatio = newReason("expands too much when decompressed",
		"check where it comes from; if it is a list, provide it uncompressed")
	ErrLongLine = newReason("line too long",
		"check that it is a list with one entry a line")
	ErrUnknownFormat = newReason("unknown format",
		"set the format: "+joinFormats())
	ErrWrongFormat = newReason("not in the format that was set",
		"correct the format, or leave it out to have it detected")
	ErrUnknownJSON = newReason("JSON with an unknown structure",
		"supported are arrays of names or of objects with a member such as domain, host, url, ip, ioc, "+
			"indicator or value, such objects one a line, ThreatFox and URLhaus exports, MISP events and "+
			"warninglists, and STIX bundles; or set the column to the name of the member")
	ErrBadJSON = newReason("malformed JSON",
		"check that the list arrived unchanged")
	ErrWidens = newReason("a warninglist that matches parts of names",
		"read as names its entries would cover more than they mean: use a list of type string, hostname or cidr; "+
			"if its entries are whole names after all, set the format to json")
	ErrPartial = newReason("only one page of several",
		"fetch the other pages too and provide all of them as one list")
	ErrForeign = newReason("a file of another kind",
		"provide a list of names or addresses in one of the formats: "+joinFormats())
	ErrMessage = newReason("an error message instead of a list",
		"open the list's address and check its path, key and quota")
	ErrUnclear = newReason("it is not clear which column has the indicators",
		"set the column with `--column`, or in the settings as feeds.<feed id>.column; if it is not a table, set the format")
	ErrZone = newReason("a policy zone whose name is not in the file",
		"put a line `$ORIGIN` with the name of the zone and a final dot before the records")
	ErrColumn = newReason("no such column",
		"set the column to a heading of the table, or to a number counted from 1")
)

// reason is a sentinel error that comes with advice.
type reason struct{ text, advice string }

func newReason(text, advice string) error { return &reason{text, advice} }

func (r *reason) Error() string { return r.text }

// RefusedError is returned for a list that is refused as a whole.
type RefusedError struct {
	Reason error  // one of the sentinels of this package
	Line   int    // from 1; 0 if the problem is not on one line
	Detail string // what was found, printable
	Cause  error  // from a decompressor or decoder, or nil
}

// Error returns the line, the reason and the advice.
func (e *RefusedError) Error() string {
	var text strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&text, "line %d: ", e.Line)
	}
	text.WriteString(e.Reason.Error())
	if e.Detail != "" {
		fmt.Fprintf(&text, " (%s)", e.Detail)
	}
	if e.Cause != nil {
		fmt.Fprintf(&text, ": %v", e.Cause)
	}
	if advice := e.Advice(); advice != "" {
		fmt.Fprintf(&text, "; %s", advice)
	}
	return text.String()
}

// Advice tells the owner of the list what to do.
func (e *RefusedError) Advice() string {
	var known *reason
	if errors.As(e.Reason, &known) {
		return known.advice
	}
	return ""
}

// Unwrap returns the sentinel and the cause.
func (e *RefusedError) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Cause}
}

func refuse(reason error, line int, detail string, arguments ...any) error {
	return &RefusedError{Reason: reason, Line: line, Detail: fmt.Sprintf(detail, arguments...)}
}

func refuseFor(reason error, line int, cause error) error {
	return &RefusedError{Reason: reason, Line: line, Cause: cause}
}

// atLine adds the line to a refusal that has none.
func atLine(err error, line int) error {
	var refused *RefusedError
	if errors.As(err, &refused) && refused.Line == 0 {
		refused.Line = line
	}
	return err
}

// refuseForeign refuses a file of another kind, whose name has an article if it is one thing.
func refuseForeign(kind string) error {
	verb := "these are"
	if strings.HasPrefix(kind, "a ") || strings.HasPrefix(kind, "an ") {
		verb = "this is"
	}
	return refuse(ErrForeign, 0, "%s %s", verb, kind)
}
