package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Defaults and bounds of fetching a feed by its URL.
const (
	DefaultSchedule     = "rate(1 hour)"
	DefaultFetchTimeout = 2 * time.Minute
	MinFetchTimeout     = time.Second
	MaxFetchTimeout     = 10 * time.Minute // the importer itself has 15
	MinFetchInterval    = 5 * time.Minute
)

// maxURLBytes leaves room for the rest of a list's provenance: S3 keeps 2 KB of metadata.
const maxURLBytes = 1024

// ValidateSource reports everything that makes it impossible to fetch the feed. Its
// error joins every problem; feeds without a URL must have none of the other settings.
func (f *Feed) ValidateSource() error {
	if f.URL == "" {
		return f.checkNoSource()
	}
	problems := []error{CheckURL(f.URL), f.checkSecret(), f.checkFetchBounds()}
	if f.Schedule != "" {
		problems = append(problems, CheckSchedule(f.Schedule))
	}
	return errors.Join(problems...)
}

// FetchTimeout returns the bound of one fetch. The settings must be valid.
func (f *Feed) FetchTimeout() time.Duration {
	if timeout, err := ParseDuration(f.Timeout); err == nil {
		return timeout
	}
	return DefaultFetchTimeout
}

func (f *Feed) checkNoSource() error {
	var problems []error
	for _, member := range []struct {
		name string
		set  bool
	}{
		{"schedule", f.Schedule != ""},
		{"allow", f.Allow},
		{"secretArn", f.SecretARN != ""},
		{"secretKey", f.SecretKey != ""},
		{"secretHeader", f.SecretHeader != ""},
		{"secretQuery", f.SecretQuery != ""},
		{"maxBytes", f.MaxBytes != 0},
		{"timeout", f.Timeout != ""},
	} {
		if member.set {
			problems = append(problems, fmt.Errorf("%s: needs a url", member.name))
		}
	}
	return errors.Join(problems...)
}

// CheckURL makes sure that text is a URL that a list may be fetched from: https, a host,
// no user, no fragment, at most 1,024 bytes. Which addresses the host has is looked at
// when it is fetched; one that is an address already must not be of a private network.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("url: must be one") // its text may hold a password
	}
	refuse := func(rule string) error { return fmt.Errorf("url %q: %s", showURL(u), rule) }
	switch {
	case u.User != nil:
		return refuse("must not hold a user or password, use secretArn")
	case len(text) > maxURLBytes:
		return refuse(fmt.Sprintf("must be at most %d bytes", maxURLBytes))
	case u.Scheme != "https":
		return refuse("must begin with https://")
	case u.Hostname() == "":
		return refuse("must name a host")
	case strings.ContainsFunc(u.Host, func(c rune) bool { return c <= ' ' || c > '~' }):
		return refuse("the host must be in ASCII, an international name as xn--...")
	case strings.Contains(text, "#"):
		return refuse("must not have a fragment (#)")
	case !isPort(u.Port()):
		return refuse("the port must be in [1, 65535]")
	case isLocalHost(u.Hostname()):
		return refuse("must be a public host, not one of this machine or of a private network")
	}
	return nil
}

// showURL returns what of a URL may be told: query and user can be secrets.
func showURL(u *url.URL) string {
	const maxShown = 100
	text := (&url.URL{Scheme: u.Scheme, Opaque: u.Opaque, Host: u.Host, Path: u.Path}).String()
	if len(text) > maxShown {
		return text[:maxShown] + "..."
	}
	return text
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && port > 0
}

// isLocalHost knows the hosts that are private by their looks.
func isLocalHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	address = address.Unmap()
	return err == nil && (!address.IsGlobalUnicast() || address.IsPrivate())
}

// isSecretARN knows arn:<partition>:secretsmanager:<region>:<account>:secret:<name>. One
// that the CDK resolves at deployment only stands as a token during synthesis, of which
// nothing can be said.
func isSecretARN(text string) bool {
	if strings.Contains(text, "${Token[") {
		return true
	}
	parts := strings.Split(text, ":")
	const words = lowerLetters + digits + "-"
	return len(parts) == 7 && parts[0] == "arn" && strings.HasPrefix(parts[1], "aws") && consistsOf(parts[1], words) &&
		parts[2] == "secretsmanager" && parts[3] != "" && consistsOf(parts[3], words) &&
		len(parts[4]) == 12 && consistsOf(parts[4], digits) &&
		parts[5] == "secret" && parts[6] != "" && consistsOf(parts[6], letters+digits+"/_+=.@-")
}

const letters = lowerLetters + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// tokenCharacters are those of a header's name (RFC 9110 section 5.6.2).
const tokenCharacters = letters + digits + "!#$%&'*+-.^_`|~"

// ownHeaders are those that fetching sets by itself, or that must not be a user's.
var ownHeaders = []string{
	"accept", "accept-encoding", "connection", "content-length", "host", "if-modified-since", "if-none-match",
	"range", "te", "transfer-encoding", "upgrade", "user-agent",
}

func (f *Feed) checkSecret() error {
	var problems []error
	named := f.SecretHeader != "" || f.SecretQuery != ""
	switch {
	case f.SecretARN == "" && (named || f.SecretKey != ""):
		problems = append(problems, errors.New("secretArn: must be set where secretHeader, secretQuery or secretKey is"))
	case f.SecretARN != "" && !named:
		problems = append(problems, errors.New("secretArn: needs secretHeader or secretQuery, which say how it is sent"))
	case f.SecretARN != "" && !isSecretARN(f.SecretARN):
		problems = append(problems, fmt.Errorf("secretArn %q: must be the ARN of a Secrets Manager secret", f.SecretARN))
	}
	if f.SecretHeader != "" && f.SecretQuery != "" {
		problems = append(problems, errors.New("secretHeader and secretQuery: must not both be set"))
	}
	if f.SecretHeader != "" && !consistsOf(f.SecretHeader, tokenCharacters) {
		problems = append(problems, fmt.Errorf("secretHeader %q: must be the name of a header", f.SecretHeader))
	}
	if slices.Contains(ownHeaders, strings.ToLower(f.SecretHeader)) {
		problems = append(problems, fmt.Errorf("secretHeader %q: is set by the fetch itself", f.SecretHeader))
	}
	if u, err := url.Parse(f.URL); err == nil && f.SecretQuery != "" && u.Query().Has(f.SecretQuery) {
		problems = append(problems, fmt.Errorf("secretQuery %q: stands in the url already", f.SecretQuery))
	}
	return errors.Join(problems...)
}

func (f *Feed) checkFetchBounds() error {
	var problems []error
	if f.MaxBytes < 0 {
		problems = append(problems, fmt.Errorf("maxBytes %d: must be above 0", f.MaxBytes))
	}
	if f.Timeout != "" {
		timeout, err := ParseDuration(f.Timeout)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("timeout: %w", err))
		case timeout < MinFetchTimeout || timeout > MaxFetchTimeout:
			problems = append(problems, fmt.Errorf("timeout %q: must be from %v to %v", f.Timeout, MinFetchTimeout, MaxFetchTimeout))
		}
	}
	return errors.Join(problems...)
}
