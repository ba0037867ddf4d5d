package verdict

import (
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

// ErrNoRoom reports a record whose lines are longer than the limit of [Marker.MarkWithin].
var ErrNoRoom = errors.New("no room for the marked record")

// errOverflow is an ErrNoRoom that marks with less detail could avoid.
var errOverflow = errors.New("no room for marks with this detail")

// MarkWithin is like [Marker.Mark], but it appends at most limit bytes. If the lines are
// longer, it takes members out of the threats of all objects of the record: first the feeds
// (which are still counted), allowed_by and more_parts, then the whole threat. If the lines
// are still longer, MarkWithin returns an error that wraps [ErrNoRoom].
//
// It stops reading the record as soon as it is certain that the lines do not fit, so its work
// depends on the limit more than on the number of objects in the record.
func (m *Marker) MarkWithin(dst, record []byte, limit int) (_ []byte, err error) {
	for m.detail = full; m.detail <= bare; m.detail++ {
		if dst, err = m.markRecord(dst, record, limit); err != errOverflow { //nolint:errorlint // markRecord returns it as it is
			return dst, err
		}
	}
	return dst, ErrNoRoom
}

// overflow returns the error of a record whose lines became too long. Before are the counts
// at the start of the record.
func (m *Marker) overflow(before *Counts) error {
	threats := m.counts.Malicious + m.counts.Allowed - before.Malicious - before.Allowed
	if threats == 0 {
		return ErrNoRoom
	}
	return errOverflow
}

// leastSize returns the minimum size of the line of an object.
func (m *Marker) leastSize(o *resolverlog.Object) int {
	const clean = len(memberVerdict) + len(Clean) + len(`"`)
	switch {
	case m.options.Remark:
		return 0
	case o.Reserved != "":
		return len(o.Bytes) + len("\n")
	default:
		return len(o.Bytes) + clean + len(m.generation) + len("\n")
	}
}
