package feed

import (
	"errors"
	"fmt"
	"strings"
)

var errOpenText = errors.New("pattern with a quote that does not close")

// tokenKind is a kind of tokens in a pattern.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenNumber
	tokenText // in quotes
	tokenSign
)

type token struct {
	kind tokenKind
	text []byte // of a text what is meant, without quotes and escapes
}

// lexer cuts a pattern into tokens.
type lexer struct {
	text  []byte
	token token // the current one
}

// is reports whether the current token is a certain word or sign.
func (l *lexer) is(text string) bool {
	return (l.token.kind == tokenWord || l.token.kind == tokenSign) && string(l.token.text) == text
}

// accept moves past a word or sign if it is there.
func (l *lexer) accept(text string) (bool, error) {
	if !l.is(text) {
		return false, nil
	}
	return true, l.advance()
}

// advance moves to the next token.
func (l *lexer) advance() error {
	l.text = trimLeft(l.text)
	if len(l.text) == 0 {
		l.token = token{}
		return nil
	}
	switch c := l.text[0]; {
	case c == '\'':
		return l.quoted()
	case isLetter(c) || c == '_':
		l.cut(tokenWord, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' || c == '-' })
	case isDigit(c) || c == '-' || c == '+':
		l.cut(tokenNumber, func(c byte) bool { return isDigit(c) || isLetter(c) || c == '.' || c == '-' || c == '+' })
	default:
		return l.sign()
	}
	return nil
}

// cut takes the first byte and all that are legal behind it.
func (l *lexer) cut(kind tokenKind, legal func(byte) bool) {
	end := 1
	for end < len(l.text) && legal(l.text[end]) {
		end++
	}
	l.take(kind, end)
}

func (l *lexer) take(kind tokenKind, length int) {
	l.token = token{kind, l.text[:length]}
	l.text = l.text[length:]
}

// signs of patterns, those first that another one begins.
var signs = []string{"==", "!=", "<>", "<=", ">=", "=", "<", ">", "[", "]", "(", ")", ",", ".", ":", "*"}

func (l *lexer) sign() error {
	for _, sign := range signs {
		if len(l.text) >= len(sign) && string(l.text[:len(sign)]) == sign {
			l.take(tokenSign, len(sign))
			return nil
		}
	}
	return fmt.Errorf("pattern with %q", l.text[0])
}

// quoted takes a text, in which a backslash stands before a quote or a backslash.
func (l *lexer) quoted() error {
	var decoded []byte // once there is an escape
	for i := 1; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == '\'':
			text := l.text[1:i]
			if decoded != nil {
				text = decoded
			}
			l.token = token{tokenText, text}
			l.text = l.text[i+1:]
			return nil
		case c == '\\':
			if i+1 == len(l.text) || strings.IndexByte(`\'`, l.text[i+1]) < 0 {
				return fmt.Errorf("pattern with an escape that is none: %q", shown(l.text[i:min(i+2, len(l.text))]))
			}
			if decoded == nil {
				decoded = append([]byte{}, l.text[1:i]...)
			}
			i++
			decoded = append(decoded, l.text[i])
		case decoded != nil:
			decoded = append(decoded, c)
		}
	}
	return errOpenText
}
