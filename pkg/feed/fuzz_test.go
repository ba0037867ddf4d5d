package feed_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func FuzzPlain(f *testing.F) {
	fuzzFormat(f, feed.Plain, "evil.example # x\r\n*.b.example\n192.0.2.0/24\nhxxp://c[.]example:80/x\n2001:db8::1:40669\n/p\n")
}

func FuzzHosts(f *testing.F) {
	fuzzFormat(f, feed.Hosts, "127.0.0.1 localhost\n0.0.0.0 a.example b.example # c\nfe80::1%lo0 x\n192.0.2.1 real.example\n")
}

func FuzzAdblock(f *testing.F) {
	fuzzFormat(f, feed.Adblock, "[Adblock]\n||a.example^$all,important\n@@|b.example|\n||[2001:db8::1]^\na##b\n/x/\n0.0.0.0 c.example\n"+
		"||d.example^$dnsrewrite=NOERROR;A;0.0.0.0\n://*.e.example^$badfilter\n")
}

func FuzzDnsmasq(f *testing.F) {
	fuzzFormat(f, feed.Dnsmasq, "address=/a.example/b.example/0.0.0.0\nserver=/c.example/127.0.0.1#53\nno-resolv\nlocal=/*.d.example/ # x\n")
}

func FuzzUnbound(f *testing.F) {
	fuzzFormat(f, feed.Unbound, "server:\nlocal-zone: \"a.example\" redirect local-data: 'a.example A 0.0.0.0'\nlocal-zone: b.example transparent\n")
}

func FuzzBIND(f *testing.F) {
	fuzzFormat(f, feed.BIND, "zone \"a.example\" IN { type master; /* x */ file \"y\"; };\nzone b.example { type\nforward; }\n}")
}

func FuzzRPZ(f *testing.F) {
	fuzzFormat(f, feed.RPZ, "$ORIGIN rpz.example.\n@ SOA a. b. ( 1\n2 ) ; x\na.example.rpz.example. 1h IN CNAME .\n\tA 0.0.0.0\n"+
		"128.zz.db8.2001.rpz-ip CNAME rpz-passthru.\n*.b CNAME *.\n")
}

func FuzzWildcard(f *testing.F) {
	fuzzFormat(f, feed.Wildcard, "*.a.example\n*.1.2.0.192\n*\n*.*\n.b.example\n")
}

func FuzzCSV(f *testing.F) {
	fuzzFormat(f, feed.CSV, "# id,url,threat\n\"1\",\"http://a.example/\"\"x\"\"\",\"y\nz\"\n\"2\", b.example ,\n\"open\n", "a;b\n1;c.example\n",
		"type\tioc\tfirst_seen\nip:port\t192.0.2.1:80\t2026-01-02\n")
}

func FuzzJSON(f *testing.F) {
	fuzzFormat(f, feed.JSON, `["a.example", {"ioc":"2001:db8::1:80","ioc_type":"ip:port","confidence":1e2}]`,
		`{"1":[{"url":"http://b.example/"}],"x":{"y":[1,null]}}`, "{\"domain\":\"\\u00e9.example\"}\n{\"ip\":\"192.0.2.1\"}", `{"a":1}`)
}

// FuzzDetect reads any input in whatever format it looks like.
func FuzzDetect(f *testing.F) {
	f.Add([]byte("evil.example\n"))
	f.Add([]byte("0.0.0.0 evil.example\n"))
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcb\xcc\x51\xc8\xc8\xcc\xe5\x02\x00"))
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00\x69\x00\x00evil.example\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := checkParse(t, "", data)
		if got.report.Compression != "" {
			return
		}
		format, err := feed.Detect(data)
		if err == nil && got.report.Format != format {
			t.Errorf("detected %q, read as %q", format, got.report.Format)
		}
		if err != nil && got.err == nil {
			t.Errorf("not detected (%v), but read without an error", err)
		}
	})
}

func fuzzFormat(f *testing.F, format feed.Format, seeds ...string) {
	f.Helper()
	for _, seed := range seeds {
		f.Add([]byte(seed))
		f.Add([]byte("\xef\xbb\xbf" + strings.ReplaceAll(seed, "\n", "\r\n")))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, format, data) })
}

// outcome is everything that a parse returns.
type outcome struct {
	accepted []indicator.Indicator
	rejected []string
	skipped  []feed.SkippedLine
	report   feed.Report
	err      error
}

