package keyprefix

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFolders(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 30, 22, 30, 0, 0, time.UTC)
	for _, test := range []struct {
		name, prefix string
		want         []string
	}{
		{"days", "logs/!{timestamp:yyyy/MM/dd}/", []string{"logs/2026/11/30/", "logs/2026/12/01/"}},
		{"hours", "!{timestamp:yyyy-MM-dd-HH}/", []string{"2026-11-30-22/", "2026-11-30-23/", "2026-12-01-00/"}},
		{"Hive", "year=!{timestamp:yyyy}/month=!{timestamp:MM}/", []string{"year=2026/month=11/", "year=2026/month=12/"}},
		{"no expression", "logs/", []string{"logs/2026/11/30/22/", "logs/2026/11/30/23/", "logs/2026/12/01/00/"}},
		{"minutes", "!{timestamp:yyyy/MM/dd/HHmm}/", []string{"2026/11/30/22", "2026/11/30/23", "2026/12/01/00"}},
		{"a random text", "a/!{firehose:random-string}/!{timestamp:yyyy}/", []string{"a/"}},
	} {
		if got, err := Folders(test.prefix, from, from.Add(2*time.Hour)); !slices.Equal(got, test.want) || err != nil {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
	if _, err := Folders("!{timestamp:yyyy", from, from); err == nil {
		t.Error("an open expression has folders")
	}
}

// Every key of the stream begins with one of its folders.
func TestFolders_evaluate(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 2, 27, 23, 59, 59, 0, time.UTC)
	for _, text := range []string{
		"dns-query-logs/!{timestamp:yyyy/MM/dd}/", "x/!{timestamp:yyyy'T'DDD}/!{firehose:random-string}/", "!{timestamp:yyyyMMddHHmmss}-",
	} {
		parsed := mustParse(text)
		until := from.Add(49 * time.Hour)
		folders, err := Folders(text, from, until)
		if err != nil {
			t.Fatal(err)
		}
		for at := from; !at.After(until); at = at.Add(7 * time.Minute) {
			key := parsed.Key(at, "", Random)
			if !slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(key, folder) }) {
				t.Fatalf("%s: %s is in none of %q", text, key, folders)
			}
		}
	}
}
