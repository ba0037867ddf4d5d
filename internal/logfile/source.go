// Package logfile turns what a user names on the command line (files, folders,
// standard input, S3 objects) into a stream of log text in input order, decompressed, cut into
// chunks that begin and end between records, and worked on in parallel.
//
// Memory is bounded by the number of files read at once and the chunk size, never
// by the size of the input.
package logfile

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Source is one input. Size is in bytes as stored, -1 where it is unknown.
type Source struct {
	Name string
	Size int64
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Stdin is the source that the argument "-" stands for.
func Stdin(stdin io.Reader) Source {
	return Source{Name: "standard input", Size: -1, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(stdin), nil
	}}
}

// Expand returns the sources of one argument that is a file or a folder. A folder
// stands for the log files below it, in the order of their paths; the second result
// counts the files below it that do not look like logs by their names.
func Expand(path string) (sources []Source, skipped int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, fmt.Errorf("reading logs: %w", err)
	}
	if !info.IsDir() {
		return []Source{file(path, info)}, 0, nil
	}
	err = filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return nil
		case !looksLikeLog(entry):
			skipped++
			return nil
		}
		info, err := entry.Info()
		if err == nil {
			sources = append(sources, file(path, info))
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading the folder: %w", err)
	}
	if len(sources) == 0 {
		return nil, skipped, fmt.Errorf("%s: no log file in this folder (.json, .jsonl, .ndjson, .log, .gz, .zst "+
			"or no extension); name the files themselves if theirs is another", path)
	}
	return sources, skipped, nil
}

func file(path string, info fs.FileInfo) Source {
	size := info.Size()
	if !info.Mode().IsRegular() {
		size = -1
	}
	return Source{Name: path, Size: size, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }}
}

// looksLikeLog goes by names only inside folders, where pictures and notes lie
// beside logs. Firehose and S3 log delivery write names without an extension too.
func looksLikeLog(entry fs.DirEntry) bool {
	if !entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), ".") {
		return false
	}
	switch filepath.Ext(entry.Name()) {
	case "", ".json", ".jsonl", ".ndjson", ".log", ".gz", ".zst":
		return true
	}
	return false
}
