package feed

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// adblockReader reads Adblock Plus and AdGuard lists, of which the rules that hold
// for a whole host count: `||x^`, `||x`, `|x^`, `://x^` and a bare name or address,
// with modifiers that do not narrow them (see [modifiers]). `@@` makes an allow entry.
//
// Rules for URLs, patterns and cosmetic rules are skipped. So is `$badfilter`: the
// rule it would cancel was emitted before, and still counts. Lines of hosts files,
// which AdGuard allows in between, are read as such.
type adblockReader struct {
	modifiers modifiers
	hosts     hostsReader
}

func (a *adblockReader) line(c *collector, line []byte) {
	text := trim(line)
	if name := wholeHost(text); name != nil {
		c.name(name, indicator.ScopeSubtree, indicator.ActionBlock)
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
		a.hosts.line(c, text)
		return
	}
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
		why = a.modifiers.narrow(modifiers, action)
	}
	if why != 0 {
		c.skip(text, why)
		return
	}
	if mayBeAddress(host) {
		if block, err := parseBlock(bytes.Trim(host, "[]")); err == nil {
			c.address(block, action)
			return
		}
	}
	c.name(host, scope, action)
}

func (a *adblockReader) end(*collector) {}

// wholeHost returns the name of `||name^`, which most rules are, or nil.
func wholeHost(rule []byte) []byte {
	last := len(rule) - 1
	if last < len("||x") || rule[0] != '|' || rule[1] != '|' || rule[last] != '^' || !isSimpleName(rule[2:last]) {
		return nil
	}
	return rule[2:last]
}

// cutHost returns the host of a rule that holds for all of it, and how far it
// reaches, or why there is none.
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
		return nil, 0, SkipPattern // any host that ends so
	case tail == "" && !isWholeHost(host):
		return nil, 0, SkipPattern // any host that begins so
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

// hostLength returns how many bytes of a pattern may belong to a host. Colons do in
// an IPv6 address, with or without brackets.
func hostLength(pattern []byte) int {
	if bytes.IndexByte(pattern, ':') >= 0 {
		if whole := bytes.TrimRight(pattern, "^|"); isAddress(bytes.Trim(whole, "[]")) {
			return len(whole)
		}
	}
	for i, c := range pattern {
		if !simple[c] && c < 0x80 && c != '*' {
			return i
		}
	}
	return len(pattern)
}

// isWholeHost reports whether a host that nothing ends is meant to end there:
// `||ads.` and `||adserv` are beginnings.
func isWholeHost(host []byte) bool {
	dot := bytes.LastIndexByte(host, '.')
	return dot > 0 && dot < len(host)-1 || bytes.IndexByte(host, ':') >= 0
}

func isAdblockComment(text []byte) bool {
	switch text[0] {
	case '!':
		return true
	case '#': // not `##selector` and its kin
		return !isCosmetic(text)
	case '[': // a heading like `[Adblock Plus 2.0]`, not an address
		return text[len(text)-1] == ']' && bytes.IndexByte(text, ':') < 0 && bytes.IndexByte(text, '$') < 0
	}
	return false
}

// isCosmetic reports whether a rule has one of the separators of element hiding,
// style, script and HTML rules, or begins with the modifiers of AdGuard's.
func isCosmetic(text []byte) bool {
	if bytes.IndexByte(text, '$') >= 0 &&
		(text[0] == '[' || bytes.Contains(text, []byte("$$")) || bytes.Contains(text, []byte("$@$"))) {
		return true
	}
	mark := bytes.IndexByte(text, '#')
	if mark < 0 {
		return false
	}
	separator := bytes.TrimLeft(text[mark+1:], "@?$%")
	if len(separator) < 2 || separator[0] != '#' {
		return false
	}
	return separator[1] != '#' && !isSpace(separator[1]) // else a banner
}

// isHostsLine reports whether a line begins with an address and has more words.
func isHostsLine(text []byte) bool {
	if !isHex(text[0]) && text[0] != ':' {
		return false
	}
	word, names := cutWord(text)
	_, err := parseAddress(word)
	return err == nil && len(names) > 0
}

// isRegexRule reports whether a rule is `/regex/`, with or without modifiers.
func isRegexRule(rule []byte) bool {
	if len(rule) < 2 || rule[0] != '/' {
		return false
	}
	return rule[len(rule)-1] == '/' || bytes.Contains(rule[1:], []byte("/$"))
}

// modifiers judges what follows the `$` of an Adblock rule. It remembers the last
// judgement, since a list repeats few.
type modifiers struct {
	text   []byte
	action indicator.Action
	why    Skip
}

// narrow returns why a rule with these modifiers does not hold for its whole host at
// all times, or zero if it does.
func (m *modifiers) narrow(text []byte, action indicator.Action) Skip {
	if len(text) == 0 {
		return 0
	}
	if action != m.action || !bytes.Equal(text, m.text) {
		m.text, m.action = append(m.text[:0], text...), action
		m.why = judge(text, action)
	}
	return m.why
}

// judge reads a list of modifiers. A rule holds for a whole host if it blocks its
// pages (`all`, `document`) or has modifiers only that change nothing about that.
// Every modifier that is not known narrows: third-party, content types, popup alone,
// domain, denyallow, client, ctag, dnstype, app and all to come.
func judge(text []byte, action indicator.Action) Skip {
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
			why = max(why, judgeRewrite(value, action))
		default:
			why = max(why, SkipNarrowed)
		}
	}
	if popup && !whole {
		why = max(why, SkipNarrowed)
	}
	return why
}

// judgeRewrite reads the value of `$dnsrewrite`: a response code, an address, a name,
// or `code;type;value`. Codes of failure, empty answers and addresses that lead
// nowhere block.
func judgeRewrite(value []byte, action indicator.Action) Skip {
	if action == indicator.ActionAllow {
		return SkipNarrowed // cancels a rewrite only
	}
	code, answer, _ := bytes.Cut(value, []byte{';'})
	switch string(bytes.ToUpper(code)) {
	case "NXDOMAIN", "REFUSED", "SERVFAIL":
		return 0
	case "NOERROR":
		_, data, _ := bytes.Cut(answer, []byte{';'})
		if len(data) == 0 || isNowhere(data) {
			return 0
		}
	default:
		if isNowhere(value) {
			return 0
		}
	}
	return SkipRewrite
}
