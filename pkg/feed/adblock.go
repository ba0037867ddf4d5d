package feed

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// adblockReader reads Adblock Plus and AdGuard lists. It keeps the rules that apply to a
// whole host: `||x^`, `||x`, `|x^`, `://x^` and a bare name or address, with modifiers that
// do not narrow them (see [modifierCache]). `@@` makes an allow entry.
//
// Cosmetic rules and rules for URLs and patterns are skipped. So is `$badfilter`: the rule
// that it cancels was already emitted, so it still counts. AdGuard allows lines of a hosts
// file in between, and they are read as such.
type adblockReader struct {
	modifiers modifierCache
	hosts     hostsReader
}

func (a *adblockReader) readLine(c *collector, line []byte) {
	name, text := wholeHost(line), line
	if name == nil {
		text = trim(line)
		name = wholeHost(text)
	}
	if name != nil {
		c.addName(name, indicator.ScopeSubtree, indicator.ActionBlock)
		return
	}
	if len(text) == 0 || isAdblockComment(text) {
		return
	}
	if isCosmetic(text) {
		c.skip(text, SkipCosmetic)
		return
	}
	if isHostsLine(text) {
		a.hosts.readLine(c, text)
		return
	}
	a.readRule(c, text)
}

func (a *adblockReader) finish(*collector) {}

// readLong accepts comments, and rules whose head shows that they do not list a host.
func (a *adblockReader) readLong(c *collector, head []byte) bool {
	text := trim(head)
	switch {
	case len(text) == 0:
		return false
	case isAdblockComment(text):
		return true
	case isHostsLine(text):
		return a.hosts.readLong(c, text)
	}

	why := skipOfHead(text)
	if why != 0 {
		c.skip(text, why)
	}
	return why != 0
}

// skipOfHead returns the reason to skip a rule of which only the head is known, or zero if its
// end decides. A modifier counts once its name is complete.
func skipOfHead(head []byte) Skip {
	rule, allows := bytes.CutPrefix(head, []byte("@@"))
	pattern, modifiers, ends := bytes.Cut(rule, []byte{'$'})
	end := hostLength(pattern)
	switch {
	case !ends && end == len(pattern): // the host may go on
		return 0
	case bytes.HasPrefix(rule, []byte{'/'}):
		return SkipRegex
	case isCosmetic(head), end < len(pattern) && pattern[end] == ',': // only cosmetic rules start with several names
		return SkipCosmetic
	}
	if _, _, why := cutHost(pattern); why != 0 {
		return why
	}

	last := bytes.LastIndexByte(modifiers, ',') + 1
	if bytes.IndexByte(modifiers[last:], '=') < 0 {
		modifiers = modifiers[:last]
	}
	action := indicator.ActionBlock
	if allows {
		action = indicator.ActionAllow
	}
	return checkModifiers(modifiers, action)
}

// readRule reads a rule that is not cosmetic.
func (a *adblockReader) readRule(c *collector, text []byte) {
	rule, action := text, indicator.ActionBlock
	if bytes.HasPrefix(rule, []byte("@@")) {
		rule, action = rule[2:], indicator.ActionAllow
	}
	if isRegexRule(rule) {
		c.skip(text, SkipRegex)
		return
	}

	pattern, modifiers, _ := bytes.Cut(rule, []byte{'$'})
	host, scope, why := cutHost(pattern)
	if why == 0 {
		why = a.modifiers.check(modifiers, action)
	}
	if why != 0 {
		c.skip(text, why)
		return
	}
	if mayBeAddress(host) {
		if block, err := parseBlock(bytes.Trim(host, "[]")); err == nil {
			c.addAddress(block, action)
			return
		}
	}
	c.addName(host, scope, action)
}

// wholeHost returns the name of a rule like `||name^`, which most rules are, or nil.
func wholeHost(rule []byte) []byte {
	last := len(rule) - 1
	if last < len("||x") || rule[0] != '|' || rule[1] != '|' || rule[last] != '^' || !isSimpleName(rule[2:last]) {
		return nil
	}
	return rule[2:last]
}

// cutHost returns the host of a rule that applies to the whole host, and the scope of the
// rule. For any other rule it returns the reason to skip it.
func cutHost(pattern []byte) (host []byte, scope indicator.Scope, why Skip) {
	host, scope = pattern, indicator.ScopeName
	anchored := true
	switch {
	case bytes.HasPrefix(host, []byte("||")):
		host, scope = host[2:], indicator.ScopeSubtree
	case bytes.HasPrefix(host, []byte("|")):
		host = host[1:]
	case bytes.HasPrefix(host, []byte("://")):
		host = host[3:]
	default:
		anchored = false
	}

	end := hostLength(host)
	host, tail := host[:end], string(host[end:])
	switch {
	case tail != "" && tail != "^" && tail != "|" && tail != "^|":
		return nil, 0, SkipURL
	case !anchored && tail != "":
		return nil, 0, SkipPattern // matches any host with this ending
	case tail == "" && !isWholeHost(host):
		return nil, 0, SkipPattern // matches any host with this beginning
	case !anchored && (host[0] == '-' || host[0] == '_'):
		return nil, 0, SkipPattern // the end of a path, such as -miner.js
	}

	if rest, found := bytes.CutPrefix(host, []byte("*.")); found {
		host, scope = rest, indicator.ScopeUnder
		if isAddress(host) {
			return nil, 0, SkipAddressWildcard
		}
	}
	if bytes.IndexByte(host, '*') >= 0 || len(host) > 0 && host[0] == '.' {
		return nil, 0, SkipPattern
	}
	return host, scope, 0
}

