package feed_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

// readPattern returns the result of an indicator with a pattern: the entries that it lists, and
// the reasons why other parts of it are skipped.
func readPattern(t *testing.T, pattern string) (outcome []string) {
	t.Helper()
	o := feed.Options{
		Format:   feed.STIX,
		OnReject: func(e feed.LineError) { outcome = append(outcome, "rejected: "+e.Err.Error()) },
		OnSkip:   func(s feed.SkippedLine) { outcome = append(outcome, s.Why.String()) },
	}
	emit := func(entry string) { outcome = append(outcome, entry) }
	if err := parseRendered(bundle(stixIndicator(pattern, "")), o, emit); err != nil {
		t.Fatal(err)
	}
	return outcome
}

const (
	skippedType      = "neither a name nor an address"
	skippedCondition = "pattern that needs more than one value"
)

func TestParse_stixPatterns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		want    []string
	}{
		// One value.
		{"[domain-name:value = 'evil.example']", []string{"subtree evil.example"}},
		{"[domain-name:value='Evil.Example.']", []string{"subtree evil.example"}},
		{" [ domain-name : value == 'evil.example' ] ", []string{"subtree evil.example"}},
		{"[domain-name:'value'='evil.example']", []string{"subtree evil.example"}},
		{"([(domain-name:value='evil.example')])", []string{"subtree evil.example"}},
		{"[hostname:value='evil.example']", []string{"subtree evil.example"}},
		{"[domain-name:value='192.0.2.1']", []string{"cidr 192.0.2.1"}},
		{"[domain-name:value='evil.example/x']", []string{"name evil.example"}},
		{"[domain-name:value='b\u00fccher.example']", []string{"subtree xn--bcher-kva.example"}},
		{"[ipv4-addr:value = '192.0.2.1']", []string{"cidr 192.0.2.1"}},
		{"[ipv4-addr:value='192.0.2.7/24']", []string{"cidr 192.0.2.0/24"}},
		{"[ipv4-addr:value ISSUBSET '192.0.2.0/24']", []string{"cidr 192.0.2.0/24"}},
		{"[ipv6-addr:value = '2001:db8::1']", []string{"cidr 2001:db8::1"}},
		{"[ipv6-addr:value ISSUBSET '2001:db8::/32']", []string{"cidr 2001:db8::/32"}},
		{"[url:value = 'http://evil.example/x?y']", []string{"name evil.example"}},
		{"[url:value='evil.example']", []string{"name evil.example"}},
		{"[url:value='http://192.0.2.1:80/']", []string{"cidr 192.0.2.1"}},
		{`[url:value='http://evil.example/it\'s\\x']`, []string{"name evil.example"}},

		// The destination of network traffic, whose type is a condition of its own.
		{"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1']", []string{"cidr 192.0.2.1"}},
		{"[network-traffic:dst_ref.value = '2001:db8::1' AND network-traffic:dst_ref.type = 'ipv6-addr']", []string{"cidr 2001:db8::1"}},
		{"[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'evil.example']", []string{"subtree evil.example"}},
		{"[(network-traffic:dst_ref.type = 'ipv4-addr') AND (network-traffic:dst_ref.value = '192.0.2.1')]", []string{"cidr 192.0.2.1"}},
		{"[(network-traffic:dst_ref.type='ipv4-addr' OR network-traffic:dst_ref.type='ipv6-addr') AND network-traffic:dst_ref.value='192.0.2.1']", []string{"cidr 192.0.2.1"}},
		{"[network-traffic:dst_ref.type IN ('ipv4-addr','domain-name') AND network-traffic:dst_ref.value IN ('evil.example','192.0.2.1')]",
			[]string{"subtree evil.example", "cidr 192.0.2.1"}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND network-traffic:dst_ref.value ISSUBSET '192.0.2.0/24']", []string{"cidr 192.0.2.0/24"}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND network-traffic:dst_ref.value='192.0.2.1' OR network-traffic:dst_ref.type='ipv4-addr' AND network-traffic:dst_ref.value='192.0.2.2']",
			[]string{"cidr 192.0.2.1", "cidr 192.0.2.2"}},
		{"[network-traffic:dst_ref.value = '192.0.2.1']", []string{"cidr 192.0.2.1"}},
		{"[network-traffic:'dst_ref'.'value' = 'evil.example']", []string{"subtree evil.example"}},
		{"[network-traffic:dst_ref.type = 'mac-addr' AND network-traffic:dst_ref.value = '00-00-5E-00-53-01']", []string{skippedType}},
		{"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = 'evil.example']", []string{"rejected: name where an address is expected"}},
		{"[network-traffic:dst_ref.type = 'ipv4-addr']", []string{skippedType}},
		{"[network-traffic:dst_ref.value.x = '192.0.2.1']", []string{skippedType}},
		{"[network-traffic:dst_ref[0].value = '192.0.2.1']", []string{skippedType}},
		{"[network-traffic:src_ref.value = '192.0.2.1']", []string{skippedType}},
		{"[network-traffic:dst_port = 443]", []string{skippedType}},

		// Several values, any of which suffices.
		{"[domain-name:value='a.example' OR domain-name:value='b.example' OR url:value='http://c.example/']",
			[]string{"subtree a.example", "subtree b.example", "name c.example"}},
		{"[domain-name:value='a.example'] OR [ipv4-addr:value='192.0.2.1']", []string{"subtree a.example", "cidr 192.0.2.1"}},
		{"([domain-name:value='a.example'] OR ([domain-name:value='b.example']))", []string{"subtree a.example", "subtree b.example"}},
		{"[domain-name:value IN ('a.example','b.example' , 'c.example')]", []string{"subtree a.example", "subtree b.example", "subtree c.example"}},
		{"[domain-name:value='a.example' OR file:name='x.exe']", []string{"subtree a.example", skippedType}},
		{"[domain-name:value='a.example' OR domain-name:value LIKE '%.b.example']", []string{"subtree a.example", "wildcard or part of a name"}},

		// Other types of values.
		{"[file:hashes.'SHA-256'='abc']", []string{skippedType}},
		{"[file:hashes.sha256='abc']", []string{skippedType}},
		{"[process:name='x'] OR [email-addr:value='a@b.example']", []string{skippedType, skippedType}},
		{"[android-property:name='x']", []string{skippedType}},
		{"[domain-name:resolves_to_refs[*].value='192.0.2.1']", []string{skippedType}},
		{"[network-traffic:extensions.'http-request-ext'.request_header[0] LIKE 'x']", []string{skippedType}},
		{"[file:size > 1024]", []string{skippedType}},
		{"[file:created >= t'2026-01-01T00:00:00Z']", []string{skippedType}},
		{"[artifact:payload_bin = b'QUFB']", []string{skippedType}},
		{"[artifact:payload_bin = h'00ff']", []string{skippedType}},
		{"[file:name IN ('a','b')]", []string{skippedType}},
		{"[x-own:flag = true]", []string{skippedType}},
		{"[EXISTS file:name]", []string{skippedType}},
		{"[domain-name:name='evil.example']", []string{skippedType}},
		{"[Domain-Name:value='evil.example']", []string{skippedType}},

		// Patterns that would list too much if they were read as one value.
		{"[domain-name:value='a.example' AND domain-name:value='b.example']", []string{skippedCondition}},
		{"[ipv4-addr:value='192.0.2.1' AND network-traffic:dst_port=443]", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND network-traffic:dst_ref.value='192.0.2.1' AND network-traffic:dst_port=443]", []string{skippedCondition}},
		{"[network-traffic:dst_ref.value='192.0.2.1' AND network-traffic:dst_port=443]", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND network-traffic:dst_port=443]", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND ipv4-addr:value='192.0.2.1']", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND network-traffic:dst_ref.type='ipv6-addr']", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND network-traffic:dst_ref.type='ipv6-addr' AND network-traffic:dst_ref.value='192.0.2.1']", []string{skippedCondition}},
		{"[network-traffic:dst_ref.value='192.0.2.1' AND network-traffic:dst_ref.value='192.0.2.2' AND network-traffic:dst_ref.type='ipv4-addr']", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type!='ipv4-addr' AND network-traffic:dst_ref.value='192.0.2.1']", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type NOT IN ('ipv4-addr') AND network-traffic:dst_ref.value='192.0.2.1']", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND network-traffic:dst_ref.value!='192.0.2.1']", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND network-traffic:dst_ref.value LIKE '192.%']", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type='ipv4-addr' AND (network-traffic:dst_ref.value='192.0.2.1' OR network-traffic:dst_port=443)]", []string{skippedCondition}},
		{"[network-traffic:src_ref.type='ipv4-addr' AND network-traffic:src_ref.value='192.0.2.1']", []string{skippedCondition}},
		{"[network-traffic:dst_ref.type='ipv4-addr'] AND [network-traffic:dst_ref.value='192.0.2.1']", []string{skippedCondition}},
		{"[domain-name:value='a.example'] AND [file:name='x']", []string{skippedCondition}},
		{"[domain-name:value='a.example'] FOLLOWEDBY [domain-name:value='b.example']", []string{skippedCondition}},
		{"[domain-name:value='a.example'] REPEATS 5 TIMES", []string{skippedCondition}},
		{"[domain-name:value='a.example'] WITHIN 300 SECONDS", []string{skippedCondition}},
		{"[domain-name:value='a.example'] REPEATS 5 TIMES WITHIN 1.5 SECONDS", []string{skippedCondition}},
		{"[domain-name:value='a.example'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'", []string{skippedCondition}},
		{"[domain-name:value != 'a.example']", []string{skippedCondition}},
		{"[domain-name:value NOT = 'a.example']", []string{skippedCondition}},
		{"[domain-name:value NOT IN ('a.example','b.example')]", []string{skippedCondition}},
		{"[NOT EXISTS domain-name:value]", []string{skippedCondition}},
		{"[EXISTS domain-name:value]", []string{skippedCondition}},
		{"[domain-name:value > 'a.example']", []string{skippedCondition}},
		{"[domain-name:value ISSUBSET 'a.example']", []string{skippedCondition}},
		{"[ipv4-addr:value ISSUPERSET '192.0.2.0/24']", []string{skippedCondition}},
		{"[ipv4-addr:value NOT ISSUBSET '192.0.2.0/24']", []string{skippedCondition}},
		{"[domain-name:value LIKE '%evil%']", []string{"wildcard or part of a name"}},
		{"[domain-name:value MATCHES '^evil']", []string{"regular expression"}},

		// Precedence.
		{"[domain-name:value='a.example' OR domain-name:value='b.example' AND domain-name:value='c.example']", []string{"subtree a.example", skippedCondition}},
		{"[(domain-name:value='a.example' OR domain-name:value='b.example') AND domain-name:value='c.example']", []string{skippedCondition}},
		{"[domain-name:value='a.example'] OR [domain-name:value='b.example'] AND [domain-name:value='c.example']", []string{"subtree a.example", skippedCondition}},
		{"[domain-name:value='a.example'] OR [domain-name:value='b.example'] FOLLOWEDBY [domain-name:value='c.example']", []string{skippedCondition}},
		{"[domain-name:value='a.example'] OR ([domain-name:value='b.example'] OR [domain-name:value='c.example']) WITHIN 5 SECONDS", []string{"subtree a.example", skippedCondition}},

		// Values that cannot be indicators.
		{"[domain-name:value='a.example' OR domain-name:value='']", []string{"subtree a.example", "rejected: value is missing"}},
		{"[ipv4-addr:value='evil.example']", []string{"rejected: name where an address is expected"}},
		{"[domain-name:value='evil..example']", []string{"rejected: empty label"}},

		// Malformed patterns, which list nothing even if they start well.
		{"domain-name:value='a.example'", []string{`rejected: pattern has an unexpected token: "domain-name" where [ or ( is expected`}},
		{"[domain-name:value='a.example'", []string{"rejected: pattern ends where ] is expected"}},
		{"[domain-name:value='a.example", []string{"rejected: pattern has an unclosed quote"}},
		{"[domain-name:value='a.example'] [domain-name:value='b.example']", []string{`rejected: pattern has an unexpected token: "[" where the end is expected`}},
		{"[domain-name:value='a.example' or domain-name:value='b.example']", []string{`rejected: pattern has an unexpected token: "or" where ] is expected`}},
		{"[domain-name:value='a.example' OR ]", []string{`rejected: pattern has an unexpected token: "]" where an object path is expected`}},
		{`[domain-name:value="a.example"]`, []string{`rejected: pattern has an unexpected character: '"'`}},
		{"[domain-name:value=a.example]", []string{`rejected: pattern has an unexpected token: "a" where a literal is expected`}},
		{"[domain-name:value=5]", []string{`rejected: pattern has an unexpected token: "5" where a quoted string is expected`}},
		{"[domain-name.value='a.example']", []string{`rejected: pattern has an unexpected token: "." where : is expected`}},
		{"[domain-name:value 'a.example']", []string{`rejected: pattern has an unexpected token: "a.example" where an operator is expected`}},
		{"[domain-name:value IN 'a.example']", []string{`rejected: pattern has an unexpected token: "a.example" where ( is expected`}},
		{"[domain-name:value IN ('a.example' 'b.example')]", []string{`rejected: pattern has an unexpected token: "b.example" where ) is expected`}},
		{"[domain-name:value IN ()]", []string{`rejected: pattern has an unexpected token: ")" where a literal is expected`}},
		{`[domain-name:value='a\.example']`, []string{`rejected: pattern has an invalid escape: "\\."`}},
		{"[domain-name:value='a.example'] WITHIN SECONDS", []string{`rejected: pattern has an unexpected token: "SECONDS" where a qualifier is expected`}},
		{"[file:x[y]='a']", []string{`rejected: pattern has an unexpected token: "y" where an index is expected`}},
		{"[NOT domain-name:value='a.example']", []string{`rejected: pattern has an unexpected token: "domain-name" where EXISTS is expected`}},
		{strings.Repeat("(", 40), []string{"rejected: pattern nests over 32 levels deep"}},
		{"[", []string{"rejected: pattern ends where an object path is expected"}},
		{"[]", []string{`rejected: pattern has an unexpected token: "]" where an object path is expected`}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, readPattern(t, tt.pattern)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.pattern, diff)
		}
	}
}

