// Package domainname turns text into DNS owner names in one canonical form, so
// that a listed name and a queried name are equal exactly when their bytes are.
//
// The canonical form is lower-case ASCII without the final dot, labels split on
// unescaped dots (RFC 4034 section 6.2, as text). The two sides differ on purpose:
//
//   - [Name] is a listed name. Text comes from people and tools, so it is checked
//     and, where it is Unicode, converted by UTS 46 (non-transitional).
//   - [Query] is a name out of a log. An attacker chose it and the wire carries any
//     octet (RFC 2181 section 11), so nothing is refused but what no packet can
//     hold, nothing is decoded, and nothing is allocated.
//
// Escapes (`\.` and `\DDD`, RFC 1035 section 5.1) count as one octet and stay as
// they were written: whether a log writes them in octal or decimal is unknown, and
// decoding `\.` would move a label boundary.
package domainname

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Limits of RFC 1035 section 2.3.4. The name limit is in wire format: a length
// octet before each label and the root's zero octet.
const (
	maxLabelOctets = 63
	maxWireOctets  = 255
	maxLabels      = 127
)

// Errors of [Parse]. Those of [Query.Set] are the ones that speak of lengths and
// empty labels.
var (
	ErrEmpty        = errors.New("empty name")
	ErrRoot         = errors.New("the root is no name to list")
	ErrEmptyLabel   = errors.New("empty label")
	ErrLabelTooLong = errors.New("label over 63 octets")
	ErrNameTooLong  = errors.New("name over 255 octets")
	ErrOctet        = errors.New("octet that no listed name holds")
	ErrUnicode      = errors.New("no valid internationalised name")
	ErrNumericTLD   = errors.New("last label is a number, as in a cut address")
)

// Name is a listed owner name in canonical form, of one label or more. The zero
// Name is no name. Names are comparable and safe as map keys.
type Name struct{ text string }

// Parse returns the canonical form of a listed name. A final dot is dropped, ASCII
// is lower-cased, Unicode is converted to A-labels. Letters, digits, hyphen and
// underscore are legal octets; an underscore label is as valid as any.
//
// ASCII names are never run through IDNA: DNS answers for a malformed `xn--` label
// like for any other, so a list may name it.
func Parse(text string) (Name, error) {
	if isCanonical(text) { // as most lists are
		return Name{text}, nil
	}
	if text == "" {
		return Name{}, ErrEmpty
	}
	for i := range len(text) {
		if text[i] >= 0x80 {
			return parseUnicode(text)
		}
	}
	return parseASCII(text)
}

// String returns the canonical text, without a final dot.
func (n Name) String() string { return n.text }

// IsZero reports whether n is the zero Name.
func (n Name) IsZero() bool { return n.text == "" }

// Labels returns the number of labels.
func (n Name) Labels() int {
	if n.text == "" {
		return 0
	}
	return strings.Count(n.text, ".") + 1
}

// Parent returns n without its first label, and false if n has just one.
func (n Name) Parent() (Name, bool) {
	_, parent, found := strings.Cut(n.text, ".")
	return Name{parent}, found
}

// isCanonical reports whether text is the canonical form of a name as it stands.
func isCanonical(text string) bool {
	if len(text)+2 > maxWireOctets {
		return false
	}
	start, seen := 0, uint8(0)
	for i := range len(text) {
		switch octet := octets[text[i]]; octet {
		case digit, letter:
			seen |= octet
		case dot:
			if checkLabel(i-start) != nil {
				return false
			}
			start, seen = i+1, 0
		default:
			return false
		}
	}
	return seen&letter != 0 && checkLabel(len(text)-start) == nil
}

// uts46 converts by UTS 46, non-transitional. STD3 rules are off because they
// refuse the underscore; [parseASCII] checks the octets of the result.
var uts46 = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.StrictDomainName(false),
	idna.VerifyDNSLength(false),
)

func parseUnicode(text string) (Name, error) {
	// No name of 255 octets needs more text than this; the bound keeps a hostile
	// line from being folded and normalised at length.
	if len(text) > 4*maxWireOctets {
		return Name{}, ErrNameTooLong
	}
	// The conversion would turn broken UTF-8 into a name of its own.
	if !utf8.ValidString(text) {
		return Name{}, fmt.Errorf("%w: broken UTF-8", ErrUnicode)
	}
	ascii, err := uts46.ToASCII(text)
	if err != nil {
		return Name{}, fmt.Errorf("%w: %w", ErrUnicode, err)
	}
	if ascii == "" {
		return Name{}, ErrEmpty
	}
	return parseASCII(ascii)
}

func parseASCII(text string) (Name, error) {
	if text == "." {
		return Name{}, ErrRoot
	}
	text = strings.TrimSuffix(text, ".")
	if len(text)+2 > maxWireOctets {
		return Name{}, ErrNameTooLong
	}
	start, seen := 0, uint8(0)
	for i := range len(text) {
		switch octet := octets[text[i]]; octet {
		case illegal:
			return Name{}, fmt.Errorf("%w: %q", ErrOctet, text[i])
		case dot:
			if err := checkLabel(i - start); err != nil {
				return Name{}, err
			}
			start, seen = i+1, seen&^letter
		default:
			seen |= octet
		}
	}
	if err := checkLabel(len(text) - start); err != nil {
		return Name{}, err
	}
	if seen&letter == 0 { // RFC 3696 section 2: a top-level domain is not all-numeric
		return Name{}, ErrNumericTLD
	}
	if seen&upperCase != 0 {
		text = strings.ToLower(text)
	}
	return Name{text}, nil
}

func checkLabel(octets int) error {
	switch {
	case octets == 0:
		return ErrEmptyLabel
	case octets > maxLabelOctets:
		return ErrLabelTooLong
	}
	return nil
}

// Classes of octets in a listed name. Those of labels are bits: what a name holds is
// their union.
const (
	illegal = 0
	dot     = 1
	digit   = 1 << 1
	letter  = 1 << 2 // and hyphen, underscore

	upperCase = 1 << 3
)

var octets = classify()

func classify() (class [256]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		class[c] = letter
		class[c-'a'+'A'] = letter | upperCase
	}
	for c := '0'; c <= '9'; c++ {
		class[c] = digit
	}
	class['-'], class['_'], class['.'] = letter, letter, dot
	return class
}
