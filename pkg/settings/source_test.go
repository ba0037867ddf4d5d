package settings_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

const someSecret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:feeds/vendor-AbCdEf"

func TestFeed_Validate_fine(t *testing.T) {
	t.Parallel()
	none, all := 0, 100
	for name, feed := range map[string]settings.Feed{
		"nothing":              {},
		"an upload":            {Format: "csv", Column: "host", Severity: "High", Confidence: &none, MaxAge: settings.Duration(36 * time.Hour)},
		"a URL alone":          {URL: "https://lists.example/all.txt"},
		"with a port":          {URL: "https://lists.example:8443/all.txt?format=csv"},
		"an address":           {URL: "https://192.0.2.1/", Confidence: &all},
		"an allow list":        {URL: "https://lists.example/", Allow: true, Schedule: "rate(1 day)"},
		"a secret header":      {URL: "https://lists.example/", SecretARN: someSecret, SecretHeader: "Auth-Key"},
		"a member as query":    {URL: "https://lists.example/", SecretARN: someSecret, SecretKey: "token", SecretQuery: "auth-key"},
		"a secret in China":    {URL: "https://lists.example/", SecretARN: strings.Replace(someSecret, "aws:", "aws-cn:", 1), SecretHeader: "X-Key"},
		"a secret of the CDK":  {URL: "https://lists.example/", SecretARN: "${Token[TOKEN.12]}", SecretHeader: "X-Key"},
		"the longest of bytes": {URL: "https://lists.example/" + strings.Repeat("a", 1002)},
	} {
		if err := feed.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFeed_Validate_problems(t *testing.T) {
	t.Parallel()
	with := func(change func(*settings.Feed)) settings.Feed {
		feed := settings.Feed{URL: "https://lists.example/"}
		change(&feed)
		return feed
	}
	negative, above := -1, 101
	for _, tc := range []struct {
		name string
		in   settings.Feed
		want string // all problems, one a line
	}{{
		name: "words",
		in:   settings.Feed{Format: "cvs", Scope: "all", Severity: "bad", Confidence: &above, MaxAge: -1},
		want: `format: "cvs": must be one of plain, hosts, adblock, dnsmasq, unbound, bind, rpz, wildcard, csv, json, misp, stix
scope: "all": must be one of name, subtree, under
severity: "bad": must be one of low, medium, high, critical
confidence: 101: must be in [0, 100]
maxAge: "-1ns": must be at least 1s`,
	}, {
		name: "a column of hosts",
		in:   settings.Feed{Format: "hosts", Column: "host", Confidence: &negative},
		want: "confidence: -1: must be in [0, 100]\ncolumn \"host\": a hosts list has no columns",
	}, {
		name: "fetching without a URL",
		in:   settings.Feed{Schedule: "rate(1 hour)", Allow: true, SecretARN: "x", SecretKey: "x", SecretHeader: "x", SecretQuery: "x"},
		want: "schedule: needs a url\nallow: needs a url\nsecretArn: needs a url\nsecretKey: needs a url\n" +
			"secretHeader: needs a url\nsecretQuery: needs a url",
	}, {
		name: "header and query",
		in:   with(func(f *settings.Feed) { f.SecretARN, f.SecretHeader, f.SecretQuery = someSecret, "X-Key", "key" }),
		want: "secretHeader and secretQuery: must not both be set",
	}, {
		name: "a secret without a name",
		in:   with(func(f *settings.Feed) { f.SecretARN = someSecret }),
		want: "secretArn: needs secretHeader or secretQuery, which say how it is sent",
	}, {
		name: "a name without a secret",
		in:   with(func(f *settings.Feed) { f.SecretHeader = "X-Key" }),
		want: "secretArn: must be set where secretHeader, secretQuery or secretKey is",
	}, {
		name: "not the ARN of a secret",
		in: with(func(f *settings.Feed) {
			f.SecretARN, f.SecretHeader = "arn:aws:ssm:eu-west-1:111122223333:parameter/x", "X-Key"
		}),
		want: `secretArn "arn:aws:ssm:eu-west-1:111122223333:parameter/x": must be the ARN of a Secrets Manager secret`,
	}, {
		name: "not the name of a header",
		in:   with(func(f *settings.Feed) { f.SecretARN, f.SecretHeader = someSecret, "X-Key: v\r\n" }),
		want: `secretHeader "X-Key: v\r\n": must be the name of a header`,
	}, {
		name: "header of our own",
		in:   with(func(f *settings.Feed) { f.SecretARN, f.SecretHeader = someSecret, "If-None-Match" }),
		want: `secretHeader "If-None-Match": is set by the fetch itself`,
	}, {
		name: "query parameter twice",
		in: with(func(f *settings.Feed) {
			f.URL, f.SecretARN, f.SecretQuery = "https://lists.example/?key=x", someSecret, "key"
		}),
		want: `secretQuery "key": is in the url already`,
	}, {
		name: "bounds",
		in:   with(func(f *settings.Feed) { f.MaxAge, f.Schedule = 1, "rate(1 minute)" }),
		want: "maxAge: \"1ns\": must be at least 1s\n" +
			`schedule "rate(1 minute)": must leave 5 minutes between two fetches`,
	}, {
		name: "more than a parameter holds",
		in:   settings.Feed{Force: strings.Repeat("x", 4096)},
		want: "feed settings of 4108 bytes: must be at most 4096",
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := tc.in.Validate()
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckURL_refused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                            "must begin with https://",
		"lists.example/all.txt":                       "must begin with https://",
		"http://lists.example/":                       `url "http://lists.example/": must begin with https://`,
		"file:///etc/passwd":                          "must begin with https://",
		"https:lists.example":                         "must name a host",
		"https:///all.txt":                            "must name a host",
		"https://:443/":                               "must name a host",
		"https://user:hunter2@lists.test/":            `url "https://lists.test/": must not hold a user or password`,
		"https://user@lists.example/":                 "must not hold a user or password",
		"https://user:hunter2%zz@h.test/":             "url: must be a URL",
		"https://b\u00fccher.example/":                "the host must be in ASCII",
		"https://lists.example/#part":                 "must not have a fragment",
		"https://lists.example/#":                     "must not have a fragment",
		"https://lists.example:0/":                    "the port must be in",
		"https://lists.example:65536/":                "the port must be in",
		"https://localhost/":                          "must be a public host",
		"https://LOCALHOST./":                         "must be a public host",
		"https://api.localhost:9001/":                 "must be a public host",
		"https://127.0.0.1/":                          "must be a public host",
		"https://169.254.169.254/latest/":             "must be a public host",
		"https://10.1.2.3/":                           "must be a public host",
		"https://[::1]/":                              "must be a public host",
		"https://[::ffff:127.0.0.1]/":                 "must be a public host",
		"https://[fe80::1]/":                          "must be a public host",
		"https://[fd00:ec2::254]/":                    "must be a public host",
		"https://h.test/" + strings.Repeat("a", 1024): "must be at most 1024 bytes",
	} {
		err := settings.CheckURL(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 250 {
			t.Errorf("%.80q: error %v, want one with %q", text, err, want)
		}
	}
	err := settings.CheckURL("http://lists.example/?token=hunter2")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v shows the query", err)
	}
}

func TestCheckFeedID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "0", "default", "urlhaus", "vendor.list_2-b", strings.Repeat("x", 64)} {
		if err := settings.CheckFeedID(id); err != nil {
			t.Error(err)
		}
	}
	for _, id := range []string{"", "manual", ".a", "-a", "_a", "A", "a b", "a/b", "a#b", "ü", strings.Repeat("x", 65)} {
		if err := settings.CheckFeedID(id); err == nil {
			t.Errorf("feed id %q is taken", id)
		}
	}
}
