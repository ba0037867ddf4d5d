// Package logfile reads logs in parallel. Files, folders, standard input and S3 objects go in.
// Decompressed text comes out, in input order, cut into chunks that begin and end between
// records.
//
// Memory depends on the number of files that are read at the same time and on the chunk size,
// but not on the size of the input.
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

// Source is one input. Size is its stored size in bytes, or -1 if unknown.
type Source struct {
	Name string
	Size int64
	// ID is the same for two names of the same input.
	ID   string
	open func(ctx context.Context) (io.ReadCloser, error)
}

// Stdin returns the source for standard input.
func Stdin(stdin io.Reader) Source {
	return Source{Name: "standard input", ID: "-", Size: -1, open: func(ctx context.Context) (io.ReadCloser, error) {
		return NewLive(ctx, stdin), nil
	}}
}

// Expand returns the source of a file, or the sources of the log files under a folder in the
// order of their paths. skipped counts the files under the folder that do not have the name
// of a log file.
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
		case !looksLikeLog(path, entry):
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
			"or no extension); if your logs have another extension, name the files", path)
	}
	return sources, skipped, nil
}

func file(path string, info fs.FileInfo) Source {
	size := info.Size()
	if !info.Mode().IsRegular() {
		size = -1
	}
	id, err := filepath.Abs(path)
	if real, linkErr := filepath.EvalSymlinks(id); err == nil && linkErr == nil {
		id = real
	}
	return Source{Name: path, ID: id, Size: size, open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }}
}

// exportTest is the name of the object with which CloudWatch Logs tests that it may write to
// the bucket of an export.
const exportTest = "aws-logs-write-test"

// looksLikeLog reports whether a file in a folder has the name of a log file. Firehose and S3
// log delivery also write names without an extension. A stream that converts to Parquet may give
// that extension to the records that it sets aside, too, which are JSON.
func looksLikeLog(path string, entry fs.DirEntry) bool {
	if !entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), ".") || entry.Name() == exportTest {
		return false
	}
	switch filepath.Ext(entry.Name()) {
	case "", ".json", ".jsonl", ".ndjson", ".log", ".gz", ".zst":
		return true
	case ".parquet":
		return !isParquet(path)
	}
	return false
}

// isParquet reports whether a file begins as Parquet files do. A file that cannot be opened does
// not, so that the scan reports it.
func isParquet(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	magic := make([]byte, len(parquetMagic))
	n, _ := io.ReadFull(file, magic)
	return string(magic[:n]) == parquetMagic
}

const parquetMagic = "PAR1"
