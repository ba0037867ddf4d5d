//go:build !race

package template

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPack(t *testing.T) {
	program := []byte(strings.Repeat("a program, more or less\n", 1000))
	packed, err := pack(program)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := pack(program); err != nil || !bytes.Equal(packed, again) {
		t.Errorf("the second zip file differs: %v", err)
	}
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.File) != 1 {
		t.Fatalf("%d files", len(archive.File))
	}
	file := archive.File[0]
	if file.Name != "bootstrap" || file.Mode() != 0o755 || !file.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%s, mode %v, of %v", file.Name, file.Mode(), file.Modified)
	}
	reader, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, program) {
		t.Errorf("the program differs: %v", err)
	}
}

// The names of the zip files contain their checksums, the template refers to them, and
// SHA256SUMS is correct for every file.
func TestBundle(t *testing.T) {
	bundle, err := newBundle(contextOf(t, nil), map[string][]byte{importer: []byte("imports"), transformer: []byte("marks"),
		notifier: []byte("tells"), hunter: []byte("hunts")})
	if err != nil {
		t.Fatal(err)
	}
	names := bundle.Names()
	if len(names) != 6 || !slices.Contains(names, TemplateFile) {
		t.Fatalf("files %q", names)
	}
	var sums string
	for _, name := range names {
		sum := fmt.Sprintf("%x", sha256.Sum256(bundle[name]))
		if name != sumsFile {
			sums += sum + "  " + name + "\n"
		}
		if !strings.HasSuffix(name, ".zip") {
			continue
		}
		if !strings.HasSuffix(name, "-"+sum+".zip") {
			t.Errorf("%s has the checksum %s", name, sum)
		}
		if !bytes.Contains(bundle[TemplateFile], []byte(name)) {
			t.Errorf("the template does not name %s", name)
		}
	}
	if diff := cmp.Diff(sums, string(bundle[sumsFile])); diff != "" {
		t.Errorf("SHA256SUMS (-want +got):\n%s", diff)
	}

	folder := filepath.Join(t.TempDir(), "new")
	if err := bundle.Write(folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || !bytes.Equal(got, bundle[name]) {
			t.Errorf("%s is not written as it is: %v", name, err)
		}
	}
}
