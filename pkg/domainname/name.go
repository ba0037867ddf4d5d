// Package domainname converts text to DNS owner names in a canonical form. A listed name
// and a queried name are equal if and only if their bytes are equal.
//
// The canonical form is lower-case ASCII without the final dot, with labels separated by
// unescaped dots (RFC 4034 section 6.2, as text). Names from lists and names from logs are
// treated differently:
//
//   - [Name] is a name from a list. Its text was written by people and tools, so it is
//     checked, and Unicode is converted by UTS 46 (non-transitional).
//   - [Query] is a name from a log. An attacker may have chosen it, and a packet can contain
//     any octet (RFC 2181 section 11). Only names that do not fit in a packet are refused,
//     nothing is decoded, and nothing is allocated.
//
// Escapes (`\.` and `\DDD`, RFC 1035 section 5.1) count as one octet and are kept as written.
// They are not decoded, because it is not known whether a log writes them in octal or
// decimal, and because decoding `\.` would move a label boundary.
package domainname

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Limits from RFC 1035 section 2.3.4. The limit of a name applies to the wire format, which
// has a length octet before each label and a zero octet for the root.
const (
	maxLabelOctets = 63
	maxWireOctets  = 255
	maxLabels      = 127
)

// The errors of [Parse]. [Query.Set] returns only those about empty or overlong names and
// labels.
var (
	ErrEmpty        = errors.New("empty name")
	ErrRoot         = errors.New("the root cannot be listed")
	ErrEmptyLabel   = errors.New("empty label")
	ErrLabelTooLong = errors.New("label longer than 63 octets")
	ErrNameTooLong  = errors.New("name longer than 255 octets")
	ErrOctet        = errors.New("character not allowed in a listed name")
	ErrUnicode      = errors.New("invalid internationalized name")
	ErrNumericTLD   = errors.New("last label is a number, as in a truncated address")
)

// Name is a listed owner name in canonical form, with at least one label. The zero Name is
// not a valid name. Names can be compared with == and used as map keys.
type Name struct{ text string }

// Parse returns the canonical form of a listed name. It drops a final dot, converts ASCII to
// lower case, and converts Unicode to A-labels. Labels may contain letters, digits, hyphens
// and underscores, in any position.
//
// ASCII names are never run through IDNA. DNS treats a malformed `xn--` label like any other,
// so a list may contain one.
func Parse(text string) (Name, error) {
	if isCanonical(text) { // most listed names are
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

// isCanonical reports whether text is already the canonical form of a name.
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

// uts46 converts by UTS 46, non-transitional. The STD3 rules are off because they forbid the
// underscore; [parseASCII] checks the result instead.
var uts46 = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.StrictDomainName(false),
	idna.VerifyDNSLength(false),
)

func parseUnicode(text string) (Name, error) {
	// No name of 255 octets needs more text than this. The limit keeps a hostile line
	// from taking long to normalize.
	if len(text) > 4*maxWireOctets {
		return Name{}, ErrNameTooLong
	}
	// The conversion would turn invalid UTF-8 into a different name.
	if !utf8.ValidString(text) {
		return Name{}, fmt.Errorf("%w: invalid UTF-8", ErrUnicode)
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
	if seen&letter == 0 { // a top-level domain is not all-numeric (RFC 3696 section 2)
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

// The classes of octets in a listed name. Classes of label octets are bits, so that their
// union describes a whole label or name.
const (
	illegal = 0
	dot     = 1
	digit   = 1 << 1
	letter  = 1 << 2 // or a hyphen or an underscore

	upperCase = 1 << 3
)

// octets holds the class of each octet.
var octets = classifyOctets()

func classifyOctets() (class [256]uint8) {
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
