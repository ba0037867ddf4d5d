package verdict

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// memberStart begins what a [Marker] adds. Unescaped quotation marks stand in no JSON
// string, so in a record this is always the name of a member.
const memberStart = `"` + catalog.Verdict + `":"`

// Unmark takes the members off a line that a [Marker] added, and returns the verdict that
// was among them; it is "" for a line without a mark. The object has the bytes that were
// marked, but for line ends between tokens, and shares no memory with line.
func Unmark(line []byte) (object []byte, was Verdict) {
	at := bytes.LastIndex(line, []byte(memberStart))
	if at < 1 {
		return nil, ""
	}
	if was = markOf(line[at:]); was == "" {
		return nil, ""
	}
	before, comma := bytes.CutSuffix(line[:at], []byte{','})
	if !comma && !bytes.HasSuffix(bytes.TrimRight(before, " \t"), []byte{'{'}) {
		return nil, ""
	}
	return append(bytes.Clone(before), '}'), was
}

// markOf returns the verdict of members that are those of a mark and end the object, ""
// for others.
func markOf(members []byte) Verdict {
	decoder := json.NewDecoder(io.MultiReader(bytes.NewReader([]byte("{")), bytes.NewReader(members)))
	decoder.DisallowUnknownFields()
	var mark struct {
		Verdict    Verdict         `json:"verdict"`
		Reason     string          `json:"verdict_reason"`
		Generation uint64          `json:"index_generation"`
		Threat     json.RawMessage `json:"threat"`
	}
	if decoder.Decode(&mark) != nil {
		return ""
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return ""
	}
	switch mark.Verdict {
	case Malicious, Allowed, Clean, Unknown:
		return mark.Verdict
	default:
		return ""
	}
}
