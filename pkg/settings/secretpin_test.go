package settings_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

const (
	vendorSecret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:vendor-AbCdEf"
	otherSecret  = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:other-AbCdEf"
)

func vendorFeed() settings.Feed {
	return settings.Feed{URL: "https://vendor.example/list.csv", SecretARN: vendorSecret, SecretKey: "token", SecretHeader: "Auth-Key"}
}

// A pin holds for one feed, secret, member, host and place in the request.
func TestFeed_SecretPinned(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		id     string
		change func(f *settings.Feed)
		want   bool
	}{
		{name: "as deployed", want: true},
		{name: "another path and query", want: true, change: func(f *settings.Feed) { f.URL = "https://vendor.example/new.csv?all=1" }},
		{name: "the same host in capitals, with its port", want: true, change: func(f *settings.Feed) { f.URL = "https://Vendor.EXAMPLE:443/" }},
		{name: "the same header in capitals", want: true, change: func(f *settings.Feed) { f.SecretHeader = "AUTH-KEY" }},
		{name: "another severity", want: true, change: func(f *settings.Feed) { f.Severity = "high" }},
		{name: "no secret", want: true, change: func(f *settings.Feed) { *f = settings.Feed{URL: "https://attacker.example/"} }},
		{name: "another feed", id: "phishing"},
		{name: "another host", change: func(f *settings.Feed) { f.URL = "https://attacker.example/list.csv" }},
		{name: "a subdomain", change: func(f *settings.Feed) { f.URL = "https://x.vendor.example/list.csv" }},
		{name: "another port", change: func(f *settings.Feed) { f.URL = "https://vendor.example:8443/list.csv" }},
		{name: "no URL that can be parsed", change: func(f *settings.Feed) { f.URL = "https://[" }},
		{name: "another secret", change: func(f *settings.Feed) { f.SecretARN = otherSecret }},
		{name: "another member", change: func(f *settings.Feed) { f.SecretKey = "password" }},
		{name: "another header", change: func(f *settings.Feed) { f.SecretHeader = "X" }},
		{name: "the query instead", change: func(f *settings.Feed) { f.SecretHeader, f.SecretQuery = "", "Auth-Key" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for kind, isToken := range map[string]func(string) bool{
				"an ARN that is known": func(string) bool { return false },
				"an ARN of a token":    func(string) bool { return true },
			} {
				pins := settings.PinSecrets(map[string]settings.Feed{"vendor": vendorFeed(), "free": {URL: "https://free.example/"}}, isToken)
				feed, id := vendorFeed(), "vendor"
				if tc.change != nil {
					tc.change(&feed)
				}
				if tc.id != "" {
					id = tc.id
				}
				if got := feed.SecretPinned(id, pins); got != tc.want {
					t.Errorf("%s: %t, want %t", kind, got, tc.want)
				}
			}
		})
	}
}

// Without pins, as in the configuration of an earlier release, no secret may be sent.
func TestFeed_SecretPinned_without(t *testing.T) {
	t.Parallel()
	feed := vendorFeed()
	for _, pins := range [][]string{nil, {}, {""}, {vendorSecret}, {vendorSecret + " "}, {" " + vendorSecret + " x"}} {
		if feed.SecretPinned("vendor", pins) {
			t.Errorf("pinned by %q", pins)
		}
	}
}

// A pin takes 14 bytes and a blank, and feeds that share a secret share its ARN.
func TestPinSecrets(t *testing.T) {
	t.Parallel()
	feeds := map[string]settings.Feed{"b": vendorFeed(), "a": vendorFeed(), "uploaded": {SecretARN: vendorSecret}, "free": {}}
	known := settings.PinSecrets(feeds, func(string) bool { return false })
	if len(known) != 1 || len(known[0]) != 14+1+14 || known[0][:14] == known[0][15:] {
		t.Errorf("pins %q", known)
	}
	token := settings.PinSecrets(feeds, func(string) bool { return true })
	if len(token) != 1 || !strings.HasPrefix(token[0], vendorSecret+" ") || len(token[0]) != len(vendorSecret)+2*15 {
		t.Errorf("pins %q", token)
	}
	if again := settings.PinSecrets(feeds, func(string) bool { return true }); !slices.Equal(token, again) {
		t.Errorf("pins %q, then %q", token, again)
	}
}
