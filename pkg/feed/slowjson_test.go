package feed_test

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
)

// slowEntry is an entry of a MISP or STIX list before its value is parsed: the reason to skip
// it, or the kind of its value. Both are empty for a rejected entry.
type slowEntry struct {
	skip        feed.Skip
	kind, value string // kind is name, host or address
}

// slowList reads MISP and STIX lists by decoding them into maps.
type slowList struct {
	entries   []slowEntry
	shapeless int
	refused   bool
}

func (s *slowList) reject() { s.entries = append(s.entries, slowEntry{}) }

func (s *slowList) skip(why feed.Skip) { s.entries = append(s.entries, slowEntry{skip: why}) }

func (s *slowList) take(kind, value string) {
	s.entries = append(s.entries, slowEntry{kind: kind, value: value})
}

func (s *slowList) noShape() {
	s.shapeless++
	s.reject()
}

// decodeAll decodes a sequence of JSON values.
func decodeAll(text string) (values []any, err error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for {
		var value any
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return values, nil
		} else if err != nil {
			return values, err
		}
		values = append(values, value)
	}
}

func slowJSON(format feed.Format, text string) *slowList {
	s := &slowList{}
	values, err := decodeAll(text)
	s.refused = err != nil
	for _, value := range values {
		if format == feed.MISP {
			s.container(value, false, true)
		} else {
			s.stix(value)
		}
	}
	s.refused = s.refused || len(s.entries) == s.shapeless
	return s
}

