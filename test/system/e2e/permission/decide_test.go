package permission_test

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

const (
	role   = "arn:aws:iam::111122223333:role/importer"
	list   = "arn:aws:s3:::lists"
	object = "arn:aws:s3:::lists/feeds/a/b.txt"
)

func parse(t *testing.T, statements string) permission.Policy {
	t.Helper()
	policy, err := permission.Parse("test", `{"Version":"2012-10-17","Statement":[`+statements+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func TestDecide(t *testing.T) {
	t.Parallel()
	allow := func(action, resource, more string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"` + more + `}`
	}
	call := func(action, resource string, context ...string) permission.Call {
		c := permission.Call{Principal: role, Action: action, Resource: resource, Context: map[string][]string{}}
		for i := 0; i < len(context); i += 2 {
			c.Context[context[i]] = append(c.Context[context[i]], context[i+1])
		}
		return c
	}
	prefix := `,"Condition":{"StringLike":{"s3:prefix":["feeds/*","allow/*"]}}`
	insecure := `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["` + list + `","` + list + `/*"],` +
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	oldTLS := strings.Replace(insecure, `"Bool":{"aws:SecureTransport":"false"}`, `"NumericLessThan":{"s3:TlsVersion":1.2}`, 1)
	tests := []struct {
		name           string
		role, resource string
		call           permission.Call
		want           bool
	}{
		{"nothing allows", "", "", call("s3:GetObject", object), false},
		{"exact", allow("s3:GetObject", object, ""), "", call("s3:GetObject", object), true},
		{"wildcard in the resource", allow("s3:GetObject", list+"/feeds/*", ""), "", call("s3:GetObject", object), true},
		{"the bucket is not one of its objects", allow("s3:ListBucket", list+"/*", ""), "", call("s3:ListBucket", list), false},
		{"another object", allow("s3:GetObject", list+"/allow/*", ""), "", call("s3:GetObject", object), false},
		{"another action", allow("s3:GetObject", list+"/*", ""), "", call("s3:GetObjectVersion", object), false},
		{"actions ignore case", allow("S3:getobject", object, ""), "", call("s3:GetObject", object), true},
		{"condition holds", allow("s3:ListBucket", list, prefix), "", call("s3:ListBucket", list, "s3:prefix", "allow/x/"), true},
		{"condition does not hold", allow("s3:ListBucket", list, prefix), "", call("s3:ListBucket", list, "s3:prefix", "index/"), false},
		{"key of the condition missing", allow("s3:ListBucket", list, prefix), "", call("s3:ListBucket", list), false},
		{"denial wins", allow("s3:GetObject", object, "") + `,{"Effect":"Deny","Action":"*","Resource":"*"}`, "",
			call("s3:GetObject", object), false},
		{"bucket policy denies HTTP", allow("s3:GetObject", object, ""), insecure,
			call("s3:GetObject", object, "aws:securetransport", "false"), false},
		{"bucket policy lets HTTPS pass", allow("s3:GetObject", object, ""), insecure,
			call("s3:GetObject", object, "aws:securetransport", "true"), true},
		{"bucket policy denies old TLS", allow("s3:GetObject", object, ""), oldTLS,
			call("s3:GetObject", object, "s3:tlsversion", "1.1"), false},
		{"bucket policy lets new TLS pass", allow("s3:GetObject", object, ""), oldTLS,
			call("s3:GetObject", object, "s3:tlsversion", "1.2"), true},
		{"resource policy names the role", "",
			`{"Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":"s3:GetObject","Resource":"*"}`,
			call("s3:GetObject", object), true},
		{"resource policy names the account only", "",
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:GetObject","Resource":"*"}`,
			call("s3:GetObject", object), false},
		{"negated operator holds where the key is missing",
			allow("s3:PutObject", object, `,"Condition":{"StringNotEquals":{"s3:x":"y"}}`), "", call("s3:PutObject", object), true},
		{"IfExists holds where the key is missing",
			allow("s3:PutObject", object, `,"Condition":{"StringEqualsIfExists":{"s3:x":"y"}}`), "", call("s3:PutObject", object), true},
		{"Null", allow("s3:PutObject", object, `,"Condition":{"Null":{"s3:x":"false"}}`), "", call("s3:PutObject", object), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := permission.Decide(test.call, []permission.Policy{parse(t, test.role)},
				[]permission.Policy{parse(t, test.resource)})
			if err != nil || got.Allowed != test.want {
				t.Errorf("%v %v, want %v", got, err, test.want)
			}
		})
	}
}

// A service is allowed only by the resource's policy, for the source that it acts for.
func TestDecide_service(t *testing.T) {
	t.Parallel()
	policy := parse(t, `{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction",
		"Resource":"f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:events:*:*:rule/ours"}}}`)
	for source, want := range map[string]bool{"arn:aws:events:us-east-1:1:rule/ours": true, "arn:aws:events:us-east-1:1:rule/x": false} {
		call := permission.Call{Principal: "events.amazonaws.com", Action: "lambda:InvokeFunction", Resource: "f",
			Context: map[string][]string{"aws:sourcearn": {source}}}
		if got, err := permission.Decide(call, nil, []permission.Policy{policy}); err != nil || got.Allowed != want {
			t.Errorf("%s: %v %v, want %v", source, got, err, want)
		}
	}
}

func TestDelegates(t *testing.T) {
	t.Parallel()
	policy := parse(t, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:Decrypt","Resource":"*"}`)
	for action, want := range map[string]bool{"kms:Decrypt": true, "kms:GenerateDataKey": false} {
		if got, err := permission.Delegates(permission.Call{Principal: role, Action: action, Resource: "k"}, policy); err != nil || got != want {
			t.Errorf("%s: %v %v, want %v", action, got, err, want)
		}
	}
}

// Unknown elements must be rejected.
func TestParse_refusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ statement, want string }{
		{`{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`, "NotAction"},
		{`{"Effect":"Allow","Resource":"*"}`, "action"},
		{`{"Effect":"allow","Action":"s3:*","Resource":"*"}`, "effect"},
		{`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateLessThan":{"aws:x":"y"}}}`, "DateLessThan"},
		{`{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":{"Federated":"x"}}`, "Federated"},
	} {
		_, err := permission.Parse("test", `{"Statement":[`+test.statement+`]}`)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want a word of %q", test.statement, err, test.want)
		}
	}
}

func TestDecide_variable(t *testing.T) {
	t.Parallel()
	policy := parse(t, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lists/${aws:username}"}`)
	if _, err := permission.Decide(permission.Call{Action: "s3:GetObject"}, []permission.Policy{policy}, nil); err == nil {
		t.Error("a policy variable was accepted")
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"a*c", "abbc", true}, {"a*c", "abbcd", false}, {"a?c", "abc", true},
		{"a?c", "ac", false}, {"*b*b*", "abab", true}, {"*b*b*", "ab", false}, {"a", "ab", false}, {"ab", "a", false},
	} {
		if got := permission.Like(test.pattern, test.text); got != test.want {
			t.Errorf("Like(%q, %q) = %v", test.pattern, test.text, got)
		}
	}
}
