package feed_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func ignore(*indicator.Indicator) error { return nil }

func zip(t testing.TB, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func zstandard(t testing.TB, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll([]byte(text), nil)
}

func utf16Text(text string, mark bool) string {
	if mark {
		text = "\ufeff" + text
	}
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

// Every refusal says what is wrong, where, and what to do.
func TestParse_refused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 4097)
	tests := []struct {
		name, in string
		want     error
		message  string
	}{
		{"empty", "", feed.ErrEmpty, "no entries; an empty list never replaces another"},
		{"blank", " \n\r\n\t", feed.ErrEmpty, "to retire a feed, delete its list"},
		{"nothing but comments", "# a\n! b\n", feed.ErrEmpty, "no entries"},
		{"a web page", "\n<!DOCTYPE html>\n<html><head><title>503 Service\x1b Unavailable</title>", feed.ErrPage,
			`line 1: a web page or XML document instead of a list (it says "503 Service\x1b Unavailable"); open the list's address`},
		{"a web page after a byte order mark", "\xef\xbb\xbf  <HTML>", feed.ErrPage, "it begins with <"},
		{"an XML error", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", feed.ErrPage, `it says "AccessDenied"`},
		{"UTF-16", utf16Text("evil.example\n", true), feed.ErrEncoding, "text that is not UTF-8 (UTF-16); convert it, for example with `iconv"},
		{"UTF-16 without a mark", utf16Text("evil.example\n", false), feed.ErrEncoding, "UTF-16 without a byte order mark"},
		{"UTF-32", "\xff\xfe\x00\x00e\x00\x00\x00", feed.ErrEncoding, "UTF-32"},
		{"a NUL", "a.example\nev\x00il.example\n", feed.ErrBinary, "line 2: binary data (NUL at byte 12)"},
		{"a NUL far into the list", strings.Repeat("a.example\n", 100_000) + "\x00", feed.ErrBinary, "line 100001: binary data (NUL at byte 1000000)"},
		{"a zip archive", "PK\x03\x04rest", feed.ErrArchive, "an unsupported archive (zip); unpack it"},
		{"an xz archive", "\xfd7zXZ\x00rest", feed.ErrArchive, "xz"},
		{"a tar archive", strings.Repeat("x", 257) + "ustar", feed.ErrArchive, "tar"},
		{"a PDF", "%PDF-1.7\n", feed.ErrArchive, "PDF"},
		{"a long line", "a.example\n" + long + "\nb.example\n", feed.ErrLongLine, "line 2: line too long (over 4096 bytes); check that it is a list"},
		{"a long last line", "a.example\n" + long, feed.ErrLongLine, "line 2"},
		{"an endless line", "a.example\n" + strings.Repeat("x", 1<<20), feed.ErrLongLine, "line 2"},
		{"prose", "This is not a list.\nIt is prose.\n", feed.ErrUnknownFormat, `line 1: unknown format ("This is not a list."); set the format: plain, hosts`},
		{"many comments at the start", strings.Repeat("# x\n", 70_000) + "evil.example\n", feed.ErrUnknownFormat, "nothing but comments in the first"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.HalfReader(strings.NewReader(tt.in))} {
				_, err := feed.Parse(r, feed.Options{}, ignore)
				var refused *feed.RefusedError
				if !errors.Is(err, tt.want) || !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.message) {
					t.Errorf("error %v, want %v with %q", err, tt.want, tt.message)
				}
				if !strings.Contains(err.Error(), "; ") {
					t.Errorf("error %v does not say what to do", err)
				}
			}
		})
	}
}

func TestParse_longestLine(t *testing.T) {
	t.Parallel()
	comment := "#" + strings.Repeat("x", 4095)
	for _, end := range []string{"\n", "\r\n"} {
		got, _, err := read(t, comment+end+"evil.example"+end+comment, feed.Options{})
		if err != nil || len(got.Accepted) != 1 {
			t.Errorf("line end %q: got %v, %v, want one entry", end, got.Accepted, err)
		}
	}
}

func TestParse_namedFormat(t *testing.T) {
	t.Parallel()
	_, _, err := read(t, `{"data":[]}`, feed.Options{Format: feed.Plain})
	if !errors.Is(err, feed.ErrWrongFormat) || !strings.Contains(err.Error(), "JSON, not plain") {
		t.Errorf("error %v, want %v", err, feed.ErrWrongFormat)
	}
	if _, _, err = read(t, "<html>", feed.Options{Format: feed.CSV}); !errors.Is(err, feed.ErrPage) {
		t.Errorf("error %v, want %v", err, feed.ErrPage)
	}
}

