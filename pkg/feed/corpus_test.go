package feed_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

// corpus returns the folder of real lists, or skips the test.
func corpus(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("RESOLVERWATCH_CORPUS")
	if folder == "" {
		t.Skip("set RESOLVERWATCH_CORPUS to the folder of the real lists to run this test")
	}
	return folder
}

// Every real list is read the same way by an independent slow reader.
func TestParse_corpus(t *testing.T) {
	t.Parallel()
	root := filepath.Join(corpus(t), "data")
	formats := map[string]feed.Format{"allow": feed.MISP}
	for _, format := range feed.Formats() {
		formats[string(format)] = format
	}
	for folder, format := range formats {
		compareLists(t, filepath.Join(root, "feeds", folder), "*", format)
	}
	compareLists(t, filepath.Join(root, "load"), "redirect.txt.gz", feed.Hosts)
	for _, plain := range []string{"full-domains-a?.txt.gz", "maltrail-1.16M.txt.gz", "phishing-nl.txt.gz"} {
		compareLists(t, filepath.Join(root, "load"), plain, feed.Plain)
	}
}

// refusedLists are real lists that must be refused.
var refusedLists = map[string]error{"disposable-email.json": feed.ErrWidens}

func compareLists(t *testing.T, folder, pattern string, format feed.Format) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no lists %s in %s: %v", pattern, folder, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(folder)+"/"+filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			packed, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, report, err := read(t, string(packed), feed.Options{})
			if want := refusedLists[filepath.Base(path)]; want != nil {
				if !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
				return
			}
			if err != nil || report.Format != format {
				t.Fatalf("read as %s, %v, want %s", report.Format, err, format)
			}
			want := slowRead(format, unzip(t, packed))
			if report.Entries != want.entries {
				t.Errorf("%d entries, want %d", report.Entries, want.entries)
			}
			slices.Sort(got.Accepted)
			slices.Sort(want.accepted)
			if !slices.Equal(want.accepted, got.Accepted) {
				t.Error("-want +got:\n", firstDifferences(want.accepted, got.Accepted))
			}
			t.Logf("%d entries: %d accepted, %d rejected, skipped %v", report.Entries, report.Accepted, report.Rejected, report.Skips)
		})
	}
}

// firstDifferences shows some of the entries that are in only one of two sorted lists.
func firstDifferences(want, got []string) string {
	const most = 20
	only := func(list, other []string) (alone []string) {
		for _, entry := range list {
			if _, found := slices.BinarySearch(other, entry); !found && len(alone) < most {
				alone = append(alone, entry)
			}
		}
		return alone
	}
	return cmp.Diff(only(want, got), only(got, want))
}

func unzip(t *testing.T, packed []byte) string {
	t.Helper()
	if !bytes.HasPrefix(packed, []byte("\x1f\x8b")) {
		return string(packed)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if _, err := io.Copy(&text, r); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// BenchmarkParse_json reads the longest of the real events, bundles and warninglists.
func BenchmarkParse_json(b *testing.B) {
	for _, name := range []string{"misp/echap-event-no-wrapper.json", "stix/pegasus.stix2", "allow/public-dns-hostname.json"} {
		text, err := os.ReadFile(filepath.Join(corpus(b), "data", "feeds", name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := feed.Parse(bytes.NewReader(text), feed.Options{}, ignore); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
