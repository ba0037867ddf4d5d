package feed_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

// Files of other kinds are refused by the name of their kind.
func TestParse_foreign(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"Suricata", "# x\nalert tls any any -> any any (msg:\"x\"; tls.sni; content:\"evil.example\"; sid:1;)\n", "these are Suricata rules"},
		{"Suricata, rules that are turned off", "#alert udp any any -> any 53 (msg:\"evil.example\"; sid:1;)\n", "these are Suricata rules"},
		{"YARA", "import \"pe\"\n\nrule Otter : trojan\n{\n  strings:\n    $a = \"evil.example\"\n  condition:\n    $a\n}\n", "these are YARA rules"},
		{"Sigma", "title: x\nlogsource:\n  category: dns\ndetection:\n  selection:\n    query:\n      - evil.example\n", "these are Sigma rules"},
		{"Surge", "#!name=x\n[Rule]\nDOMAIN-SUFFIX,evil.example,REJECT\nDOMAIN,app.vendor.test,DIRECT\n", "these are Surge rules"},
		{"Surge, names alone", "DOMAIN,evil.example\nDOMAIN,b.example\n", "these are Surge rules"},
		{"Quantumult", "host-suffix, evil.example, reject\nhost, app.vendor.test, direct\n", "these are Surge rules"},
		{"Clash", "payload:\n  - '+.evil.example'\n", "these are Clash rules"},
		{"Clash, rules", "rules:\n  - DOMAIN-SUFFIX,evil.example,REJECT\n", "these are Clash rules"},
		{"iptables", "-A INPUT -s 192.0.2.1 -j DROP\n-A INPUT -s 192.0.2.2 -j DROP\n", "these are firewall rules"},
		{"proxy configuration", "function FindProxyForURL(url, host) {\n  return \"DIRECT\";\n}\n", "this is a proxy configuration script"},
		{"STIX 1", "<?xml version=\"1.0\"?>\n<stix:STIX_Package><Value>evil.example</Value></stix:STIX_Package>\n", "this is a STIX 1 document in XML"},
		{"OpenIOC", "<?xml version=\"1.0\"?>\n<ioc id=\"x\"><Content>evil.example</Content></ioc>\n", "this is an OpenIOC document in XML"},
		{"a news feed", "<rss version=\"2.0\"><channel/></rss>", "this is a news feed in XML"},
		{"a page behind a comment", "\ufeff; x\n// y\n\n<!DOCTYPE html>\n<html><title>Sign in</title>login.vendor.test</html>", "it says \"Sign in\" (line 4)"},
		{"an error of a bucket behind a comment", "# x\n<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>\n", "AccessDenied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t, tt.in, feed.Options{})
			var refused *feed.RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("error %v, want a refusal", err)
			}
			text := refused.Detail
			if refused.Line > 1 {
				text += " (line " + string(rune('0'+refused.Line)) + ")"
			}
			if !strings.Contains(text, tt.want) {
				t.Errorf("detail %q, want %q", text, tt.want)
			}
		})
	}
}

// A server's error as JSON is not a list.
func TestParse_errorMessages(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`{"error":"quota exceeded","url":"https://lists.vendor.test/account"}`,
		`[{"error":"rate limited","code":429,"url":"https://api.vendor.test/plans"}]`,
		`{"status":403,"error":"Forbidden","path":"x.vendor.test"}`,
		`{"errors":[{"message":"no","url":"https://docs.vendor.test"}]}`,
		`{"message":"Not Found","documentation_url":"https://docs.vendor.test/rest"}`,
		`{"code":"AccessDenied","host":"lists.vendor.test","message":"no"}`,
		`{"success":false,"url":"https://lists.vendor.test"}`,
		`{"errorMessage":"quota","domain":"lists.vendor.test"}`,

		// whatever indicator such an object has
		`{"code":429,"message":"Rate limit reached for your plan","domain":"lists.vendor.test"}`,
		`{"code":"429","message":"slow down","domain":"lists.vendor.test"}`,
		`{"Status":503,"Detail":"maintenance","domain":"lists.vendor.test"}`,
		`{"status":"error","message":"no such plan","domain":"lists.vendor.test"}`,
		`{"status":"failed","msg":"no such plan","ip":"192.0.2.1"}`,
		`{"status":{"code":401,"error":"key"},"message":"no such key","domain":"lists.vendor.test"}`,
		`{"code":"RATE_LIMITED","message":"slow down","hostname":"lists.vendor.test"}`,
		`{"http_status":500,"reason":"broken","indicator":"lists.vendor.test"}`,
		`{"success":false,"domain":"lists.vendor.test"}`,
		`{"ok":"false","message":"no","domain":"lists.vendor.test"}`,
		`{"message":"Forbidden","domain":"lists.vendor.test"}`,
		`{"message":"API rate limit exceeded for 192.0.2.1","ip":"192.0.2.1"}`,
		`{"error_code":7,"domain":"lists.vendor.test"}`,
		`{"type":"about:blank","title":"Too Many Requests","status":429,"domain":"lists.vendor.test"}`,
		`{"type":"https://vendor.test/problems/plan","title":"Your plan has ended","domain":"lists.vendor.test"}`,
		`{"title":"Your plan has ended","instance":"/lists/7","domain":"lists.vendor.test"}`,
		`[{"code":429,"message":"slow down","domain":"lists.vendor.test"}]`,
		`[{"code":429,"message":"slow down","domain":"lists.vendor.test"},{"code":429,"message":"slow down","domain":"api.vendor.test"}]`,
		`{"code":429,"message":"slow down","domain":"a.vendor.test"}` + "\n" + `{"code":503,"message":"later","domain":"b.vendor.test"}`,
		`{"data":[{"code":429,"message":"slow down","domain":"lists.vendor.test"}]}`,
		`{"code":429,"message":"see these hosts","domains":["status.vendor.test"]}`,
		`{"status":"error","message":"see these hosts","data":[{"domain":"status.vendor.test"}]}`,
	} {
		if _, _, err := read(t, in, feed.Options{}); !errors.Is(err, feed.ErrMessage) {
			t.Errorf("%s: error %v, want %v", in, err, feed.ErrMessage)
		}
	}
	for _, in := range []string{
		`{"domain":"evil.example"}`,
		`{"domain":"evil.example","error":null}`,
		`{"indicator":"evil.example","message":"seen in a campaign"}`,
		`{"error":"","data":[{"domain":"evil.example"}]}`,

		`{"domain":"evil.example","status":"active"}`,
		`{"domain":"evil.example","status":"online","code":200}`,
		`{"domain":"evil.example","status":404}`,
		`{"domain":"evil.example","code":"c2","reason":"phishing kit"}`,
		`{"domain":"evil.example","type":"domain","title":"Fake login of a bank"}`,
		`{"domain":"evil.example","type":"phishing","detail":"Fake login of a bank"}`,
		`{"domain":"evil.example","success":true,"message":"listed"}`,
		`{"domain":"error.example","message":"seen in a campaign"}`,
		`{"status":"ok","code":200,"message":"2 results","data":["evil.example","b.example"]}`,
		`{"status":200,"message":"no error","domains":["evil.example"]}`,
		`[{"domain":"evil.example","status":404,"message":"Not Found"},{"domain":"b.example","status":200,"message":"OK"}]`,
		`[{"domain":"evil.example","error":"x"},{"domain":"b.example","error":"x"}]`,
	} {
		if got, _, err := read(t, in, feed.Options{}); err != nil || len(got.Accepted) == 0 {
			t.Errorf("%s: %v, %v, want an entry", in, got.Accepted, err)
		}
	}
}
