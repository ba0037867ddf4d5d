package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"io"
	"io/fs"
	"slices"
	"time"
)

// Modes of the files in an archive. The modes of the files on disk depend on the umask.
const (
	modeProgram fs.FileMode = 0o755
	modeText    fs.FileMode = 0o644
)

// entry is a file in an archive.
type entry struct {
	name    string // with slashes
	mode    fs.FileMode
	content []byte
}

// sorted returns the entries in the order of their names.
func sorted(entries []entry) []entry {
	return slices.SortedFunc(slices.Values(entries), func(a, b entry) int { return cmp.Compare(a.name, b.name) })
}

// tarGzip returns a compressed tar archive of the entries in a folder. The same entries and time
// give the same bytes.
func tarGzip(folder string, at time.Time, entries []entry) ([]byte, error) {
	var out bytes.Buffer
	packer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(packer)
	for _, e := range sorted(entries) {
		header := &tar.Header{
			Typeflag: tar.TypeReg,
			Name:     folder + "/" + e.name,
			Mode:     int64(e.mode.Perm()),
			Size:     int64(len(e.content)),
			ModTime:  at.UTC(),
			Format:   tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	if err := packer.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// zipped returns a zip archive of the entries in a folder. The same entries and time give the
// same bytes.
func zipped(folder string, at time.Time, entries []entry) ([]byte, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, e := range sorted(entries) {
		header := &zip.FileHeader{Name: folder + "/" + e.name, Method: zip.Deflate, Modified: at.UTC()}
		header.SetMode(e.mode)
		w, err := archive.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