func TestParse_compressed(t *testing.T) {
	t.Parallel()
	list := strings.Repeat("evil.example\n", 1000)
	skippable := "\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
	tests := []struct {
		name, want string
		in         []byte
	}{
		{"gzip", "gzip", zip(t, list)},
		{"gzip of several members", "gzip", append(zip(t, list[:1300]), zip(t, list[1300:])...)},
		{"zstd", "zstd", zstandard(t, list)},
		{"zstd of several frames", "zstd", append([]byte(skippable), append(zstandard(t, list[:1300]), zstandard(t, list[1300:])...)...)},
		{"neither", "", []byte(list)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, report, err := read(t, string(tt.in), feed.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if report.Accepted != 1000 || report.Compression != tt.want || report.Format != feed.Plain {
				t.Errorf("%d entries of a %s list in %q, want 1000 plain ones in %q", report.Accepted, report.Format, report.Compression, tt.want)
			}
			if report.InputBytes != int64(len(tt.in)) || report.Bytes != int64(len(list)) {
				t.Errorf("%d bytes in, %d read, want %d and %d", report.InputBytes, report.Bytes, len(tt.in), len(list))
			}
		})
	}
}

// A truncated list must be refused wherever it was cut, because part of a list is a different
// list.
func TestParse_truncated(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	for n := range 2000 {
		fmt.Fprintf(&list, "host%d.example\n", n*n)
	}
	for name, packed := range map[string][]byte{"gzip": zip(t, list.String()), "zstd": zstandard(t, list.String())} {
		for _, keep := range []int{3, 5, 17, 100, len(packed) / 2, len(packed) - 9, len(packed) - 5, len(packed) - 1} {
			if keep == 3 && name == "gzip" { // so that it is recognized as gzip
				keep = 4
			}
			_, err := feed.Parse(bytes.NewReader(packed[:keep]), feed.Options{}, ignore)
			if keep > 3 && !errors.Is(err, feed.ErrTruncated) || err == nil {
				t.Errorf("%d of %d bytes of %s: error %v, want %v", keep, len(packed), name, err, feed.ErrTruncated)
			}
		}
	}
}

func TestParse_damaged(t *testing.T) {
	t.Parallel()
	packed := zip(t, strings.Repeat("evil.example\n", 100))
	sum := bytes.Clone(packed)
	sum[len(sum)-6] ^= 1
	for name, in := range map[string][]byte{
		"checksum":                 sum,
		"text after the end":       append(bytes.Clone(packed), "evil.example\n"...),
		"zstd, text after the end": append(zstandard(t, "evil.example\n"), "evil.example\n"...),
		"gzip header only":         []byte("\x1f\x8b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	} {
		_, err := feed.Parse(bytes.NewReader(in), feed.Options{}, ignore)
		if !errors.Is(err, feed.ErrCorrupt) && !errors.Is(err, feed.ErrTruncated) {
			t.Errorf("%s: error %v, want %v", name, err, feed.ErrCorrupt)
		}
	}
}

func TestParse_nested(t *testing.T) {
	t.Parallel()
	inner := zip(t, "evil.example\n")
	for name, in := range map[string][]byte{
		"gzip in gzip": zip(t, string(inner)),
		"gzip in zstd": zstandard(t, string(inner)),
		"zstd in gzip": zip(t, string(zstandard(t, "evil.example\n"))),
		"zip in gzip":  zip(t, "PK\x03\x04rest"),
		"tar in gzip":  zip(t, strings.Repeat("x", 257)+"ustar"),
	} {
		_, err := feed.Parse(bytes.NewReader(in), feed.Options{}, ignore)
		if !errors.Is(err, feed.ErrNested) || !strings.Contains(err.Error(), "compress the list once") {
			t.Errorf("%s: error %v, want %v", name, err, feed.ErrNested)
		}
	}
}

// zeros is an endless list of comments that compresses well.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
		if i%64 == 63 {
			p[i] = '\n'
		}
	}
	return len(p), nil
}

