package stixpattern

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

var errOpenQuote = errors.New("pattern has an unclosed quote")

// whitespace is what may separate two tokens.
const whitespace = " \t\r\n\v\f"

// maxShownBytes limits how much of a pattern an error repeats.
const maxShownBytes = 200

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenNumber
	tokenString
	tokenSign
)

// token is one token of a pattern. The text of a string has no quotes, and its escapes
// are decoded.
type token struct {
	kind tokenKind
	text []byte
}

// lexer splits a pattern into tokens.
type lexer struct {
	rest  []byte
	token token // the current one
}

// at reports whether the current token is this word or sign.
func (l *lexer) at(text string) bool {
	return (l.token.kind == tokenWord || l.token.kind == tokenSign) && string(l.token.text) == text
}

// accept moves past a word or sign if it is the current token, and reports whether it was.
func (l *lexer) accept(text string) (bool, error) {
	if !l.at(text) {
		return false, nil
	}
	return true, l.advance()
}

// advance moves to the next token.
func (l *lexer) advance() error {
	l.rest = bytes.TrimLeft(l.rest, whitespace)
	if len(l.rest) == 0 {
		l.token = token{}
		return nil
	}

	switch c := l.rest[0]; {
	case c == '\'':
		return l.readString()
	case isLetter(c) || c == '_':
		l.takeWhile(tokenWord, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' || c == '-' })
	case isDigit(c) || c == '-' || c == '+':
		l.takeWhile(tokenNumber, func(c byte) bool { return isDigit(c) || isLetter(c) || c == '.' || c == '-' || c == '+' })
	default:
		return l.readSign()
	}
	return nil
}

// takeWhile makes a token of the next byte and of the legal bytes after it.
func (l *lexer) takeWhile(kind tokenKind, legal func(byte) bool) {
	end := 1
	for end < len(l.rest) && legal(l.rest[end]) {
		end++
	}
	l.take(kind, end)
}

func (l *lexer) take(kind tokenKind, length int) {
	l.token = token{kind, l.rest[:length]}
	l.rest = l.rest[length:]
}

// signs lists the punctuation of patterns. A sign comes before any other that it starts with.
var signs = []string{"==", "!=", "<>", "<=", ">=", "=", "<", ">", "[", "]", "(", ")", ",", ".", ":", "*"}

func (l *lexer) readSign() error {
	for _, sign := range signs {
		if len(l.rest) >= len(sign) && string(l.rest[:len(sign)]) == sign {
			l.take(tokenSign, len(sign))
			return nil
		}
	}
	return fmt.Errorf("pattern has an unexpected character: %q", l.rest[0])
}

// readString reads a string in single quotes. A backslash escapes a quote or a backslash.
func (l *lexer) readString() error {
	var decoded []byte // set once the string has an escape
	for i := 1; i < len(l.rest); i++ {
		switch c := l.rest[i]; {
		case c == '\'':
			text := l.rest[1:i]
			if decoded != nil {
				text = decoded
			}
			l.token = token{tokenString, text}
			l.rest = l.rest[i+1:]
			return nil
		case c == '\\':
			if i+1 == len(l.rest) || strings.IndexByte(`\'`, l.rest[i+1]) < 0 {
				return fmt.Errorf("pattern has an invalid escape: %q", l.rest[i:min(i+2, len(l.rest))])
			}
			if decoded == nil {
				decoded = append([]byte{}, l.rest[1:i]...)
			}
			i++
			decoded = append(decoded, l.rest[i])
		case decoded != nil:
			decoded = append(decoded, c)
		}
	}
	return errOpenQuote
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
