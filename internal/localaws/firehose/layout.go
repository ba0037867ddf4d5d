package firehose

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// dateField is one field of a Java DateTimeFormatter pattern, or literal text.
type dateField struct {
	goLayout string // "" for literal text
	literal  string
}

func (f dateField) format(t time.Time) string {
	if f.goLayout == "" {
		return f.literal
	}
	return t.Format(f.goLayout)
}

// fields are the letters that the local Firehose knows, the ones that partitions are
// made of.
var fields = map[string]string{
	"yyyy": "2006", "yy": "06", "MM": "01", "dd": "02", "DDD": "002", "HH": "15", "mm": "04", "ss": "05",
}

// parseLayout reads a DateTimeFormatter pattern. Text in single quotes and anything
// but letters stands for itself; Java's reserved brackets and unknown letters are
// refused.
func parseLayout(pattern string) ([]dateField, error) {
	if pattern == "" {
		return nil, errors.New("the pattern is empty")
	}
	var layout []dateField
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			text, length, err := quoted(pattern[i:])
			if err != nil {
				return nil, err
			}
			layout, i = append(layout, dateField{literal: text}), i+length
		case isLetter(c):
			length := 1
			for i+length < len(pattern) && pattern[i+length] == c {
				length++
			}
			field, known := fields[pattern[i:i+length]]
			if !known {
				return nil, fmt.Errorf("pattern letters %q are not among yyyy, yy, MM, dd, DDD, HH, mm, ss", pattern[i:i+length])
			}
			layout, i = append(layout, dateField{goLayout: field}), i+length
		case strings.IndexByte("[]{}#", c) >= 0:
			return nil, fmt.Errorf("%q is reserved in patterns", c)
		default:
			layout, i = append(layout, dateField{literal: string(c)}), i+1
		}
	}
	return layout, nil
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// quoted reads the quoted text at the start of pattern, where two quotes are one,
// and returns how many bytes it took.
func quoted(pattern string) (text string, length int, err error) {
	if strings.HasPrefix(pattern, "''") {
		return "'", 2, nil
	}
	var out strings.Builder
	for i := 1; i < len(pattern); i++ {
		switch {
		case pattern[i] != '\'':
			out.WriteByte(pattern[i])
		case i+1 < len(pattern) && pattern[i+1] == '\'':
			out.WriteByte('\'')
			i++
		default:
			return out.String(), i + 1, nil
		}
	}
	return "", 0, errors.New("a quoted text does not end")
}