// slowText returns a member as text. ok is false if it is an object or an array.
func slowText(object map[string]any, name string) (text string, ok bool) {
	switch value := object[name].(type) {
	case nil:
		return "", true
	case string:
		return slowTrim(value), true
	case json.Number:
		return value.String(), true
	case bool:
		if value {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

// slowFlag reads a boolean. ok is false if the member is something else.
func slowFlag(object map[string]any, name string, fallback bool) (flag, ok bool) {
	text, ok := slowText(object, name)
	switch text {
	case "":
		return fallback, ok
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// slowBlank matches spaces and characters without a width at the ends of a text.
var slowBlank = regexp.MustCompile(`^[\s\v\p{Z}\x{85}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}\x{2066}-\x{2069}\x{feff}]+|[\s\v\p{Z}\x{85}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}\x{2066}-\x{2069}\x{feff}]+$`)

func slowTrim(text string) string { return slowBlank.ReplaceAllString(text, "") }

func slowArray(value any) []any {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		return value
	}
	return []any{value}
}

func has(object map[string]any, name string) bool {
	_, found := object[name]
	return found
}

func (s *slowList) container(value any, isEvent, top bool) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			s.container(element, isEvent, false)
		}
	case map[string]any:
		s.event(value, isEvent, top)
	default:
		s.noShape()
	}
}

func (s *slowList) event(object map[string]any, isEvent, top bool) {
	known := isEvent
	for _, name := range []string{"response", "Event"} {
		known = known || has(object, name)
		if object[name] != nil {
			s.container(object[name], name == "Event", false)
		}
	}
	for _, one := range slowArray(object["Attribute"]) {
		s.attribute(one, false, false)
	}
	for _, one := range slowArray(object["Object"]) {
		fields, isObject := one.(map[string]any)
		if !isObject {
			s.noShape()
			continue
		}
		deleted, ok := slowFlag(fields, "deleted", false)
		for _, one := range slowArray(fields["Attribute"]) {
			s.attribute(one, deleted, !ok)
		}
	}
	known = known || has(object, "Attribute") || has(object, "Object")
	switch {
	case top && has(object, "list"):
		s.warninglist(object)
	case known:
	case has(object, "type") && has(object, "value"), has(object, "to_ids"):
		s.attribute(object, false, false)
	default:
		s.noShape()
	}
}

var slowMISPTypes = map[string]string{
	"domain": "name", "hostname": "name", "url": "host", "uri": "host", "ip-src": "address", "ip-dst": "address",
	"domain|ip": "name|address", "hostname|port": "host|port", "ip-src|port": "address|port", "ip-dst|port": "address|port",
}

var slowPort = regexp.MustCompile(`^0{0,4}([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$`)

func (s *slowList) attribute(value any, deletedAround, oddAround bool) {
	object, isObject := value.(map[string]any)
	if !isObject {
		s.noShape()
		return
	}
	for _, name := range []string{"type", "value", "category", "first_seen", "timestamp", "deleted", "to_ids"} {
		if _, ok := slowText(object, name); !ok {
			s.reject()
			return
		}
	}
	kind, _ := slowText(object, "type")
	text, _ := slowText(object, "value")
	deleted, deletedOK := slowFlag(object, "deleted", false)
	detects, detectsOK := slowFlag(object, "to_ids", true)
	how := slowMISPTypes[kind]
	switch {
	case oddAround, kind == "", text == "":
		s.reject()
	case !deletedAround && !deletedOK, !detectsOK:
		s.reject()
	case deleted || deletedAround:
		s.skip(feed.SkipWithdrawn)
	case how == "":
		s.skip(feed.SkipOtherType)
	case !detects:
		s.skip(feed.SkipNotDetection)
	default:
		s.value(how, text)
	}
}

func (s *slowList) value(how, text string) {
	kind, second, composite := strings.Cut(how, "|")
	if composite {
		before, after, _ := strings.Cut(text, "|")
		text, after = slowTrim(before), slowTrim(after)
		_, isAddress := slowAddress(after)
		if text == "" || second == "port" && (!slowPort.MatchString(after) || len(after) > 5) || second == "address" && (!isAddress || strings.ContainsAny(after, "[]")) {
			s.reject()
			return
		}
		if second == "address" {
			defer s.take("address", after) // both parts of the pair are indicators
		}
	}
	s.take(kind, text)
}

func (s *slowList) warninglist(object map[string]any) {
	kind, ok := slowText(object, "type")
	if kind == "" && has(object, "matching_attributes") {
		kind = "string"
	}
	for _, name := range []string{"type", "value", "category", "first_seen", "timestamp", "deleted", "to_ids"} {
		_, isText := slowText(object, name)
		ok = ok && isText
	}
	how, known := map[string]string{"": "any", "string": "host", "hostname": "name", "cidr": "address"}[kind]
	if !ok || !known {
		s.refused = true
		return
	}
	list, _ := object["list"].([]any)
	for _, element := range list {
		text, isText := element.(string)
		text = slowTrim(text)
		switch {
		case how == "any":
			s.entries = append(s.entries, slowEntry{kind: "json", value: mustEncode(headed(element))})
		case !isText:
			s.noShape()
		case text == "":
			s.skip(feed.SkipNoValue)
		case how == "host" && strings.ContainsAny(text[:1], "*."):
			s.skip(feed.SkipPattern)
		default:
			s.take(how, text)
		}
	}
}

// headed returns an element with only the members whose names say what they hold. A MISP list
// takes no sample, so it does not find a column by its cells, as a JSON list does.
func headed(element any) any {
	object, isObject := element.(map[string]any)
	if !isObject {
		return element
	}
	known := map[string]any{}
	for name, value := range object {
		if column.HeadingOf(name) != (column.Heading{}) {
			known[name] = value
		}
	}
	return known
}

func mustEncode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// stix reads a value at the top: a bundle, an envelope, an object, or an array of these.
func (s *slowList) stix(value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			s.stix(element)
		}
	case map[string]any:
		kind, _ := slowText(value, "type")
		switch {
		case has(value, "objects"):
			objects, _ := value["objects"].([]any)
			for _, object := range objects {
				s.stixObject(object)
			}
			more, ok := slowFlag(value, "more", false)
			s.refused = s.refused || more || !ok && has(value, "more")
		case kind != "bundle":
			s.stixObject(value)
		}
	default:
		s.noShape()
	}
}

