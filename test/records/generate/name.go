package generate

import (
	"fmt"
	"strings"
)

// name returns a query name: listed, near a listed one, unknown, or hostile.
func (g *Generator) name() string {
	r := g.random
	listed := listedName(r.IntN(listedNames))
	var name string
	switch n := r.IntN(100); {
	case n < 8:
		name = listed
	case n < 14:
		name = fmt.Sprintf("w%d.%s", r.IntN(50), listed)
	case n < 17:
		name = "not" + listed // a string suffix of it, but not a subdomain
	case n < 19:
		_, name, _ = strings.Cut(listed, ".")
	case n < 21:
		name = fmt.Sprintf("only-%d.test", 1+r.IntN(3))
	case n < 23:
		name = "www.fine.evil.example"
	case n < 26:
		return g.hostileName(listed)
	default:
		name = fmt.Sprintf("h%d.site%d.example", r.IntN(100), r.IntN(100_000))
	}

	if r.IntN(10) == 0 {
		name = g.mixCase(name)
	}
	if r.IntN(5) > 0 {
		name += "."
	}
	return name
}

// mixCase changes the case of letters, as resolvers do that use the case as a nonce.
func (g *Generator) mixCase(name string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' && g.random.IntN(2) == 0 {
			return c - 'a' + 'A'
		}
		return c
	}, name)
}

// hostileNames are names that a reader can take for another name, and texts that are not names.
// LISTED is a listed name.
var hostileNames = []string{
	"", ".", ".LISTED", "a..LISTED", "LISTED..", `LISTED\`, "LISTED\uff0e",
	`evil\.example.test.`, `x\\.LISTED.`, `\052.LISTED.`, `a\000b.LISTED`, `\100\255\256\999.LISTED.`,
	"=cmd|' /C calc'!A0.LISTED",
	"\x1b[2J\u202e<script>\u2028\u2029\x00\r\n\"},{.LISTED",
	"\xff\xfe\xc0\xaf.LISTED",
	"\u0435vil.example.",
}

// hostileName returns one of them, or a name that is too long or nearly so.
func (g *Generator) hostileName(listed string) string {
	r := g.random
	switch n := r.IntN(len(hostileNames) + 6); n - len(hostileNames) {
	case 0:
		return strings.Repeat("l", 63) + "." + listed + "."
	case 1:
		return strings.Repeat("l", 64) + "." + listed + "."
	case 2:
		return strings.Repeat("abcdefg.", r.IntN(34)) + listed + "."
	case 3:
		return strings.Repeat("x.", 1000) + listed
	case 4:
		return strings.Repeat("n", 1+r.IntN(20_000))
	case 5:
		return strings.ToUpper(listed) + "."
	default:
		return strings.ReplaceAll(hostileNames[n], "LISTED", listed)
	}
}
