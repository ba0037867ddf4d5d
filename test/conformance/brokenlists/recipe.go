package brokenlists

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// text returns a list from text.
func text(parts ...string) func() io.Reader {
	return func() io.Reader { return strings.NewReader(strings.Join(parts, "")) }
}

// made returns a list from the bytes that recipe returns.
func made(recipe func() []byte) func() io.Reader {
	return func() io.Reader { return bytes.NewReader(recipe()) }
}

// repeated returns a long list, which is never completely in memory.
func repeated(head, body string, times int, tail string) func() io.Reader {
	return func() io.Reader {
		return io.MultiReader(strings.NewReader(head), &repeater{text: body, left: times * len(body)}, strings.NewReader(tail))
	}
}

type repeater struct {
	text   string
	offset int // in text
	left   int
}

func (r *repeater) Read(p []byte) (n int, err error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	for n < len(p) && r.left > 0 {
		copied := copy(p[n:min(len(p), n+r.left)], r.text[r.offset:])
		n, r.left, r.offset = n+copied, r.left-copied, (r.offset+copied)%len(r.text)
	}
	return n, nil
}

// names returns a list of n different names.
func names(n int) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "bad%d.example\n", i)
	}
	return list.String()
}

// everyBlock returns all IPv4 blocks of 16 bits.
func everyBlock() string {
	var list strings.Builder
	for i := range 1 << 16 {
		fmt.Fprintf(&list, "%d.%d.0.0/16\n", i>>8, i&255)
	}
	return list.String()
}

// manyNetworks returns n IPv4 blocks of 24 bits that have others between them.
func manyNetworks(n int) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "20.%d.%d.0/24\n", i>>7, 2*i&255)
	}
	return list.String()
}

// must panics if there is an error. Recipes write into memory, so errors are impossible.
func must(err error) {
	if err != nil {
		panic(fmt.Errorf("making a broken list: %w", err))
	}
}

func gzipped(list io.Reader) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.Copy(w, list)
	must(err)
	must(w.Close())
	return packed.Bytes()
}

func zstandard(list io.Reader) []byte {
	var packed bytes.Buffer
	w, err := zstd.NewWriter(&packed)
	must(err)
	_, err = io.Copy(w, list)
	must(err)
	must(w.Close())
	return packed.Bytes()
}

func zipped(list string) []byte {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	file, err := w.Create("list.txt")
	must(err)
	_, err = io.WriteString(file, list)
	must(err)
	must(w.Close())
	return packed.Bytes()
}

func tarred(list string) []byte {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	must(w.WriteHeader(&tar.Header{Name: "list.txt", Mode: 0o644, Size: int64(len(list))}))
	_, err := io.WriteString(w, list)
	must(err)
	must(w.Close())
	return packed.Bytes()
}
