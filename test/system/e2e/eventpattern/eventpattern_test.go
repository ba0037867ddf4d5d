package eventpattern_test

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/eventpattern"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	const event = `{"source":"aws.s3","tags":["a","b"],"detail":{"object":{"key":"feeds/a/list.txt","size":3}}}`
	for _, test := range []struct {
		pattern string
		want    bool
	}{
		{`{}`, true},
		{`{"source":["aws.s3"]}`, true},
		{`{"source":["aws.ec2"]}`, false},
		{`{"source":["aws.ec2","aws.s3"]}`, true},
		{`{"source":["aws.s3"],"detail":{"object":{"key":["other"]}}}`, false},
		{`{"tags":["b"]}`, true},
		{`{"detail":{"object":{"key":[{"prefix":"allow/"},{"prefix":"feeds/"}]}}}`, true},
		{`{"detail":{"object":{"key":[{"prefix":"allow/"}]}}}`, false},
		{`{"detail":{"object":{"key":[{"suffix":".txt"}]}}}`, true},
		{`{"detail":{"object":{"key":[{"wildcard":"feeds/*/l*.txt"}]}}}`, true},
		{`{"detail":{"object":{"key":[{"wildcard":"feeds/*.csv"}]}}}`, false},
		{`{"detail":{"object":{"key":[{"anything-but":"feeds/a/list.txt"}]}}}`, false},
		{`{"detail":{"object":{"key":[{"equals-ignore-case":"FEEDS/A/LIST.TXT"}]}}}`, true},
		{`{"detail":{"object":{"size":[3]}}}`, true},
		{`{"detail":{"reason":[{"exists":false}]}}`, true},
		{`{"detail":{"reason":[{"exists":true}]}}`, false},
		{`{"detail":{"bucket":{"name":["b"]}}}`, false},
	} {
		if got, err := eventpattern.Match(test.pattern, event); err != nil || got != test.want {
			t.Errorf("%s: %v %v, want %v", test.pattern, got, err, test.want)
		}
	}
}

func TestMatch_refusals(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		`{"a":[{"cidr":"10.0.0.0/8"}]}`:        "cidr",
		`{"a":[{"anything-but":["b"]}]}`:       "anything-but",
		`{"a":[{"prefix":"b","suffix":"c"}]}`:  "one operator",
		`{"a":"b"}`:                            "array",
		`{"$or":[{"source":["a"]},{"b":[1]}]}`: "$or",
	} {
		if _, err := eventpattern.Match(pattern, `{"a":"b"}`); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a word of %q", pattern, err, want)
		}
	}
}
