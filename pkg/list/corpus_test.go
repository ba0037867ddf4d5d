package list_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// corpus returns a folder of the corpus of real lists. Without a corpus it skips the test.
func corpus(t *testing.T, folder ...string) string {
	t.Helper()
	root := os.Getenv("RESOLVERWATCH_CORPUS")
	if root == "" {
		t.Skip("set RESOLVERWATCH_CORPUS to the folder of the corpus to run this test")
	}
	return filepath.Join(append([]string{root}, folder...)...)
}

// decide reads a file and returns in one line what an import would decide.
func decide(t *testing.T, path string, s list.Options) (decision string, report list.Summary) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_, report, err = list.Read(file, s, defaultGuards(), list.Hooks{})
	var refusals list.Refusals
	if errors.As(err, &refusals) {
		decision = "refused"
		for _, refusal := range refusals {
			decision += " " + string(refusal.Code)
		}
		return decision, report
	}
	if err != nil {
		t.Fatal(err)
	}
	decision = fmt.Sprintf("%d entries", report.Names)
	for _, reason := range slices.Sorted(maps.Keys(report.Dropped)) {
		decision += fmt.Sprintf(", %d %s", report.Dropped[reason], reason)
	}
	return decision, report
}

func TestCorpus_badLists(t *testing.T) {
	t.Parallel()
	folder := corpus(t, "vectors", "own", "bad_lists")
	wants := map[string]string{
		"01_empty.txt":                     "refused no_entries",
		"02_only_comments.txt":             "refused no_entries",
		"03_html_error.txt":                "refused unreadable",
		"04_html_after_bom.txt":            "refused unreadable",
		"05_json_error.txt":                "refused unreadable",
		"06_xml_s3_error.txt":              "refused unreadable",
		"07_public_suffix.txt":             "1 entries, 1 private_suffix, 1 public_suffix, 1 single_label",
		"08_root_and_wild.txt":             "refused no_entries",
		"09_top_sites.txt":                 "refused no_entries",
		"10_own_infra.txt":                 "refused no_entries",
		"11_crlf_bom_mixed.txt":            "3 entries",
		"12_utf16.txt":                     "refused unreadable",
		"13_nul_bytes.txt":                 "refused unreadable",
		"14_invalid_utf8.txt":              "1 entries",
		"15_hosts_format.txt":              "3 entries",
		"16_urls.txt":                      "3 entries",
		"17_adblock.txt":                   "2 entries",
		"18_dups_and_case.txt":             "1 entries",
		"19_control_and_formula.txt":       "refused no_entries",
		"20_truncated.gz":                  "refused unreadable",
		"21_gzip_named_txt.txt":            "1 entries",
		"22_nested_gz.gz":                  "refused unreadable",
		"23_concatenated.gz":               "2 entries",
		"24_no_final_newline_cut_name.txt": "1 entries, 1 unknown_tld",
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		want, known := wants[file.Name()]
		if !known {
			t.Errorf("%s: the test has no decision for it", file.Name())
		}
		if got, report := decide(t, filepath.Join(folder, file.Name()), list.Options{}); got != want {
			t.Errorf("%s: %s, want %s (%+v)", file.Name(), got, want, report.Report)
		}
	}
}

// Users would turn off guards that refuse real lists. So no list of the corpus may be refused, and
// only a small part of its entries may be dropped. The exceptions contain nothing that can be
// listed, or match parts of names.
func TestCorpus_realListsAreAccepted(t *testing.T) {
	t.Parallel()
	refused := map[string]string{
		"allow/tlds.json":                      "refused no_entries", // top-level domains
		"allow/common-ioc-false-positive.json": "refused no_entries", // file hashes
		"allow/disposable-email.json":          "refused unreadable", // substrings
	}
	for _, name := range realLists(t) {
		s := list.Options{}
		if strings.HasPrefix(name, "allow/") {
			s.Action = indicator.ActionAllow
		}
		folder := corpus(t, "data", "feeds")
		if strings.HasSuffix(name, ".gz") {
			folder = corpus(t, "data", "load")
		}
		decision, report := decide(t, filepath.Join(folder, name), s)
		t.Logf("%-45s %-8s %s; %d rejected, %d skipped, %d repeats",
			name, report.Format, decision, report.Rejected, report.Skipped, report.Repeats)
		dropped := -report.Dropped[list.DropSharedHost] // lists of URLs contain many of them
		for _, n := range report.Dropped {
			dropped += n
		}
		const share = 20 // at most one entry in 20 is dropped
		suffixes := name == "allow/second-level-tlds.json"
		switch want, known := refused[name]; {
		case known && decision != want:
			t.Errorf("%s: %s, want %s", name, decision, want)
		case !known && strings.HasPrefix(decision, "refused"):
			t.Errorf("%s: %s", name, decision)
		case !known && !suffixes && dropped*share > report.Accepted:
			t.Errorf("%s: %s: too many entries are dropped", name, decision)
		}
	}
}

// realLists returns the names of all lists of the corpus.
func realLists(t *testing.T) (names []string) {
	t.Helper()
	for _, kind := range []string{"feeds", "load"} {
		root := corpus(t, "data", kind)
		err := filepath.WalkDir(root, func(path string, file os.DirEntry, err error) error {
			if err != nil || file.IsDir() || strings.HasPrefix(file.Name(), "LICENSE") || file.Name() == "SOURCES.md" {
				return err
			}
			name, err := filepath.Rel(root, path)
			names = append(names, name)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}
