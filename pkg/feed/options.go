package feed

import (
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

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
