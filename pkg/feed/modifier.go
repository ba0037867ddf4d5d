package feed

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

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
