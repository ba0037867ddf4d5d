package verdict_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// corpus returns a folder of the corpus, which holds real logs and test vectors.
func corpus(t *testing.T, folder ...string) string {
	t.Helper()
	root := os.Getenv("RESOLVERWATCH_CORPUS")
	if root == "" {
		t.Skip("set RESOLVERWATCH_CORPUS to the folder that holds samples/ and vectors/")
	}
	return filepath.Join(append([]string{root}, folder...)...)
}

var (
	fenced       = regexp.MustCompile("(?s)```(?:json)?\\s*(\\{.*?\\})\\s*```")
	firehoseData = regexp.MustCompile(`"[Dd]ata"\s*:\s*"([A-Za-z0-9+/]+=*)"`)
	ruleTest     = regexp.MustCompile(`(?s)ExpectedResult: (true|false)\s+Log:\s+(\{.*?\n      \})`)
	bareKey      = regexp.MustCompile(`\{ (\w+):`)
	lastComma    = regexp.MustCompile(`,(\s*[}\]])`)
)

// sampleRecords returns the records in a file, which can be a log object, documentation, a
// Firehose event or the tests of a detection rule.
func sampleRecords(t *testing.T, path string) (records []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	switch filepath.Ext(path) {
	case ".json":
		return []string{text}
	case ".md":
		for _, match := range fenced.FindAllStringSubmatch(text, -1) {
			records = append(records, match[1])
		}
	case ".txt":
		for _, match := range firehoseData.FindAllStringSubmatch(text, -1) {
			record, err := base64.StdEncoding.DecodeString(match[1])
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, string(record))
		}
	case ".yml":
		for _, test := range ruleTests(text) {
			records = append(records, test.record)
		}
	}
	return records
}

type labelled struct {
	record string
	hit    bool
}

// ruleTests returns the Resolver logs among the tests of a detection rule. The tests are
// written in the flow style of YAML, which looks like JSON.
func ruleTests(text string) (tests []labelled) {
	for _, match := range ruleTest.FindAllStringSubmatch(text, -1) {
		record := lastComma.ReplaceAllString(bareKey.ReplaceAllString(match[2], `{ "$1":`), "$1")
		if strings.Contains(record, "AWS.VPCDns") {
			tests = append(tests, labelled{record, match[1] == "true"})
		}
	}
	return tests
}

// inner returns the log object in an envelope, or the record itself if it is not one.
func inner(record string) string {
	var envelope struct{ Message string }
	if json.Unmarshal([]byte(record), &envelope) == nil && envelope.Message != "" {
		return envelope.Message
	}
	return record
}

// Every real log can be marked, and its original bytes stay, except for line ends between
// tokens.
func TestCorpus_samples(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "list block subtree moneropool.test")
	count := 0
	err := filepath.WalkDir(corpus(t, "samples"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		for _, record := range sampleRecords(t, path) {
			got, err := verdict.NewMarker(x, verdict.Options{}).Mark(nil, []byte(record))
			if err != nil {
				t.Errorf("%s: %v\n%s", path, err, record)
				continue
			}
			object := strings.TrimSpace(inner(record))
			flat := strings.NewReplacer("\n", " ", "\r", " ").Replace(object)
			want := strings.TrimSuffix(flat, "}") + `,"verdict":"clean","index_generation":7}` + "\n"
			if string(got) != want {
				t.Errorf("%s:\n got %s\nwant %s", path, got, want)
			}
			count++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count < 15 {
		t.Errorf("only %d records found", count)
	}
}

// The tests of a public detection rule run against the list that is built into the rule.
func TestCorpus_ruleTests(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(corpus(t, "samples", "panther-analysis", "aws_dns_crypto_domain.yml"))
	if err != nil {
		t.Fatal(err)
	}
	x := newIndex(t, "list block subtree moneropool.ru", "list block subtree webservicepag.webhop.net")
	tests := ruleTests(string(data))
	if len(tests) < 8 {
		t.Fatalf("only %d tests found", len(tests))
	}
	for _, test := range tests {
		if got := marked(t, x, verdict.Options{}, test.record); (got.Verdict == "malicious") != test.hit {
			t.Errorf("got %s, want a match: %t\n%s", got.summary(), test.hit, test.record)
		}
	}
	for _, name := range []string{"notmoneropool.ru", "other.webhop.net"} {
		if got := marked(t, x, verdict.Options{}, `{"query_name":`+quote(name)+`}`); got.Verdict != "clean" {
			t.Errorf("%s: got %s, want clean", name, got.summary())
		}
	}
}

// Hostile query names go the whole way from JSON to JSON. If a vector has no normal form
// because of unusual octets, the name is looked up by its bytes.
func TestCorpus_queryNames(t *testing.T) {
	t.Parallel()
	x := newIndex(t, "list block subtree example.com", "list block subtree evil.example", "list block name apple.com",
		"list block name com", "list block subtree xn--e1afmkfd.example", "list block subtree fass.de")
	bad := map[string]bool{
		"empty": true, "double dot": true, "leading dot": true, "label 64": true,
		"256 wire": true, "1000 labels": true, "1 MB name": true,
	}
	other := map[string]string{ // neither bad nor a match of example.com
		"root": "clean", "no trailing dot": "malicious example.com query_name", "TLD only": "malicious com query_name",
		"underscore":  "malicious evil.example query_name",
		"escaped dot": "clean", "decimal escape dot": "clean", "octal escape dot": "clean",
		"255 wire max": "clean", "127 labels": "clean",
		"punycode": "malicious xn--e1afmkfd.example query_name", "bad punycode": "clean",
		"unicode name": "clean", "homograph": "clean", "fullwidth dot": "clean", "sharp s": "clean", "non-ASCII case": "clean",
		"ipv4 as name": "clean", "ptr": "clean", "suffix boundary": "clean",
		"sub of listed": "malicious evil.example query_name",
	}
	file, err := os.Open(corpus(t, "vectors", "own", "query_names.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	count := 0
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if strings.HasPrefix(fields[0], "#") || len(fields) < 4 {
			continue
		}
		count++
		name := strings.Trim(fields[0], `"`)
		want, found := other[name]
		switch {
		case bad[name]:
			want = "unknown bad_name"
		case !found:
			want = "malicious example.com query_name"
		}
		record := `{"query_name":` + fields[1] + `}`
		got := marked(t, x, verdict.Options{}, record)
		if got.summary() != want {
			t.Errorf("%s: got %s, want %s (%s)", name, got.summary(), want, fields[3])
		}
		if got.Threat != nil && fields[2] != `"INVALID"` && name != "soft hyphen" {
			var normal string
			if err := json.Unmarshal([]byte(fields[2]), &normal); err != nil {
				t.Fatal(err)
			}
			if got.Threat.Matched != normal {
				t.Errorf("%s: matched %q, want %q", name, got.Threat.Matched, normal)
			}
		}
	}
	if lines.Err() != nil || count < 50 {
		t.Errorf("%d vectors read, error %v", count, lines.Err())
	}
}
