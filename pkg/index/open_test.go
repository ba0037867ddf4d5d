package index_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// small returns entries that fill every section of an index.
func small(t testing.TB) []fed {
	t.Helper()
	return parseAll(t,
		"a block subtree evil.example high 90 malware", "b block name www.evil.example low 10 phishing",
		"a block under x.y.z.example", "b allow subtree good.evil.example", "b block subtree test",
		"allow allow subtree fine.example", "a block cidr 192.0.2.0/24", "b block cidr 2001:db8::1/128",
	)
}

// reseal sets the length and checksum of a changed file, following the documented format.
func reseal(file []byte) {
	const checksumBytes = 16
	if len(file) < 24+checksumBytes {
		return
	}
	binary.LittleEndian.PutUint64(file[16:], uint64(len(file)))
	sum := xxh3.Hash128(file[:len(file)-checksumBytes]).Bytes()
	copy(file[len(file)-checksumBytes:], sum[:])
}

func TestOpen_everyByteCorrupt(t *testing.T) {
	t.Parallel()
	file := build(t, small(t))
	open(t, file)
	for i := range file {
		for _, change := range []byte{1, 0x80, 0xFF, file[i]} { // the last one sets the byte to 0
			if change == 0 {
				continue
			}
			file[i] ^= change
			if _, err := index.Open(file); err == nil {
				t.Errorf("opens although byte %d is changed by %#x", i, change)
			}
			file[i] ^= change
		}
	}
	open(t, file)
}

func TestOpen_everyLength(t *testing.T) {
	t.Parallel()
	file := build(t, small(t))
	for length := range file {
		if _, err := index.Open(file[:length:length]); err == nil {
			t.Errorf("opens although it is truncated to %d of %d bytes", length, len(file))
		}
	}
	if _, err := index.Open(append(bytes.Clone(file), 0)); err == nil {
		t.Error("opens with an extra byte")
	}
}

func TestOpen_errors(t *testing.T) {
	t.Parallel()
	file := build(t, small(t))
	newer := bytes.Clone(file)
	newer[8] = 9
	reseal(newer)
	flipped := bytes.Clone(file)
	flipped[len(flipped)/2] ^= 1
	tests := []struct {
		name string
		in   []byte
		want error
		text string // part of the message, for errors that ErrCorrupt does not tell apart
	}{
		{"empty", nil, index.ErrNotIndex, ""},
		{"web page", []byte("<html>" + strings.Repeat(" ", 500)), index.ErrNotIndex, ""},
		{"only the magic", file[:8], index.ErrCorrupt, "the header is truncated"},
		{"truncated", file[:len(file)-1], index.ErrCorrupt, "header says"},
		{"flipped bit", flipped, index.ErrCorrupt, "checksum does not match"},
	}
	for _, test := range tests {
		_, err := index.Open(test.in)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.text)
		}
	}
	_, err := index.Open(newer)
	var version *index.VersionError
	if !errors.As(err, &version) || version.Version != 9 {
		t.Fatalf("got %v, want a version error", err)
	}
	if want := "index file has format version 9: this build reads versions 1 to 1"; version.Error() != want {
		t.Errorf("got %q, want %q", version, want)
	}
}

// A change that the checksum does not detect must not make a lookup panic or loop. Whether
// Open fails or a lookup gives a wrong answer does not matter here.
func TestOpen_everyByteCorruptAndResealed(t *testing.T) {
	t.Parallel()
	file := build(t, small(t))
	for i := range file[:len(file)-16] {
		for _, change := range []byte{1, 0x10, 0x80, 0xFF} {
			damaged := bytes.Clone(file)
			damaged[i] ^= change
			reseal(damaged)
			exercise(t, damaged)
		}
	}
}

// The bytes of version 1 must never change, because later readers must be able to read
// them. Use -update for a new version only. version1.rwx was written by the release before
// the reach was added.
func TestBuild_goldenVersion1(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "version1-reach.rwx")
	file := must(newBuilder(t, small(t)).Build(index.Options{
		Generation: 7, Seed: seed, BuiltAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
	}))(t)
	if *update {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden := must(os.ReadFile(path))(t)
	if !bytes.Equal(file, golden) {
		t.Errorf("format version 1 has changed: got %d bytes, the golden file has %d", len(file), len(golden))
	}
	var m index.Match
	x := open(t, golden)
	x.Match(query(t, "www.evil.example"), &m)
	if got, want := describe(&m), "malicious www.evil.example name [a b] high 90 malware"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
