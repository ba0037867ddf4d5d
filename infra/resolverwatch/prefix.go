package resolverwatch

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Prefixes of the original sample, with the final slash that it left out: without the
// slash, day and stream name run together in keys, and no partition can be derived from
// them.
const (
	defaultPrefix      = "dns-query-logs/!{timestamp:yyyy/MM/dd}/"
	defaultErrorPrefix = "delivery-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
)

const (
	errorTypeExpression = "!{firehose:error-output-type}"
	maxPrefixBytes      = 512 // a key has at most 1,024, and Firehose appends to the prefix
	// hourlyExpression is what Firehose appends to a prefix without a timestamp.
	hourlyExpression = "!{timestamp:yyyy/MM/dd/HH}/"
)

// prefix is a prefix of Firehose's objects, split at its expressions.
type prefix struct{ parts []prefixPart }

// prefixPart is literal text, or an expression `!{namespace:value}`.
type prefixPart struct {
	literal          string
	namespace, value string // of an expression
}

var expression = regexp.MustCompile(`!\{([a-zA-Z]+):([^}]+)\}`)

// parsePrefix splits a prefix at its expressions.
func parsePrefix(text string) (prefix, error) {
	if isToken(text) {
		return prefix{}, errors.New("must be known at synthesis, where it is checked and the table's partitions are derived from it, got a token: " +
			"write it out, or look it up with StringParameter_ValueFromLookup")
	}
	if len(text) > maxPrefixBytes {
		return prefix{}, fmt.Errorf("must have at most %d characters, got %d", maxPrefixBytes, len(text))
	}
	if strings.HasPrefix(text, "/") {
		return prefix{}, fmt.Errorf("must not begin with a slash: the keys would have an empty first folder; got %q", text)
	}
	var parsed prefix
	at := 0
	for _, match := range expression.FindAllStringSubmatchIndex(text, -1) {
		parsed.addLiteral(text[at:match[0]])
		parsed.parts = append(parsed.parts, prefixPart{namespace: text[match[2]:match[3]], value: text[match[4]:match[5]]})
		at = match[1]
	}
	parsed.addLiteral(text[at:])
	for _, part := range parsed.parts {
		if strings.Contains(part.literal, "!{") || strings.Contains(part.literal, "${") {
			return prefix{}, fmt.Errorf("must have expressions of the form !{namespace:value} only, got %q", text)
		}
	}
	return parsed, nil
}

func (p *prefix) addLiteral(text string) {
	if text != "" {
		p.parts = append(p.parts, prefixPart{literal: text})
	}
}

func (p prefix) hasExpression() bool {
	for _, part := range p.parts {
		if part.namespace != "" {
			return true
		}
	}
	return false
}

// withSlash returns the prefix with a final slash, which every prefix needs, and reports
// whether it was missing.
func withSlash(text string) (completed string, added bool) {
	if strings.HasSuffix(text, "/") {
		return text, false
	}
	return text + "/", true
}

// checkPrefix rejects a prefix of delivered records that Firehose would reject.
func checkPrefix(text string) error {
	if isUnanswered(text) {
		return nil
	}
	parsed, err := parsePrefix(text)
	if err != nil {
		return err
	}
	for _, part := range parsed.parts {
		switch {
		case part.namespace == "" || part.namespace == "timestamp":
		case part.namespace == "firehose" && part.value == "random-string":
		case part.namespace == "firehose":
			return fmt.Errorf("must not use !{firehose:%s}, which belongs in ErrorPrefix, got %q", part.value, text)
		default:
			return fmt.Errorf("must not use !{%s:...}: the stream has no dynamic partitioning, got %q", part.namespace, text)
		}
	}
	return nil
}

// checkErrorPrefix rejects an error prefix that Firehose would reject, or one that hides
// what failed.
func checkErrorPrefix(text string) error {
	if isUnanswered(text) {
		return nil
	}
	parsed, err := parsePrefix(text)
	if err != nil {
		return err
	}
	for _, part := range parsed.parts {
		if part.namespace != "" && part.namespace != "timestamp" && part.namespace != "firehose" {
			return fmt.Errorf("must not use !{%s:...}, which Firehose does not support here, got %q", part.namespace, text)
		}
	}
	if !strings.Contains(text, errorTypeExpression) {
		return fmt.Errorf("must contain %s, which separates kinds of failure, got %q", errorTypeExpression, text)
	}
	return nil
}