func bomb(t *testing.T, size int64) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.CopyN(w, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestParse_limits(t *testing.T) {
	t.Parallel()
	list := strings.Repeat("evil.example\n", 1<<16)
	tests := []struct {
		name    string
		in      io.Reader
		limits  feed.Limits
		want    error
		message string
	}{
		{"input", strings.NewReader(list), feed.Limits{InputBytes: 1 << 19}, feed.ErrTooLarge, "over 524288 bytes"},
		{"endless input", io.MultiReader(strings.NewReader("a.example\n"), zeros{}), feed.Limits{InputBytes: 1 << 22}, feed.ErrTooLarge, "over 4194304 bytes"},
		{"expanded", bytes.NewReader(zstandard(t, list)), feed.Limits{ExpandedBytes: 1 << 19, Ratio: 1 << 40}, feed.ErrTooLarge, "over 524288 bytes uncompressed"},
		{"bomb", bytes.NewReader(bomb(t, 64<<20)), feed.Limits{}, feed.ErrRatio, "expands too much when decompressed"},
		{"line", strings.NewReader("evil.example\n" + strings.Repeat("x", 65)), feed.Limits{LineBytes: 64}, feed.ErrLongLine, "line 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			report, err := feed.Parse(tt.in, feed.Options{Format: feed.Plain, Limits: tt.limits}, ignore)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("error %v, want %v with %q", err, tt.want, tt.message)
			}
			const slack = 8 << 20 // the most that 64 KiB of read-ahead can expand to
			if report.Bytes > slack {
				t.Errorf("read %d bytes before it stopped, want at most %d", report.Bytes, slack)
			}
		})
	}
	t.Run("the ratio of short lists is not limited", func(t *testing.T) {
		t.Parallel()
		if _, _, err := read(t, string(zip(t, list)), feed.Options{}); err != nil {
			t.Error(err)
		}
	})
}

// An error of the reader says nothing about the list, so it is not a refusal.
func TestParse_readerError(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	packed := zip(t, strings.Repeat("evil.example\n", 1000))
	for name, in := range map[string]io.Reader{
		"at once":       iotest.ErrReader(broken),
		"in a list":     io.MultiReader(strings.NewReader("evil.example\n"), iotest.ErrReader(broken)),
		"in an archive": io.MultiReader(bytes.NewReader(packed[:40]), iotest.ErrReader(broken)),
		"late":          io.MultiReader(strings.NewReader(strings.Repeat("evil.example\n", 1<<16)), iotest.ErrReader(broken)),
	} {
		_, err := feed.Parse(in, feed.Options{}, ignore)
		var refused *feed.RefusedError
		if !errors.Is(err, broken) || errors.As(err, &refused) {
			t.Errorf("%s: error %v, want the error of the reader and not a refusal", name, err)
		}
	}
	if _, err := feed.Parse(idle{}, feed.Options{}, ignore); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that never reads: error %v, want %v", err, io.ErrNoProgress)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// The broken and poisoned lists of the corpus: some are refused here, the others are left to
// the guards of the importer.
func TestParse_badLists(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(corpus(t), "vectors", "own", "bad_lists")
	refused := map[string]error{
		"01_empty.txt": feed.ErrEmpty, "02_only_comments.txt": feed.ErrEmpty, "03_html_error.txt": feed.ErrPage,
		"04_html_after_bom.txt": feed.ErrPage, "05_json_error.txt": feed.ErrMessage, "06_xml_s3_error.txt": feed.ErrPage,
		"12_utf16.txt": feed.ErrEncoding, "13_nul_bytes.txt": feed.ErrBinary, "20_truncated.gz": feed.ErrTruncated,
		"22_nested_gz.gz": feed.ErrNested,
	}
	accepted := map[string]int{
		"07_public_suffix.txt": 4, "08_root_and_wild.txt": 2, "09_top_sites.txt": 4, "10_own_infra.txt": 5,
		"11_crlf_bom_mixed.txt": 3, "14_invalid_utf8.txt": 1, "15_hosts_format.txt": 3, "16_urls.txt": 3,
		"17_adblock.txt": 2, "18_dups_and_case.txt": 3, "19_control_and_formula.txt": 0, "21_gzip_named_txt.txt": 1,
		"23_concatenated.gz": 2, "24_no_final_newline_cut_name.txt": 2,
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no lists in %s: %v", folder, err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		report, err := feed.Parse(bytes.NewReader(text), feed.Options{}, ignore)
		want, known := accepted[name]
		switch {
		case refused[name] != nil && !errors.Is(err, refused[name]):
			t.Errorf("%s: error %v, want %v", name, err, refused[name])
		case refused[name] == nil && (err != nil || !known || report.Accepted != want):
			t.Errorf("%s: accepted %d, %v, want %d", name, report.Accepted, err, want)
		}
	}
}
