package feed_test

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

func FuzzMISP(f *testing.F) {
	fuzzFormat(f, feed.MISP, `{"Event":{"Attribute":[{"type":"domain|ip","value":"a.example|192.0.2.1","to_ids":true}],"Object":[{"Attribute":[],"deleted":false}]}}`,
		"{\"description\":\"d\",\"list\":[\".a.example\",\n\"192.0.2.0/24\"],\"type\":\"hostname\"}", `[{"to_ids":"0","type":"url","value":"http://b.example/\u00e9"}]`)
}

func FuzzSTIX(f *testing.F) {
	fuzzFormat(f, feed.STIX, bundle(stixIndicator(evilPattern, `,"labels":["x"],"external_references":[{"url":"u"}]`)),
		`{"more":false,"objects":[{"type":"url","value":"x"},{"type":"indicator","pattern":"[ipv4-addr:value IN ('192.0.2.1')] OR [a:b=1]","revoked":null}]}`)
}

// FuzzMISPOracle compares the walk through a MISP list with decoding all of it.
func FuzzMISPOracle(f *testing.F) {
	for _, seed := range []string{
		`{"Event":{"Attribute":[{"type":"domain","value":"a.example","to_ids":true},{"type":"ip-dst|port","value":"192.0.2.1|80"}],"Object":[{"Attribute":[{"type":"url","value":"http://b.example/"}],"deleted":1}]}}`,
		`{"response":[{"Event":{"Attribute":[{"type":"hostname|port","value":"a.example|443","to_ids":"0"}]}},{"Event":null}]}` + "\n" + `{"x":1}`,
		`{"list":[".a.example","b.example",3,""],"type":"hostname"}`,
		`{"type":"cidr","list":["192.0.2.0/24","a.example"]}`,
		`{"list":["a.example",{"domain":"b.example"}]}`,
		`{"list":["a.example",{"other":"b.example"}]}`,
		`[{"type":"uri","value":"/x"},{"to_ids":false,"type":"md5","value":"x","deleted":{}}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { checkJSON(t, feed.MISP, text) })
}

// FuzzSTIXOracle compares the walk through a STIX list with decoding all of it, and the
// parser of patterns with splitting them by regular expressions.
func FuzzSTIXOracle(f *testing.F) {
	f.Add(bundle(stixIndicator(evilPattern, ""), `{"type":"domain-name","value":"a.example"}`, `{"type":"malware"}`, stixIndicator(otherPattern, `,"revoked":true`)))
	f.Add(`[{"type":"indicator","pattern":"[url:value = 'x'] AND [a:b.c[*] NOT LIKE 'y']"},{"objects":[],"more":0},{"type":"bundle"},7]`)
	f.Fuzz(func(t *testing.T, text string) { checkJSON(t, feed.STIX, text) })
}

// FuzzSTIXPattern is FuzzSTIXOracle for a single pattern.
func FuzzSTIXPattern(f *testing.F) {
	for _, seed := range []string{
		evilPattern, "[a:b='c'] FOLLOWEDBY ([d:e.'f'[0] IN (1, t'x')] OR [ipv4-addr:value ISSUBSET '192.0.2.0/24']) WITHIN 5 SECONDS",
		`[domain-name:value='a\'b\\c' OR (url:value NOT IN ('x','y') AND EXISTS x:y)] START t'a' STOP t'b'`, "[hostname:value MATCHES 'x' OR hostname:value >= '']",
		"[network-traffic:dst_ref.type IN ('ipv4-addr',1,'x') AND (network-traffic:dst_ref.value ISSUBSET '192.0.2.0/24' OR network-traffic:'dst_ref'.value='')]",
		"[network-traffic:dst_ref.value='a.example' AND network-traffic:dst_ref.type='domain-name' OR NOT EXISTS network-traffic:dst_ref.type]",
		"[url:value IN ('\n', 'http://a.example/\n,\n', 'b\n') OR a:b='\n' OR domain-name:value NOT LIKE '\n']",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		text, err := json.Marshal(map[string]any{"type": "indicator", "pattern": pattern})
		if err != nil {
			t.Fatal(err)
		}
		checkJSON(t, feed.STIX, string(text))
	})
}

// keywordAsName finds keywords of patterns that are used as names. The grammar allows them,
// but the slow reader splits patterns at them.
var keywordAsName = regexp.MustCompile(`(AND|OR|FOLLOWEDBY|NOT|EXISTS|WITHIN|REPEATS|START)\s*[:.\[]|[:.]\s*(AND|OR|FOLLOWEDBY|NOT|EXISTS|WITHIN|REPEATS|START)`)

// checkJSON compares what Parse and the slow reader find in a list.
func checkJSON(t *testing.T, format feed.Format, text string) {
	t.Helper()
	const maxNesting = 30 // far below the limits
	if len(text) > 4000 || strings.ContainsAny(text, "\x00\v\f") || strings.Count(text, "[")+strings.Count(text, "{")+strings.Count(text, "(") > maxNesting ||
		keywordAsName.MatchString(text) || repeatsMember(text) {
		t.Skip("not relevant here, or covered by other tests")
	}
	got := parseAll(strings.NewReader(text), format)
	want := slowJSON(format, text)
	if want.refused || got.err != nil {
		if want.refused != (got.err != nil) && got.report.Rejected == 0 && !errors.Is(got.err, feed.ErrWrongFormat) {
			t.Errorf("error %v, the slow reader: refused = %v", got.err, want.refused)
		}
		return
	}
	var accepted []string
	rejected, skips := 0, map[feed.Skip]int{}
	for _, entry := range want.entries {
		switch value := readValue(t, entry); {
		case entry.skip != 0:
			skips[entry.skip]++
		case value.report.Skipped > 0:
			for why, n := range value.report.Skips {
				skips[why] += n
			}
		case len(value.accepted) == 1 && (entry.kind != "address" || value.accepted[0].Block.IsValid()):
			accepted = append(accepted, render(&value.accepted[0]))
		default:
			rejected++
		}
	}
	var found []string
	for i := range got.accepted {
		found = append(found, render(&got.accepted[i]))
	}
	slices.Sort(accepted)
	slices.Sort(found)
	if diff := cmp.Diff(accepted, found); diff != "" || got.report.Rejected != rejected || !cmp.Equal(got.report.Skips, skips) {
		t.Errorf("%+v, want %d rejected, skips %v; -want +got:\n%s", got.report, rejected, skips, diff)
	}
}

// readValue reads the value of an entry as part of a JSON list.
func readValue(t *testing.T, entry slowEntry) outcome {
	t.Helper()
	if entry.kind == "" {
		return outcome{}
	}
	list := "[" + entry.value + "]"
	if entry.kind != "json" {
		object := map[string]string{"domain": entry.value}
		if entry.kind == "host" {
			object = map[string]string{"url": entry.value}
		}
		list = mustEncode([]any{object})
	}
	return parseAll(strings.NewReader(list), feed.JSON)
}

// repeatsMember reports whether some object has a duplicate member. encoding/json takes the
// last one.
func repeatsMember(text string) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	var open []map[string]bool // names of each object; nil for arrays
	isName := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return false
		}
		inObject := len(open) > 0 && open[len(open)-1] != nil
		switch token {
		case json.Delim('{'):
			open, isName = append(open, map[string]bool{}), true
			continue
		case json.Delim('['):
			open = append(open, nil)
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			isName = len(open) > 0 && open[len(open)-1] != nil
			continue
		}
		if inObject && isName {
			name := token.(string)
			if open[len(open)-1][name] {
				return true
			}
			open[len(open)-1][name] = true
		}
		isName = inObject && !isName
	}
}
