package fetch

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
)

// Secret is a value that a server requires in a header or in the query. The zero Secret is
// not sent. A Secret never prints its value.
type Secret struct {
	// Header or Query is the name of the header or parameter with the value.
	Header, Query string
	Value         string
}

// minSecret is the shortest secret, in bytes. A text or a list could contain a shorter one by
// chance.
const minSecret = 8

// String hides the value.
func (s Secret) String() string { return "[secret]" }

// GoString hides the value.
func (s Secret) GoString() string { return "[secret]" }

// MarshalText hides the value, in JSON and structured logs too.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// check refuses a value that a header or URL cannot contain unchanged.
func (s Secret) check() error {
	if s.Header == "" && s.Query == "" {
		return nil
	}
	if len(s.Value) < minSecret {
		return refuse("the secret has %d characters, the minimum is %d", len(s.Value), minSecret)
	}
	for i := range len(s.Value) {
		if s.Value[i] < ' ' || s.Value[i] > '~' {
			return refuse("the character of the secret at offset %d is not printable ASCII", i)
		}
	}
	return nil
}

// addTo returns a URL with the secret in its query.
func (s Secret) addTo(u *url.URL) *url.URL {
	with, pair := *u, url.QueryEscape(s.Query)+"="+url.QueryEscape(s.Value)
	if with.RawQuery != "" {
		pair = with.RawQuery + "&" + pair // the other parameters keep their order
	}
	with.RawQuery = pair
	return &with
}

// redactor finds a secret in text from a server.
type redactor struct {
	words []string // the secret, and the part of it that is a secret on its own
	forms []string // the words, and how they look when escaped
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

// isIn reports whether text contains the secret, unchanged or escaped.
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

// unescaped returns text after unescaping it as a path and as a query.
func unescaped(text string) (plain []string) {
	for _, unescape := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
		if text, err := unescape(text); err == nil {
			plain = append(plain, text)
		}
	}
	return plain
}

const (
	redacted = "[secret]"
	withheld = "[withheld, because it contains part of the secret]"
	// maxRun is the length of a part of the secret that clean withholds.
	maxRun = minSecret
)

// clean removes the secret from text. Parsers cut and escape a server's response in their
// own ways before they quote it in an error. If text still contains a part of the secret,
// clean withholds all of it.
func (r *redactor) clean(text string) string {
	for _, form := range r.forms {
		text = strings.ReplaceAll(text, form, redacted)
	}
	for _, plain := range append(unescaped(text), text) {
		plain = strings.ToLower(plain)
		for _, word := range r.words {
			word = strings.ToLower(word)
			for i := range len(word) - maxRun + 1 {
				if strings.Contains(plain, word[i:i+maxRun]) {
					return withheld
				}
			}
		}
	}
	return text
}

// echoDetector looks for a secret in the bytes that are written to it.
type echoDetector struct {
	secret []byte // may be empty
	window []byte // the end of the previous writes and the current one
	found  bool
}

// Write searches p. It never fails.
func (e *echoDetector) Write(p []byte) (int, error) {
	if len(e.secret) == 0 || e.found {
		return len(p), nil
	}
	e.window = append(e.window, p...)
	e.found = bytes.Contains(e.window, e.secret)
	kept := min(len(e.window), len(e.secret)-1)
	e.window = append(e.window[:0], e.window[len(e.window)-kept:]...)
	return len(p), nil
}
