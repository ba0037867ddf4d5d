// Package keyprefix makes the keys of objects from the prefixes of a Firehose delivery stream:
// text with expressions such as !{timestamp:yyyy/MM/dd} goes in, the beginning of a key comes
// out.
//
// The rules: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
package keyprefix

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxPrefixBytes is the maximum length of an evaluated prefix.
const maxPrefixBytes = 512

// Error output types of a stream to S3.
const (
	ProcessingFailed = "processing-failed"
	ConversionFailed = "format-conversion-failed"
)

// hourly is appended by Firehose to prefixes without a timestamp.
const hourly = "!{timestamp:yyyy/MM/dd/HH/}"

// Prefix is a parsed Prefix or ErrorOutputPrefix.
type Prefix []part

// part is literal text or an expression of a prefix.
type part struct {
	namespace string // "" for literal text
	value     string
	layout    []dateField // for timestamps
}

// Parse returns the prefixes of delivered and of failed records, given the Prefix and the
// ErrorOutputPrefix of a stream. It appends the same expressions as Firehose, which does not
// insert a slash before them.
func Parse(data, failed string) (Prefix, Prefix, error) {
	dataPrefix, err := parsePrefix(data)
	if err != nil {
		return nil, nil, fmt.Errorf("prefix %q: %w", data, err)
	}
	failedPrefix, err := parsePrefix(failed)
	if err != nil {
		return nil, nil, fmt.Errorf("ErrorOutputPrefix %q: %w", failed, err)
	}

	switch {
	case dataPrefix.has("firehose", "error-output-type"):
		return nil, nil, fmt.Errorf("prefix %q: cannot contain !{firehose:error-output-type}", data)
	case failed == "" && dataPrefix.expressions() > 0:
		return nil, nil, errors.New("ErrorOutputPrefix cannot be null when Prefix contains expressions")
	case failedPrefix.expressions() > 0 && !failedPrefix.has("firehose", "error-output-type"):
		return nil, nil, fmt.Errorf("ErrorOutputPrefix %q: must contain !{firehose:error-output-type}", failed)
	}

	if failedPrefix.expressions() == 0 {
		if failed == "" {
			failed = data
		}
		failedPrefix = mustParse(failed + "!{firehose:error-output-type}/" + hourly)
	}
	if !dataPrefix.has("timestamp", "") {
		dataPrefix = mustParse(data + hourly)
	}
	return dataPrefix, failedPrefix, nil
}

// parsePrefix parses text with expressions `!{namespace:value}`. The length limit does not
// include the expressions that Firehose appends.
func parsePrefix(text string) (Prefix, error) {
	parts, err := splitPrefix(text)
	if err != nil {
		return nil, err
	}
	if length := len(parts.Key(time.Unix(0, 0), ProcessingFailed, Random)); length > maxPrefixBytes {
		return nil, fmt.Errorf("evaluates to %d characters, at most %d are allowed", length, maxPrefixBytes)
	}
	return parts, nil
}

func splitPrefix(text string) (Prefix, error) {
	var parts Prefix
	for rest := text; rest != ""; {
		literal, after, found := strings.Cut(rest, "!{")
		if literal != "" {
			parts = append(parts, part{value: literal})
		}
		if !found {
			break
		}
		expression, tail, closed := strings.Cut(after, "}")
		if !closed {
			return nil, errors.New("the sequence !{ can only begin an expression !{namespace:value}")
		}
		p, err := parseExpression(expression)
		if err != nil {
			return nil, fmt.Errorf("expression !{%s}: %w", expression, err)
		}
		parts, rest = append(parts, p), tail
	}
	return parts, nil
}

func parseExpression(text string) (part, error) {
	namespace, value, _ := strings.Cut(text, ":")
	p := part{namespace: namespace, value: value}
	switch {
	case namespace == "timestamp":
		layout, err := parseLayout(value)
		p.layout = layout
		return p, err
	case namespace == "firehose" && (value == "random-string" || value == "error-output-type"):
		return p, nil
	case namespace == "partitionKeyFromQuery" || namespace == "partitionKeyFromLambda":
		return p, errors.New("dynamic partitioning is not enabled")
	}
	return p, errors.New("unknown namespace or value; known are timestamp:PATTERN, firehose:random-string " +
		"and firehose:error-output-type")
}

// mustParse parses a prefix whose parts have been parsed before.
func mustParse(text string) Prefix {
	parsed, err := splitPrefix(text)
	if err != nil {
		panic(fmt.Sprintf("parsing %q: %v", text, err))
	}
	return parsed
}

// has reports whether the prefix contains an expression. An empty value matches any value.
func (p Prefix) has(namespace, value string) bool {
	for _, part := range p {
		if part.namespace == namespace && (value == "" || part.value == value) {
			return true
		}
	}
	return false
}

// expressions returns the number of expressions.
func (p Prefix) expressions() int {
	count := 0
	for _, part := range p {
		if part.namespace != "" {
			count++
		}
	}
	return count
}

// Key returns the beginning of the key of an object, given the arrival time of its oldest
// record and its error output type. It calls random for each random string.
func (p Prefix) Key(oldest time.Time, errorType string, random func() string) string {
	var key strings.Builder
	for _, part := range p {
		switch {
		case part.namespace == "timestamp":
			for _, field := range part.layout {
				key.WriteString(field.format(oldest.UTC()))
			}
		case part.value == "random-string" && part.namespace != "":
			key.WriteString(random())
		case part.value == "error-output-type" && part.namespace != "":
			key.WriteString(errorType)
		default:
			key.WriteString(part.value)
		}
	}
	return key.String()
}

// Random returns a random string as Firehose writes it, 11 letters and digits.
func Random() string { return strings.ToLower(rand.Text())[:11] }

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

// fields maps the supported pattern letters, which are those used in partitions, to Go layouts.
var fields = map[string]string{
	"yyyy": "2006", "yy": "06", "MM": "01", "dd": "02", "DDD": "002", "HH": "15", "mm": "04", "ss": "05",
}

// parseLayout parses a DateTimeFormatter pattern. Text in single quotes and characters other than
// letters are literal. Java's reserved brackets and unknown letters are errors.
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

// quoted reads the quoted text at the start of pattern, in which two quotes mean one. It returns
// the text and the number of bytes read.
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
	return "", 0, errors.New("a quoted text has no closing quote")
}