// formula is a random pattern that knows whether a single value satisfies it.
type formula struct {
	text      string
	satisfied func(value string) bool
	values    []string // the values that it compares with
	condition bool
}

// writer makes random formulas. No two values are the same.
type writer struct {
	random *rand.Rand
	n      int
}

func (w *writer) comparison(depth int) formula {
	switch roll := w.random.IntN(10); {
	case roll < 5 || depth == 0:
		w.n++
		value := fmt.Sprintf("n%d.example", w.n)
		f := formula{text: "domain-name:value = '" + value + "'", satisfied: func(v string) bool { return v == value }, values: []string{value}}
		if w.random.IntN(8) == 0 {
			f = formula{text: "domain-name:value != '" + value + "'", satisfied: func(v string) bool { return v != value }, condition: true}
		}
		return f
	case roll < 7:
		return join(w.comparison(depth-1), " OR ", w.operand(w.comparison(depth-1)))
	case roll < 8:
		return join(w.operand(w.comparison(depth-1)), " AND ", w.operand(w.comparison(depth-1)))
	default:
		return w.operand(w.comparison(depth - 1))
	}
}

func (w *writer) observation(depth int) formula {
	switch roll := w.random.IntN(10); {
	case roll < 4 || depth == 0:
		f := w.comparison(3)
		f.text = "[" + f.text + "]"
		return f
	case roll < 6:
		return join(w.observation(depth-1), " OR ", w.operand(w.observation(depth-1)))
	case roll < 7:
		return join(w.operand(w.observation(depth-1)), " AND ", w.operand(w.observation(depth-1)))
	case roll < 8:
		f := w.operand(w.observation(depth - 1))
		return formula{text: f.text + " REPEATS 2 TIMES", satisfied: func(string) bool { return false }, condition: true}
	case roll < 9:
		a, b := w.operand(w.observation(depth-1)), w.operand(w.observation(depth-1))
		return formula{text: a.text + " FOLLOWEDBY " + b.text, satisfied: func(string) bool { return false }, condition: true}
	default:
		return w.operand(w.observation(depth - 1))
	}
}

