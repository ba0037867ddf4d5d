package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var commitTime = time.Date(2026, time.November, 1, 12, 30, 2, 0, time.FixedZone("", 2*60*60))

func entries() []entry {
	return []entry{
		{"resolverwatch", modeProgram, bytes.Repeat([]byte("program "), 100)},
		{"LICENSE", modeText, []byte("licence")},
		{"completions/resolverwatch.bash", modeText, []byte("complete")},
	}
}

// The order of the entries and the time zone of the machine do not change an archive.
func TestArchives_reproducible(t *testing.T) {
	t.Parallel()
	for name, pack := range map[string]func(string, time.Time, []entry) ([]byte, error){"tar.gz": tarGzip, "zip": zipped} {
		first, err := pack("r", commitTime, entries())
		if err != nil {
			t.Fatal(err)
		}
		shuffled := entries()
		slices.Reverse(shuffled)
		second, err := pack("r", commitTime.UTC(), shuffled)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("%s: the second archive differs", name)
		}
	}
}

func TestArchives_content(t *testing.T) {
	t.Parallel()
	want := []string{
		"r/LICENSE -rw-r--r-- 2026-11-01T10:30:02Z licence",
		"r/completions/resolverwatch.bash -rw-r--r-- 2026-11-01T10:30:02Z complete",
		"r/resolverwatch -rwxr-xr-x 2026-11-01T10:30:02Z " + strings.Repeat("program ", 100),
	}
	for name, test := range map[string]struct {
		pack   func(string, time.Time, []entry) ([]byte, error)
		unpack func([]byte) ([]unpacked, error)
	}{"tar.gz": {tarGzip, untar}, "zip": {zipped, unzip}} {
		packed, err := test.pack("r", commitTime, entries())
		if err != nil {
			t.Fatal(err)
		}
		files, err := test.unpack(packed)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range files {
			got = append(got, fmt.Sprint(f.name, " ", f.mode, " ", f.at.UTC().Format(time.RFC3339), " ", string(f.content)))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// unpacked is a file of an archive.
type unpacked struct {
	name    string
	mode    fs.FileMode
	at      time.Time
	content []byte
}

func untar(packed []byte) (files []unpacked, err error) {
	unpacker, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(unpacker)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return nil, err
		}
		files = append(files, unpacked{header.Name, header.FileInfo().Mode(), header.ModTime, content})
	}
}

func unzip(packed []byte) (files []unpacked, err error) {
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, err
	}
	for _, file := range archive.File {
		r, err := file.Open()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		files = append(files, unpacked{file.Name, file.Mode(), file.Modified, content})
	}
	return files, nil
}
