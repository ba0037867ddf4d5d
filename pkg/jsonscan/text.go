package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/segmentio/asm/ascii"
)

// Text is a JSON string in its encoded form: without quotes, but with its escapes. The zero
// Text is not a string, which is different from the empty string.
type Text struct {
	raw     []byte
	escaped bool
}

// IsSet reports whether t is a string.
func (t Text) IsSet() bool { return t.raw != nil }

// Raw returns the bytes between the quotes.
func (t Text) Raw() []byte { return t.raw }

// Escaped reports whether the raw bytes contain an escape.
func (t Text) Escaped() bool { return t.escaped }

// Decode returns the value of t. If nothing is escaped, these are the raw bytes, otherwise
// Decode writes the value to scratch, which it grows if necessary. Bytes that are not valid
// UTF-8 are not changed.
func (t Text) Decode(scratch *[]byte) []byte {
	if !t.escaped {
		return t.raw
	}
	*scratch = t.Append((*scratch)[:0])
	return *scratch
}

// Append appends the value of t to dst.
func (t Text) Append(dst []byte) []byte {
	for i := 0; i < len(t.raw); {
		if t.raw[i] != '\\' {
			dst = append(dst, t.raw[i])
			i++
			continue
		}
		if t.raw[i+1] == 'u' {
			r, size := decodeRune(t.raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		dst = append(dst, unescape(t.raw[i+1]))
		i += 2
	}
	return dst
}

// Text moves past a string.
func (c *Cursor) Text() (Text, error) {
	if c.Next() != '"' {
		return Text{}, c.fail("want a string")
	}
	return c.quoted()
}

// TextOrSkip moves past the next value, and returns it if it is a string.
func (c *Cursor) TextOrSkip() (Text, error) {
	if c.Next() == '"' {
		return c.quoted()
	}
	return Text{}, c.Skip()
}

// quoted moves past the string whose opening quote is at the cursor.
func (c *Cursor) quoted() (Text, error) {
	start := c.pos + 1
	end := special(c.text, start)
	if end < len(c.text) && c.text[end] == '"' {
		c.pos = end + 1
		return Text{c.text[start:end:end], false}, nil
	}
	c.pos = end
	return c.escaped(start)
}

// escaped moves past a string that begins at start and may have an escape at the cursor.
func (c *Cursor) escaped(start int) (Text, error) {
	for escaped := false; ; {
		c.pos = special(c.text, c.pos)
		if c.pos == len(c.text) {
			return Text{}, c.fail("want a closing quote")
		}
		switch c.text[c.pos] {
		case '"':
			t := Text{c.text[start:c.pos:c.pos], escaped}
			c.pos++
			return t, nil
		case '\\':
			escaped = true
			if err := c.escape(); err != nil {
				return Text{}, err
			}
		default:
			return Text{}, c.fail("control character in a string")
		}
	}
}

// Plain moves past a string of printable ASCII without escapes and returns it without
// quotes. For any other value, ok is false and the cursor does not move. It is faster than
// [Cursor.Text] for long strings.
func (c *Cursor) Plain() (raw []byte, ok bool) {
	if c.Next() != '"' {
		return nil, false
	}

	start := c.pos + 1
	size := bytes.IndexByte(c.text[start:], '"')
	if size < 0 {
		return nil, false
	}

	raw = c.text[start : start+size : start+size]
	if !ascii.ValidPrint(raw) || bytes.IndexByte(raw, '\\') >= 0 {
		return nil, false
	}

	c.pos = start + size + 1
	return raw, true
}

// special returns the offset of the first quote, backslash or control character at or after
// i, or the length of the text. It checks eight bytes at a time. The lowest flagged byte of
// a word is always such a character; a borrow can only flag a wrong byte above it. Bytes
// from 0x80 on are never flagged.
func special(text []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	rest := text[i:]
	for ; len(rest) >= 8; rest = rest[8:] {
		word := binary.LittleEndian.Uint64(rest)
		below := (word - ones*' ') | ((word ^ ones*'"') - ones) | ((word ^ ones*'\\') - ones)
		if flags := below &^ word & highs; flags != 0 {
			return len(text) - len(rest) + bits.TrailingZeros64(flags)/8
		}
	}

	for ; len(rest) > 0; rest = rest[1:] {
		if b := rest[0]; b == '"' || b == '\\' || b < ' ' {
			break
		}
	}
	return len(text) - len(rest)
}

// escape moves past an escape, which starts with a backslash.
func (c *Cursor) escape() error {
	c.pos++
	switch {
	case c.pos == len(c.text):
		return c.fail("want an escape")
	case c.text[c.pos] != 'u':
		if unescape(c.text[c.pos]) == 0 {
			return c.fail("unknown escape")
		}
		c.pos++
		return nil
	case len(c.text)-c.pos < len("uXXXX") || hex(c.text[c.pos+1:]) < 0:
		return c.fail("want four hexadecimal digits")
	default:
		c.pos += len("uXXXX")
		return nil
	}
}

// unescape returns the byte that a one-letter escape stands for, or 0 if letter is not an
// escape.
func unescape(letter byte) byte {
	switch letter {
	case '"', '\\', '/':
		return letter
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return 0
	}
}

// decodeRune decodes the `\uXXXX`, or the surrogate pair of them, at the start of raw. Half
// of a pair becomes U+FFFD.
func decodeRune(raw []byte) (r rune, size int) {
	const single = len(`\uXXXX`)
	r = hex(raw[2:])
	if !utf16.IsSurrogate(r) {
		return r, single
	}
	if len(raw) >= 2*single && raw[single] == '\\' && raw[single+1] == 'u' {
		if r := utf16.DecodeRune(r, hex(raw[single+2:])); r != utf8.RuneError {
			return r, 2 * single
		}
	}
	return utf8.RuneError, single
}

// hex returns the value of the first four bytes of digits, or -1 if one of them is not a
// hexadecimal digit.
func hex(digits []byte) rune {
	var r rune
	for _, b := range digits[:4] {
		switch {
		case '0' <= b && b <= '9':
			b -= '0'
		case 'a' <= b|0x20 && b|0x20 <= 'f':
			b = b | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(b)
	}
	return r
}
