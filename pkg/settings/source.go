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

// Constants of fetching a feed by its URL.
const (
	// FetchTimeout is the time limit of one fetch, from the first name lookup to the last byte.
	// It leaves most of [ImporterTimeout] for reading the list.
	FetchTimeout = 5 * time.Minute
	// minFetchInterval is the shortest time between two fetches, because publishers of lists
	// block clients that ask more often.
	minFetchInterval = 5 * time.Minute
)

// maxURLBytes leaves room for the rest of a list's provenance: S3 keeps 2 KB of metadata.
const maxURLBytes = 1024

// ValidateSource checks the settings about fetching. Its error joins all problems. A feed
// without a URL must not have any of the other settings.
func (f *Feed) ValidateSource() error {
	if f.URL == "" {
		return f.checkNoSource()
	}
	problems := []error{CheckURL(f.URL), f.checkSecret()}
	if f.Schedule != "" {
		problems = append(problems, checkSchedule(f.Schedule))
	}
	return errors.Join(problems...)
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
	} {
		if member.set {
			problems = append(problems, fmt.Errorf("%s: needs a url", member.name))
		}
	}
	return errors.Join(problems...)
}

// CheckURL checks the URL of a list: https, a host, no user, no fragment, at most 1,024 bytes.
// A host that is an address must not be in a private network. The addresses of other hosts are
// checked when the list is fetched.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("url: must be a URL") // the text may contain a password
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

// showURL returns the parts of a URL that an error may show: the query and the user can be
// secrets.
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

// isLocalHost reports whether a host is of this machine or of a private network, as far as its
// text shows it.
func isLocalHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	address = address.Unmap()
	return err == nil && (!address.IsGlobalUnicast() || address.IsPrivate())
}

// isSecretARN reports whether text has the form
// arn:<partition>:secretsmanager:<region>:<account>:secret:<name>. It accepts a token of the
// CDK, whose value is not known during synthesis.
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

// tokenCharacters are the characters in the name of a header (RFC 9110 section 5.6.2).
const tokenCharacters = letters + digits + "!#$%&'*+-.^_`|~"

// ownHeaders are the headers that fetching sets by itself, or that a user must not set.
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
		problems = append(problems, fmt.Errorf("secretQuery %q: is in the url already", f.SecretQuery))
	}
	return errors.Join(problems...)
}
