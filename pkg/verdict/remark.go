package verdict

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

// isOurs reports whether name is that of a member that we add.
func isOurs(name []byte) bool {
	switch string(name) {
	case catalog.Verdict, catalog.VerdictReason, catalog.IndexGeneration, catalog.Threat:
		return true
	}
	return false
}

// stripMark appends an object without the members that we add, wherever they are. The rest
// keeps its bytes and its order. The object must be valid, as a [resolverlog.Scanner]
// returns it.
func stripMark(dst, object []byte) []byte {
	c := jsonscan.New(object)
	if c.Open('{') != nil {
		return append(dst, object...)
	}

	dst = append(dst, '{')
	var scratch []byte
	var space []byte // white space at the start of an object without other members
	kept := 0
	for start := c.Pos(); ; start = c.Pos() + 1 {
		name, more, err := c.Member()
		if !more || err != nil {
			break
		}
		if c.Skip() != nil {
			break
		}
		c.Next() // white space before the comma or the brace belongs to the member
		member := c.Since(start)
		if isOurs(name.Decode(&scratch)) {
			if kept == 0 && space == nil {
				space = member[:len(member)-len(bytes.TrimLeft(member, " \t\r\n"))]
			}
			continue
		}
		if kept > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, member...)
		kept++
	}

	if kept == 0 {
		dst = append(dst, space...)
	}
	return append(dst, '}')
}

// Unmark appends a record without the marks of its objects. A record without marks is appended as
// it is. If one of its objects has a mark, each object becomes one line, out of its envelope.
//
// A mark has a verdict. Other members with our names are not ours, and stay: the marker refuses
// such an object.
//
// It returns an error for a record that no marker could read.
func Unmark(dst, record []byte) ([]byte, error) {
	if resolverlog.IsCompressed(record) { // as a subscription of CloudWatch Logs sends it, without marks
		return append(dst, record...), nil
	}
	var s resolverlog.Scanner
	marked := false
	s.Reset(record)
	for s.Next() {
		marked = marked || s.Object().Verdict.IsSet()
	}
	if err := s.Err(); err != nil {
		return dst, err
	}
	if !marked {
		return append(dst, record...), nil
	}
	for s.Reset(record); s.Next(); {
		object := s.Object()
		if object.Verdict.IsSet() {
			dst = stripMark(dst, object.Bytes)
		} else {
			dst = append(dst, object.Bytes...)
		}
		dst = append(dst, '\n')
	}
	return dst, nil
}

// decision holds the members of a mark that depend on the lists. The generation is not one
// of them: it changes with every publish.
type decision struct{ verdict, reason, threat []byte }

// decisionOf returns the members of a marked object or line.
func decisionOf(object []byte) (d decision) {
	c := jsonscan.New(object)
	if c.Open('{') != nil {
		return d
	}

	var scratch []byte
	for {
		name, more, err := c.Member()
		if !more || err != nil {
			return d
		}
		c.Next()
		start := c.Pos()
		if c.Skip() != nil {
			return d
		}
		switch value := c.Since(start); string(name.Decode(&scratch)) {
		case catalog.Verdict:
			d.verdict = value
		case catalog.VerdictReason:
			d.reason = value
		case catalog.Threat:
			d.threat = value
		}
	}
}

// equal reports whether two decisions have the same values.
func (d decision) equal(other decision) bool {
	return sameJSON(d.verdict, other.verdict) && sameJSON(d.reason, other.reason) && sameJSON(d.threat, other.threat)
}

// sameJSON reports whether two values are the same, whatever their white space and the order
// of their members.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var left, right any
	return json.Unmarshal(a, &left) == nil && json.Unmarshal(b, &right) == nil && reflect.DeepEqual(left, right)
}