// operand puts a formula in parentheses.
func (w *writer) operand(f formula) formula {
	f.text = "(" + f.text + ")"
	return f
}

func join(a formula, by string, b formula) formula {
	f := formula{text: a.text + by + b.text, condition: a.condition || b.condition, values: append(slices.Clone(a.values), b.values...)}
	f.satisfied = func(v string) bool { return a.satisfied(v) || b.satisfied(v) }
	if by == " AND " {
		f.satisfied = func(v string) bool { return a.satisfied(v) && b.satisfied(v) }
		f.condition = true
	}
	return f
}

// A pattern is never widened: every name that it lists satisfies it alone. If only OR joins
// its values, all of them are listed.
func TestParse_stixNeverWidens(t *testing.T) {
	t.Parallel()
	w := &writer{random: rand.New(rand.NewPCG(7, 11))}
	listed := 0
	for range 5000 {
		f := w.observation(4)
		if strings.Contains(f.text, strings.Repeat("(", 20)) {
			continue
		}
		var got []string
		for _, outcome := range readPattern(t, f.text) {
			if value, found := strings.CutPrefix(outcome, "subtree "); found {
				got = append(got, value)
			} else if strings.HasPrefix(outcome, "rejected") {
				t.Fatalf("%s: %s", f.text, outcome)
			}
		}
		listed += len(got)
		for _, value := range got {
			if !f.satisfied(value) {
				t.Errorf("%s lists %s, which does not satisfy it alone", value, f.text)
			}
		}
		if !f.condition && !slices.Equal(got, f.values) {
			t.Errorf("%v is listed for %s, want %v", got, f.text, f.values)
		}
	}
	if listed < 1000 {
		t.Errorf("only %d names are listed, too few to prove anything", listed)
	}
}
