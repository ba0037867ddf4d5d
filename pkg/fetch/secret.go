package fetch

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
)

// Secret is what a server wants to see, and where. The zero Secret is none. It never
// prints its value.
type Secret struct {
	// Header, or Query, names what carries the value.
	Header, Query string
	Value         string
}

// minSecret is the length, in bytes, from which on it can be no chance that a word or a
// list holds a secret.
const minSecret = 8

// String hides the value.
func (s Secret) String() string { return "[secret]" }

// GoString hides the value.
func (s Secret) GoString() string { return "[secret]" }

// MarshalText hides the value, from JSON and from structured logs too.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// check refuses a value that no header or URL can carry as it is.
func (s Secret) check() error {
	if s.Header == "" && s.Query == "" {
		return nil
	}
	if len(s.Value) < minSecret {
		return refuse("the secret has %d characters, at least %d make one", len(s.Value), minSecret)
	}
	for i := range len(s.Value) {
		if s.Value[i] < ' ' || s.Value[i] > '~' {
			return refuse("the secret has a character at %d that is not printable ASCII", i)
		}
	}
	return nil
}

// addTo returns a URL with the secret in its query.
func (s Secret) addTo(u *url.URL) *url.URL {
	with, pair := *u, url.QueryEscape(s.Query)+"="+url.QueryEscape(s.Value)
	if with.RawQuery != "" {
		pair = with.RawQuery + "&" + pair // the order of the others is kept
	}
	with.RawQuery = pair
	return &with
}

// redactor finds a secret in what comes from outside.
type redactor struct {
	words []string // the secret, and what of it is a secret by itself
	forms []string // and how they are written elsewhere
}

func newRedactor(value string) redactor {
	var r redactor
	for _, word := range []string{value, value[strings.LastIndexByte(value, ' ')+1:]} { // "Bearer abc"
		if len(word) < minSecret {
			continue
		}
		r.words = append(r.words, word)
		r.forms = append(r.forms, word, url.QueryEscape(word), url.PathEscape(word),
			base64.StdEncoding.EncodeToString([]byte(word)), strings.Trim(strconv.Quote(word), `"`))
	}
	return r
}

// isIn reports whether text holds the secret, as it is or escaped in any way.
func (r *redactor) isIn(text string) bool {
	for _, form := range r.forms {
		if strings.Contains(text, form) {
			return true
		}
	}
	for _, plain := range unescaped(text) {
		for _, word := range r.words {
			if strings.Contains(plain, word) {
				return true
			}
		}
	}
	return false
}

// unescaped returns text as a path and as a query has it.
func unescaped(text string) (plain []string) {
	for _, unescape := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
		if text, err := unescape(text); err == nil {
			plain = append(plain, text)
		}
	}
	return plain
}

const (
	redacted    = "[secret]"
	notTold     = "[not told, because it repeats the secret]"
	toldOfWords = minSecret // characters of the secret in a row that may not be told
)

// clean takes the secret out of text. Parsers of what a server sends cut and escape it in
// ways of their own before they complain of it: where a part of the secret is left, nothing
// is told.
func (r *redactor) clean(text string) string {
	for _, form := range r.forms {
		text = strings.ReplaceAll(text, form, redacted)
	}
	for _, plain := range append(unescaped(text), text) {
		plain = strings.ToLower(plain)
		for _, word := range r.words {
			word = strings.ToLower(word)
			for i := range len(word) - toldOfWords + 1 {
				if strings.Contains(plain, word[i:i+toldOfWords]) {
					return notTold
				}
			}
		}
	}
	return text
}

// echo looks for a secret in a body as it passes.
type echo struct {
	secret []byte // empty: there is none to look for
	window []byte // the end of what passed, and what passes now
	found  bool
}

// Write looks through p. It never fails.
func (e *echo) Write(p []byte) (int, error) {
	if len(e.secret) == 0 || e.found {
		return len(p), nil
	}
	e.window = append(e.window, p...)
	e.found = bytes.Contains(e.window, e.secret)
	kept := min(len(e.window), len(e.secret)-1)
	e.window = append(e.window[:0], e.window[len(e.window)-kept:]...)
	return len(p), nil
}