func (s *slowList) stixObject(value any) {
	object, isObject := value.(map[string]any)
	if !isObject {
		s.noShape()
		return
	}
	odd := false
	for _, name := range []string{"type", "value", "pattern", "pattern_type", "valid_from", "created", "valid_until", "revoked", "confidence"} {
		_, ok := slowText(object, name)
		odd = odd || !ok
	}
	kind, _ := slowText(object, "type")
	pattern, _ := slowText(object, "pattern")
	language, _ := slowText(object, "pattern_type")
	revoked, revokedOK := slowFlag(object, "revoked", false)
	switch {
	case kind == "":
		s.noShape()
	case slices.Contains([]string{"domain-name", "hostname", "ipv4-addr", "ipv6-addr", "url"}, kind):
		s.skip(feed.SkipObservation)
	case kind != "indicator":
	case odd, !revokedOK:
		s.reject()
	case revoked:
		s.skip(feed.SkipWithdrawn)
	case slowHarmless(object):
		s.skip(feed.SkipHarmless)
	case language != "" && !strings.EqualFold(language, "stix"):
		s.skip(feed.SkipOtherType)
	case pattern == "":
		s.reject()
	default:
		s.entries = append(s.entries, slowPattern(pattern)...)
	}
}

// slowHarmless reports whether the types of an indicator, or else its labels, say that it is
// harmless and not that it is harmful.
func slowHarmless(object map[string]any) bool {
	for _, name := range []string{"indicator_types", "labels"} {
		all := " "
		for _, one := range slowArray(object[name]) {
			if word, ok := slowText(map[string]any{"x": one}, "x"); ok && word != "" {
				all += strings.ToLower(strings.ReplaceAll(word, " ", "_")) + " "
			}
		}
		if all != " " {
			return regexp.MustCompile(` (benign|anomalous|anomalous-activity) `).MatchString(all) &&
				!regexp.MustCompile(` (malicious-activity|compromised) `).MatchString(all)
		}
	}
	return false
}

// slowToken matches any token of a pattern.
var slowToken = regexp.MustCompile(`^[ \t\r\n\v\f]*('(?:[^'\\]|\\['\\])*'|[A-Za-z_][A-Za-z0-9_-]*|[0-9+-][0-9A-Za-z.+-]*|==|!=|<>|<=|>=|[=<>\[\]().,:*])`)

// slowPattern reads a pattern by splitting it at the operator that binds least tightly, again
// and again. A malformed pattern is one rejected entry.
func slowPattern(pattern string) []slowEntry {
	var tokens []string
	for rest := pattern; strings.Trim(rest, " \t\r\n\v\f") != ""; {
		found := slowToken.FindStringSubmatch(rest)
		if found == nil {
			return []slowEntry{{}}
		}
		tokens = append(tokens, found[1])
		rest = rest[len(found[0]):]
	}
	entries, ok := slowObservations(tokens)
	if !ok {
		return []slowEntry{{}}
	}
	for i, one := range entries {
		kind, isTarget := strings.CutPrefix(one.kind, "target ")
		switch {
		case strings.HasPrefix(one.kind, "type "):
			entries[i] = slowEntry{skip: feed.SkipOtherType}
		case one.value == "" && one.kind != "":
			entries[i] = slowEntry{}
		case isTarget:
			entries[i].kind = kind
		}
	}
	return entries
}

func slowObservations(tokens []string) ([]slowEntry, bool) {
	return slowSplit(tokens, []string{"FOLLOWEDBY", "OR", "AND"}, slowObservation)
}

// slowSplit splits tokens at the first operator wherever it is outside brackets.
func slowSplit(tokens, operators []string, leaf func([]string) ([]slowEntry, bool)) ([]slowEntry, bool) {
	if len(operators) == 0 {
		return leaf(tokens)
	}
	var parts [][]string
	depth, start := 0, 0
	for i, token := range tokens {
		switch {
		case token == "[" || token == "(":
			depth++
		case token == "]" || token == ")":
			depth--
		case token == operators[0] && depth == 0:
			parts = append(parts, tokens[start:i])
			start = i + 1
		}
		if depth < 0 {
			return nil, false
		}
	}
	parts = append(parts, tokens[start:])
	var all []slowEntry
	for _, part := range parts {
		entries, ok := slowSplit(part, operators[1:], leaf)
		if !ok {
			return nil, false
		}
		all = append(all, entries...)
	}
	if len(parts) > 1 && operators[0] != "OR" {
		all = []slowEntry{{skip: feed.SkipCondition}}
	}
	return all, true
}

