package verdict

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Unmark removes the members that a [Marker] added from a line, and returns the object and
// the removed verdict. The verdict is "" if the line has no mark. The object has the bytes
// it had before marking, except for line ends between tokens, and shares no memory with
// line.
func Unmark(line []byte) (object []byte, removed Verdict) {
	// A JSON string cannot contain unescaped quotation marks, so this is always the name of a
	// member.
	start := bytes.LastIndex(line, []byte(memberVerdict))
	if start < 1 {
		return nil, ""
	}

	if removed = parseMark(line[start:]); removed == "" {
		return nil, ""
	}

	rest, comma := bytes.CutSuffix(line[:start], []byte{','})
	if !comma && !bytes.HasSuffix(bytes.TrimRight(rest, " \t"), []byte{'{'}) {
		return nil, ""
	}
	return append(bytes.Clone(rest), '}'), removed
}

// parseMark returns the verdict if members are exactly a mark and the end of the object,
// and "" otherwise.
func parseMark(members []byte) Verdict {
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
