package feed

import (
	"errors"
	"fmt"
	"strings"
)

// Reasons to refuse a list as a whole. [Parse] and [Detect] wrap them in a
// [*RefusedError].
var (
	ErrEmpty = reason("no entries",
		"a list without entries never replaces one; to retire a feed, delete its list")
	ErrPage = reason("a web page or XML document instead of a list",
		"open the list's address and check its path, key and quota")
	ErrEncoding = reason("text that is not UTF-8",
		"convert it, for example with `iconv -f UTF-16 -t UTF-8`")
	ErrBinary = reason("binary data",
		"a list is text, or text compressed by gzip or zstd")
	ErrArchive = reason("an archive that is not read",
		"unpack it and give the list as text, gzip or zstd")
	ErrNested = reason("an archive within an archive",
		"compress the list once, by gzip or zstd, without tar or zip")
	ErrTruncated = reason("input that ends too early",
		"transfer it again and compare the sizes")
	ErrCorrupt = reason("damaged data",
		"transfer it again and compare the checksums")
	ErrTooLarge = reason("too large",
		"split the list into several feeds, or raise the limit")
	ErrRatio = reason("expands more than a list does",
		"check where it comes from; give it uncompressed if it is a list")
	ErrLongLine = reason("line too long",
		"check that it is a list with one entry a line")
	ErrUnknownFormat = reason("no format that is known",
		"name the format: "+joinFormats())
	ErrWrongFormat = reason("not the format that was named",
		"correct the format, or leave it out to have it found")
	ErrUnknownJSON = reason("JSON of no known shape",
		"known are arrays of names or of objects with a member such as domain, host, url, ip, ioc, "+
			"indicator or value, such objects one a line, ThreatFox and URLhaus exports, MISP events and "+
			"warninglists, and STIX bundles; or name the member as the column")
	ErrBadJSON = reason("malformed JSON",
		"check that the list was transferred as it is")
	ErrWidens = reason("a warninglist that matches parts of names",
		"read as names its entries would cover more than they mean: take a list of type string, hostname or cidr; "+
			"if its entries are whole names after all, name the format json")
	ErrPartial = reason("one page of several",
		"fetch the others too and give all objects in one bundle")
	ErrColumn = reason("no such column",
		"name a heading of the table, or the number of the column counted from 1")
)

// refusal is a sentinel that knows what to do about it.
type refusal struct{ what, advice string }

func reason(what, advice string) error { return &refusal{what, advice} }

func (r *refusal) Error() string { return r.what }

// RefusedError says why a list cannot be read as a whole.
type RefusedError struct {
	Reason error  // one of the sentinels of this package
	Line   int    // from 1; 0 if no line is to blame
	Detail string // what was found, printable
	Cause  error  // of a decompressor or decoder; nil if there is none
}

// Error says where, what, and what to do.
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

// Advice says what the owner of the list can do about it.
func (e *RefusedError) Advice() string {
	var known *refusal
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