var slowQualifier = regexp.MustCompile(`(?s)^(.*)\n(?:START\n[A-Za-z_][^\n]*\n'[^\n]*'\n[A-Za-z_][^\n]*\n[A-Za-z_][^\n]*\n'[^\n]*'|(?:WITHIN|REPEATS)\n[0-9+-][^\n]*\n[A-Za-z_][^\n]*)$`)

func slowObservation(tokens []string) ([]slowEntry, bool) {
	qualified := false
	for {
		found := slowQualifier.FindStringSubmatch(joinTokens(tokens))
		if found == nil {
			break
		}
		qualified, tokens = true, tokens[:strings.Count(found[1], "\n")+1]
	}
	inner, bracket, ok := slowBrackets(tokens)
	if !ok {
		return nil, false
	}
	read := slowObservations
	if bracket == "[" {
		read = slowComparisons
	}
	entries, ok := read(inner)
	if qualified {
		entries = []slowEntry{{skip: feed.SkipCondition}}
	}
	return entries, ok
}

// slowLineFeed replaces a line feed within a token. Decoded JSON never contains this byte.
const slowLineFeed = "\xff"

// joinTokens writes one token a line.
func joinTokens(tokens []string) string {
	lines := make([]string, len(tokens))
	for i, token := range tokens {
		lines[i] = strings.ReplaceAll(token, "\n", slowLineFeed)
	}
	return strings.Join(lines, "\n")
}

func slowBrackets(tokens []string) (inner []string, bracket string, ok bool) {
	last := len(tokens) - 1
	if last < 1 || tokens[0] == "[" && tokens[last] != "]" || tokens[0] == "(" && tokens[last] != ")" || tokens[0] != "[" && tokens[0] != "(" {
		return nil, "", false
	}
	return tokens[1:last], tokens[0], true
}

func slowComparisons(tokens []string) ([]slowEntry, bool) {
	return slowSplit(tokens, []string{"OR"}, slowConjunction)
}

// slowConjunction reads comparisons joined by AND.
func slowConjunction(tokens []string) ([]slowEntry, bool) {
	var types, targets, all []slowEntry
	operands := 0
	_, ok := slowSplit(tokens, []string{"AND"}, func(tokens []string) ([]slowEntry, bool) {
		entries, ok := slowComparison(tokens)
		operands++
		all = append(all, entries...)
		switch {
		case slowAll(entries, "type "):
			types = append(types, slowEntry{kind: "operand"})
			types = append(types, entries...)
		case slowAll(entries, "target "):
			targets = append(targets, slowEntry{kind: "operand"})
			targets = append(targets, entries...)
		}
		return entries, ok
	})
	if !ok || operands == 1 {
		return all, ok
	}
	if operands != 2 || len(types) == 0 || len(targets) == 0 {
		return []slowEntry{{skip: feed.SkipCondition}}, true
	}
	kind := types[1].kind
	for _, one := range types[1:] {
		if one.kind != kind {
			kind = "type name"
		}
	}
	if kind == "type " {
		return []slowEntry{{skip: feed.SkipOtherType}}, true
	}
	for i := range targets {
		targets[i].kind = strings.TrimPrefix(kind, "type ")
	}
	return targets[1:], true
}

func slowAll(entries []slowEntry, prefix string) bool {
	return !slices.ContainsFunc(entries, func(e slowEntry) bool { return !strings.HasPrefix(e.kind, prefix) })
}