func parseAll(r io.Reader, format feed.Format) outcome {
	var got outcome
	got.report, got.err = feed.Parse(r, feed.Options{
		Format:   format,
		OnReject: func(e feed.LineError) { got.rejected = append(got.rejected, e.Error()) },
		OnSkip:   func(s feed.SkippedLine) { got.skipped = append(got.skipped, s) },
	}, func(i *indicator.Indicator) error {
		got.accepted = append(got.accepted, *i)
		return nil
	})
	return got
}

// checkParse checks the properties that hold for any input.
func checkParse(t *testing.T, format feed.Format, data []byte) outcome {
	t.Helper()
	got := parseAll(bytes.NewReader(data), format)
	if r := got.report; r.Accepted+r.Rejected+r.Skipped != r.Entries || r.Accepted != len(got.accepted) ||
		r.Rejected != len(got.rejected) || r.Skipped != len(got.skipped) {
		t.Errorf("counts do not add up: %+v", r)
	}
	var refused *feed.RefusedError
	if got.err != nil && (!errors.As(got.err, &refused) || got.err.Error() == "") {
		t.Errorf("error %v is not a refusal", got.err)
	}
	for i := range got.accepted {
		checkIndicator(t, &got.accepted[i])
	}
	same := cmp.Options{
		cmp.AllowUnexported(outcome{}), cmp.Comparer(func(a, b error) bool { return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error()) }),
		cmp.Comparer(func(a, b domainname.Name) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
	slowly := parseAll(iotest.OneByteReader(bytes.NewReader(data)), format)
	if got.err != nil || got.report.Compression != "" { // how far it reads ahead depends on the reader
		slowly.report.InputBytes, slowly.report.Bytes = got.report.InputBytes, got.report.Bytes
	}
	if diff := cmp.Diff(got, slowly, same); diff != "" {
		t.Error("reading byte by byte changes the result: -at once +byte by byte:\n", diff)
	}
	return got
}

func checkIndicator(t *testing.T, i *indicator.Indicator) {
	t.Helper()
	isBlock := i.Block.IsValid()
	if isBlock != i.Name.IsZero() || isBlock != (i.Scope == indicator.ScopeCIDR) {
		t.Errorf("%+v is neither a name nor a block", i)
	}
	if isBlock && (i.Block != i.Block.Masked() || i.Block.Addr().Is4In6()) {
		t.Errorf("block %v is not canonical", i.Block)
	}
	if again, err := domainname.Parse(i.Name.String()); !isBlock && (err != nil || again != i.Name) {
		t.Errorf("name %v is not canonical: %v, %v", i.Name, again, err)
	}
	if i.Scope < indicator.ScopeName || i.Scope > indicator.ScopeCIDR || i.Action < indicator.ActionBlock || i.Action > indicator.ActionAllow ||
		i.Severity < indicator.SeverityLow || i.Severity > indicator.SeverityCritical || i.Confidence > 100 {
		t.Errorf("%+v has an impossible rating", i)
	}
	if i.Category != indicator.NewCategory(string(i.Category)) {
		t.Errorf("category %q is not canonical", i.Category)
	}
}

var indentedComment = regexp.MustCompile(`(?m)^[ \t\v\f]+#`)

// FuzzCSVOracle compares the splitting of rows with encoding/csv.
func FuzzCSVOracle(f *testing.F) {
	f.Add("x,evil.example\n\"a \"\"b\"\", c\" , \"b.example\"\n# c\n\n\"two\nlines\", 192.0.2.1 \n")
	f.Add(",\n\"\",\"\"\n\" x\",\"\n\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		ascii := strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 || r == '\r' || r == 0 }) < 0
		if !ascii || len(text) > 1000 || strings.Count(text, "\n") > 25 {
			t.Skip("not relevant here")
		}
		if indentedComment.MatchString(text) || strings.Contains(text, "note,domain") {
			t.Skip("encoding/csv knows neither indented comments nor headings that occur again")
		}
		rows := csv.NewReader(strings.NewReader(text))
		rows.Comment, rows.TrimLeadingSpace, rows.FieldsPerRecord = '#', true, 2
		all, err := rows.ReadAll()
		if err != nil {
			t.Skip("encoding/csv is stricter with quotes and stops at the first error")
		}
		var values []string
		for _, row := range all {
			values = append(values, row[1])
		}
		list, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		compareValues(t, parseAll(strings.NewReader("note,domain\n"+text), feed.CSV), parseAll(bytes.NewReader(list), feed.JSON))
	})
}

