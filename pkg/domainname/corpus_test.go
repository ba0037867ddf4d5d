package domainname_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

// vectors returns the rows of a tab-separated table of test vectors. Strings in it are JSON.
func vectors(t *testing.T, path ...string) [][]string {
	t.Helper()
	var rows [][]string
	for _, line := range corpusLines(t, path...) {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var row []string
		for _, cell := range strings.Split(line, "\t") {
			var text string
			if json.Unmarshal([]byte(cell), &text) != nil {
				text = cell
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return rows
}

func corpusLines(t *testing.T, path ...string) (lines []string) {
	t.Helper()
	root := os.Getenv("RESOLVERWATCH_CORPUS")
	if root == "" {
		t.Skip("set RESOLVERWATCH_CORPUS to a folder with vectors/")
	}
	file, err := os.Open(filepath.Join(append([]string{root, "vectors"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 8<<20)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// Hostile query names. If a vector has an ASCII normal form, Query has the same. A vector may
// say INVALID because of unusual octets, but Query only refuses lengths and empty labels.
func TestQuery_hostileNames(t *testing.T) {
	for _, row := range vectors(t, "own", "query_names.tsv") {
		label, raw, normal := row[0], row[1], row[2]
		t.Run(label, func(t *testing.T) {
			checkQuery(t, raw)
			var q domainname.Query
			err := q.Set([]byte(raw))
			if isASCII(raw) && normal != "INVALID" && raw != "" && (err != nil || string(q.Bytes()) != normal) {
				t.Errorf("%.80q: %q, %v; want %q", raw, q.Bytes(), err, normal)
			}
			if !isASCII(raw) && normal != "INVALID" {
				name, err := domainname.Parse(raw)
				if err != nil || name.String() != normal {
					t.Errorf("listed %q: %q, %v; want %q", raw, name, err, normal)
				}
			}
		})
	}
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0
}

// The vectors count one label for the root, which has none here.
func TestQuery_validNames(t *testing.T) {
	for _, row := range vectors(t, "miekg-dns", "isdomainname.tsv") {
		var q domainname.Query
		err := q.Set([]byte(row[0]))
		if valid := row[1] == "true"; valid != (err == nil) {
			t.Errorf("%q: %v, want valid = %v", row[0], err, valid)
		} else if labels, _ := strconv.Atoi(row[2]); valid && row[0] != "." && q.Labels() != labels {
			t.Errorf("%q: %d labels, want %d", row[0], q.Labels(), labels)
		}
	}
}

func TestQuery_finalDot(t *testing.T) {
	for _, row := range vectors(t, "miekg-dns", "isfqdn_escaped.tsv") {
		var q domainname.Query
		if q.Set([]byte(row[0])) != nil || row[0] == "." {
			continue // some vectors have empty labels
		}
		if dropped := len(q.Bytes()) < len(row[0]); strconv.FormatBool(dropped) != row[1] {
			t.Errorf("%q: final dot dropped = %v, want %s", row[0], dropped, row[1])
		}
	}
}

func TestQuery_canonicalForm(t *testing.T) {
	for _, row := range vectors(t, "miekg-dns", "canonicalname.tsv") {
		var q domainname.Query
		if err := q.Set([]byte(row[0])); err != nil {
			if row[0] != "" { // an empty name is the root in the vectors, and an error here
				t.Errorf("%q: %v", row[0], err)
			}
			continue
		}
		if got := string(q.Bytes()) + "."; got != row[1] {
			t.Errorf("%q: %q, want %q", row[0], got, row[1])
		}
	}
}

// UTS 46 on listed names, compared with the vectors of Unicode: a name that is valid there
// converts to the same text here, and a name that is invalid there is rejected. Names that
// break rules of this package alone (hostname octets, a numeric last label) are left out, and
// so are ASCII names, which are never converted.
func TestParse_idnaVectors(t *testing.T) {
	checked, symbols := 0, 0
	for _, line := range corpusLines(t, "publicsuffix-list", "IdnaTestV2-15.0.0.txt") {
		line, _, _ = strings.Cut(line, "#")
		cells := strings.Split(line, ";")
		if len(cells) < 5 {
			continue
		}
		for i := range cells {
			cells[i] = unescape(t, strings.TrimSpace(cells[i]))
		}
		source, unicode, status, ascii, asciiStatus := cells[0], cells[1], cells[2], cells[3], cells[4]
		if isASCII(source) {
			continue
		}
		if unicode == "" {
			unicode = source
		}
		if ascii == "" {
			ascii = unicode
		}
		if asciiStatus == "" {
			asciiStatus = status
		}
		valid := asciiStatus == "" || asciiStatus == "[]"
		name, err := domainname.Parse(source)
		switch {
		case valid && err == nil && name.String() != strings.TrimSuffix(ascii, "."):
			t.Errorf("%q: %q, want %q", source, name, ascii)
		case valid && err != nil && breaksOwnRules(ascii):
			continue
		case valid && err != nil:
			t.Errorf("%q: %v, want %q", source, err, ascii)
		case !valid && err == nil && !needsSTD3(unicode):
			t.Errorf("%q: %q, want one of the errors %s", source, name, asciiStatus)
		case !valid && err == nil:
			symbols++
		}
		checked++
	}
	t.Logf("%d vectors checked; %d of them are accepted although STD3 forbids a symbol in them", checked, symbols)
	if checked < 1000 {
		t.Errorf("only %d vectors found", checked)
	}
}

// needsSTD3 reports whether a name contains one of the three symbols that only the STD3 rules
// forbid. Those rules are off here, because they also forbid the underscore.
func needsSTD3(unicode string) bool {
	return strings.ContainsAny(unicode, "\u2260\u226e\u226f") || strings.Contains(unicode, "\u0338")
}

// breaksOwnRules reports whether a converted name breaks a rule of this package.
func breaksOwnRules(ascii string) bool {
	_, err := domainname.Parse(strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return '%' // not a hostname octet either
		}
		return r
	}, ascii))
	return err != nil
}

// unescape decodes `\uXXXX` and `\x{X}` in the vectors.
func unescape(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, `\`)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		digits, after := "", ""
		if strings.HasPrefix(rest, "u") {
			digits, after = rest[1:5], rest[5:]
		} else {
			digits, after, _ = strings.Cut(strings.TrimPrefix(rest, "x{"), "}")
		}
		code, err := strconv.ParseUint(digits, 16, 32)
		if err != nil {
			t.Fatalf("escape in %q: %v", text, err)
		}
		out.WriteRune(rune(code))
		text = after
	}
}