var (
	slowPath    = `([A-Za-z_][^\n]*)\n:\n([A-Za-z_'][^\n]*)((?:\n\.\n[A-Za-z_'][^\n]*|\n\[\n(?:[0-9+-][^\n]*|\*)\n\])*)`
	slowLiteral = `(?:'[^\n]*'|[0-9+-][^\n]*|true|false|[thb]\n'[^\n]*')`
	slowExists  = regexp.MustCompile(`^(?:NOT\n)?EXISTS\n` + slowPath + `$`)
	slowTest    = regexp.MustCompile(`^` + slowPath + `\n(NOT\n)?(=|==|!=|<>|<|>|<=|>=|LIKE|MATCHES|ISSUBSET|ISSUPERSET)\n(` + slowLiteral + `)$`)
	slowIn      = regexp.MustCompile(`^` + slowPath + `\n(NOT\n)?IN\n\(\n(` + slowLiteral + `(?:\n,\n` + slowLiteral + `)*)\n\)$`)
)

func slowKind(found []string) string {
	path := found[1] + ":" + strings.Trim(found[2], "'")
	if found[3] != "" {
		path = ""
	}
	if found[1]+":"+strings.Trim(found[2], "'") == "network-traffic:dst_ref" {
		switch strings.ReplaceAll(found[3], "'", "") {
		case "\n.\nvalue":
			return "target name"
		case "\n.\ntype":
			return "type "
		}
	}
	return slowKinds[path]
}

var slowKinds = map[string]string{
	"domain-name:value": "name", "hostname:value": "name", "url:value": "host", "ipv4-addr:value": "address", "ipv6-addr:value": "address",
}

func slowComparison(tokens []string) ([]slowEntry, bool) {
	if inner, bracket, ok := slowBrackets(tokens); ok && bracket == "(" {
		return slowComparisons(inner)
	}
	text := joinTokens(tokens)
	if found := slowExists.FindStringSubmatch(text); found != nil {
		if kind := slowKind(found); kind == "" || kind == "type " {
			return []slowEntry{{skip: feed.SkipOtherType}}, true
		}
		return []slowEntry{{skip: feed.SkipCondition}}, true
	}
	if found := slowIn.FindStringSubmatch(text); found != nil {
		return slowSet(slowKind(found), found[4] != "", strings.Split(found[5], "\n,\n"))
	}
	found := slowTest.FindStringSubmatch(text)
	if found == nil {
		return nil, false
	}
	kind, operator := slowKind(found), found[5]
	if found[4] != "" {
		operator = "NOT"
	}
	why := map[string]feed.Skip{"LIKE": feed.SkipPattern, "MATCHES": feed.SkipRegex}[operator]
	equal := operator == "=" || operator == "=="
	switch {
	case kind == "", kind == "type " && !equal:
		why = feed.SkipOtherType
	case why != 0, equal, operator == "ISSUBSET" && kind == "address":
	case operator == "ISSUBSET" && kind == "target name":
		kind = "target address"
	default:
		why = feed.SkipCondition
	}
	if why != 0 {
		return []slowEntry{{skip: why}}, true
	}
	return slowOperand(kind, found[6])
}

func slowSet(kind string, negated bool, literals []string) (all []slowEntry, ok bool) {
	for _, literal := range literals {
		entries, ok := slowOperand(kind, literal)
		if kind != "" && !negated && !ok {
			return nil, false
		}
		all = append(all, entries...)
	}
	switch {
	case kind == "", kind == "type " && negated:
		all = []slowEntry{{skip: feed.SkipOtherType}}
	case negated:
		all = []slowEntry{{skip: feed.SkipCondition}}
	}
	return all, true
}

func slowOperand(kind, literal string) ([]slowEntry, bool) {
	if literal[0] != '\'' {
		if kind == "type " {
			return []slowEntry{{skip: feed.SkipOtherType}}, true
		}
		return nil, false
	}
	value := strings.NewReplacer(`\\`, `\`, `\'`, `'`, slowLineFeed, "\n").Replace(literal[1 : len(literal)-1])
	if kind == "type " {
		return []slowEntry{{kind: "type " + slowKinds[value+":value"]}}, true
	}
	if value = slowTrim(value); value == "" && !strings.HasPrefix(kind, "target ") {
		return []slowEntry{{}}, true
	}
	return []slowEntry{{kind: kind, value: value}}, true
}