// hostLength returns the length of the host at the start of a pattern. Colons belong to the
// host if it is an IPv6 address, with or without brackets.
func hostLength(pattern []byte) int {
	if bytes.IndexByte(pattern, ':') >= 0 {
		if whole := bytes.TrimRight(pattern, "^|"); isAddress(bytes.Trim(whole, "[]")) {
			return len(whole)
		}
	}
	for i, c := range pattern {
		if !isNameByte[c] && c < 0x80 && c != '*' {
			return i
		}
	}
	return len(pattern)
}

// isWholeHost reports whether a host without an end anchor is complete. `||ads.` and
// `||adserv` are only beginnings of hosts.
func isWholeHost(host []byte) bool {
	dot := bytes.LastIndexByte(host, '.')
	return dot > 0 && dot < len(host)-1 || bytes.IndexByte(host, ':') >= 0
}

func isAdblockComment(text []byte) bool {
	switch text[0] {
	case '!':
		return true
	case '#': // but `##selector` and the like are rules
		return !isCosmetic(text)
	case '[': // a heading like `[Adblock Plus 2.0]`, but not an address
		return text[len(text)-1] == ']' && bytes.IndexByte(text, ':') < 0 && bytes.IndexByte(text, '$') < 0
	}
	return false
}

// isCosmetic reports whether a rule hides elements or changes styles, scripts or HTML: it has
// one of their separators, or starts with AdGuard's modifiers for them.
func isCosmetic(text []byte) bool {
	if bytes.IndexByte(text, '$') >= 0 &&
		(text[0] == '[' || bytes.Contains(text, []byte("$$")) || bytes.Contains(text, []byte("$@$"))) {
		return true
	}
	hash := bytes.IndexByte(text, '#')
	if hash < 0 {
		return false
	}
	separator := bytes.TrimLeft(text[hash+1:], "@?$%")
	if len(separator) < 2 || separator[0] != '#' {
		return false
	}
	return separator[1] != '#' && !isSpace(separator[1]) // otherwise a comment like `#### x ####`
}

// isHostsLine reports whether a line has an address and at least one more word.
func isHostsLine(text []byte) bool {
	if !isHex(text[0]) && text[0] != ':' {
		return false
	}
	word, names := cutWord(text)
	_, ok := parseHostsAddress(word)
	return ok && len(names) > 0
}

// isRegexRule reports whether a rule is `/regex/`, with or without modifiers.
func isRegexRule(rule []byte) bool {
	if len(rule) < 2 || rule[0] != '/' {
		return false
	}
	return rule[len(rule)-1] == '/' || bytes.Contains(rule[1:], []byte("/$"))
}

// modifierCache checks the modifiers after the `$` of a rule. It remembers the last result,
// because a list repeats few combinations.
type modifierCache struct {
	text   []byte
	action indicator.Action
	why    Skip
}

// check returns the reason to skip a rule with these modifiers, or zero if the rule still
// applies to its whole host at all times.
func (m *modifierCache) check(text []byte, action indicator.Action) Skip {
	if len(text) == 0 {
		return 0
	}
	if action != m.action || !bytes.Equal(text, m.text) {
		m.text, m.action = append(m.text[:0], text...), action
		m.why = checkModifiers(text, action)
	}
	return m.why
}

// checkModifiers reads a list of modifiers. A rule applies to a whole host if it blocks the
// host's pages (`all`, `document`) or only has modifiers that change nothing about that.
// Every other modifier narrows the rule, including any that are yet to be invented:
// third-party, content types, popup on its own, domain, denyallow, client, ctag, dnstype, app.
func checkModifiers(text []byte, action indicator.Action) Skip {
	whole, popup := false, false
	why := Skip(0)
	for len(text) > 0 {
		var modifier []byte
		modifier, text, _ = bytes.Cut(text, []byte{','})
		name, value, _ := bytes.Cut(trim(modifier), []byte{'='})
		switch string(bytes.ToLower(name)) {
		case "badfilter":
			return SkipBadFilter
		case "all", "document", "doc":
			whole = true
		case "popup":
			popup = true
		case "important", "network", "match-case", "_", "":
		case "dnsrewrite":
			why = max(why, checkRewrite(value, action))
		default:
			why = max(why, SkipNarrowed)
		}
	}
	if popup && !whole {
		why = max(why, SkipNarrowed)
	}
	return why
}

// checkRewrite reads the value of `$dnsrewrite`: a response code, an address, a name, or
// `code;type;value`. Failure codes, empty answers and addresses that lead nowhere are blocks.
func checkRewrite(value []byte, action indicator.Action) Skip {
	if action == indicator.ActionAllow {
		return SkipNarrowed // only cancels a rewrite
	}
	code, answer, _ := bytes.Cut(value, []byte{';'})
	switch string(bytes.ToUpper(code)) {
	case "NXDOMAIN", "REFUSED", "SERVFAIL":
		return 0
	case "NOERROR":
		_, data, _ := bytes.Cut(answer, []byte{';'})
		if len(data) == 0 || textLeadsNowhere(data) {
			return 0
		}
	default:
		if textLeadsNowhere(value) {
			return 0
		}
	}
	return SkipRewrite
}
