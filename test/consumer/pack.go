package main

import (
	"archive/zip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const modulePath = "github.com/resolverwatch/resolverwatch"

// packModule creates a folder that the go command accepts as a module proxy ("GOPROXY
// protocol" in the Go modules reference), with this checkout as its only module.
func (w *workshop) packModule() error {
	files, err := w.moduleFiles()
	if err != nil {
		return err
	}
	if w.version, err = w.versionOf(files); err != nil {
		return err
	}
	versions := w.path("proxy", filepath.FromSlash(modulePath), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	goMod, err := os.ReadFile(filepath.Join(w.root, "go.mod"))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"list":              w.version + "\n",
		w.version + ".mod":  string(goMod),
		w.version + ".info": fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, w.version),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return w.writeZip(filepath.Join(versions, w.version+".zip"), files)
}

// moduleFiles returns the existing files that git tracks or would add, without those of
// nested modules.
func (w *workshop) moduleFiles() ([]string, error) {
	listed, err := w.command(w.root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if err != nil {
		return nil, err
	}
	var files []string
	for _, file := range withoutNestedModules(strings.Split(strings.TrimRight(listed, "\x00"), "\x00")) {
		if _, err := os.Stat(filepath.Join(w.root, file)); err == nil {
			files = append(files, file)
		}
	}
	return files, nil
}

// versionOf returns a different version for each content, because the go command assumes
// that a version never changes, and caches its files.
func (w *workshop) versionOf(files []string) (string, error) {
	hash := sha256.New()
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(w.root, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(text), text)
	}
	return fmt.Sprintf("v0.0.1-h%x", hash.Sum(nil)[:8]), nil
}

func withoutNestedModules(files []string) []string {
	var nested []string
	for _, file := range files {
		if filepath.Base(file) == "go.mod" && file != "go.mod" {
			nested = append(nested, strings.TrimSuffix(file, "go.mod"))
		}
	}
	var own []string
	for _, file := range files {
		isNested := false
		for _, folder := range nested {
			isNested = isNested || strings.HasPrefix(file, folder)
		}
		if !isNested {
			own = append(own, file)
		}
	}
	return own
}

func (w *workshop) writeZip(path string, files []string) (err error) {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	archive := zip.NewWriter(out)
	for _, name := range files {
		if err := addFile(archive, filepath.Join(w.root, name), modulePath+"@"+w.version+"/"+name); err != nil {
			return err
		}
	}
	return archive.Close()
}

func addFile(archive *zip.Writer, path, name string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	entry, err := archive.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, in)
	return err
}

// makeWritable undoes makeReadOnly.
func makeWritable(folder string) error { return setWritable(folder, 0o700) }

// makeReadOnly removes the write permission from everything in a folder.
func makeReadOnly(folder string) error { return setWritable(folder, 0) }

func setWritable(folder string, write fs.FileMode) error {
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()
		switch {
		case write == 0:
			return os.Chmod(path, mode&^0o222)
		case entry.IsDir():
			return os.Chmod(path, mode|0o700)
		default:
			return os.Chmod(path, mode|0o600)
		}
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