// FuzzJSONOracle compares the decoding of JSON strings with encoding/json.
func FuzzJSONOracle(f *testing.F) {
	f.Add(`["evil.example", "b\u002eexample", "\ud83d\ude00.example", " c.example ", "d\/e"]`)
	f.Fuzz(func(t *testing.T, text string) {
		var values []string
		if len(text) > 1000 || json.Unmarshal([]byte(text), &values) != nil || strings.Contains(text, "null") {
			t.Skip("not an array of strings")
		}
		var table bytes.Buffer
		w := csv.NewWriter(&table)
		for _, value := range append([]string{"domain"}, values...) {
			if strings.ContainsAny(value, "\r\n\x00") {
				t.Skip("line ends within cells are tested elsewhere")
			}
			if err := w.Write([]string{"x", value}); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		compareValues(t, parseAll(strings.NewReader(text), feed.JSON), parseAll(&table, feed.CSV))
	})
}

// compareValues compares two readings, except for the texts of rejected and skipped entries,
// which are in the syntax of their formats.
func compareValues(t *testing.T, got, want outcome) {
	t.Helper()
	if got.err != nil && want.err != nil {
		return
	}
	var a, b []string
	for i := range got.accepted {
		a = append(a, render(&got.accepted[i]))
	}
	for i := range want.accepted {
		b = append(b, render(&want.accepted[i]))
	}
	if diff := cmp.Diff(b, a); diff != "" || got.report.Rejected != want.report.Rejected || !cmp.Equal(got.report.Skips, want.report.Skips) {
		t.Errorf("%+v, want %+v; -want +got:\n%s", got.report, want.report, diff)
	}
}

// FuzzAddress compares the parsing of addresses with net/netip.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{
		"192.0.2.1", "192.0.2.01", "0.0.0.0", "255.255.255.256", "1.2.3", "1.2.3.4.5", "::", "::ffff:192.0.2.1", "2001:db8::/32",
		"192.0.2.1/24", "::ffff:192.0.2.0/120", "1..2.3", "1.2.3.", "192.0.2.1/33",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Trim(text, "0123456789abcdef:./") != "" || text == "" {
			t.Skip("not relevant here")
		}
		got := parseAll(strings.NewReader(text), feed.Plain)
		isBlock := len(got.accepted) == 1 && got.accepted[0].Block.IsValid()
		want, err := netip.ParsePrefix(text)
		if ip, addressErr := netip.ParseAddr(text); addressErr == nil {
			want, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		switch {
		case err != nil && isBlock && !strings.ContainsAny(text, ":/"): // otherwise it has a port or a path
			t.Errorf("%q is read as %v, which net/netip does not", text, got.accepted[0].Block)
		case err == nil && want.Addr().Is4In6() && want.Bits() < 96: // not an IPv4 block
		case err == nil && !isBlock:
			t.Errorf("%q is not read as an address", text)
		case err == nil && got.accepted[0].Block.Masked().Addr() != want.Masked().Addr().Unmap():
			t.Errorf("%q is read as %v, want %v", text, got.accepted[0].Block, want)
		}
	})
}

// FuzzTime compares the parsing of times with package time.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{"2026-02-28 23:59:59", "2026-02-29 00:00:00", "2024-02-29", "2026-13-01", "2026-01-01 24:00:00", "2026-01-01 1:000:00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		layout := map[int]string{len(time.DateOnly): time.DateOnly, len(time.DateTime): time.DateTime}[len(text)]
		if layout == "" || strings.Trim(text, "0123456789-: ") != "" || strings.TrimSpace(text) != text || text[4] != '-' ||
			strings.Contains(text, "  ") { // package time accepts a space for a zero
			t.Skip("not relevant here")
		}
		want, _ := time.Parse(layout, text)
		got := parseAll(strings.NewReader("domain,first_seen\nevil.example,"+text+"\n"), feed.CSV)
		if len(got.accepted) != 1 || !got.accepted[0].FirstSeen.Equal(want) {
			t.Errorf("%q: %+v, want %v", text, got.accepted, want)
		}
	})
}

// Inputs that broke other readers of lists, in every format.
func TestParse_vectors(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(corpus(t), "vectors", "blocky", "*.tsv"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var entry string
			if strings.HasPrefix(line, "#") || json.Unmarshal([]byte(line), &entry) != nil {
				continue
			}
			for _, format := range append(feed.Formats(), "") {
				checkParse(t, format, []byte(entry))
			}
		}
	}
}
