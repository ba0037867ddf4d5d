package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	modulePath    = "github.com/resolverwatch/resolverwatch"
	moduleVersion = "v0.0.1"
)

// packModule makes a folder that the go command takes for a module proxy ("GOPROXY
// protocol" of the Go modules reference), with this checkout as its only module: the files
// that git knows or would add, without those of nested modules.
func (w workshop) packModule() error {
	listed, err := w.command(w.root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	files := withoutNestedModules(strings.Split(strings.TrimRight(listed, "\x00"), "\x00"))
	versions := w.path("proxy", filepath.FromSlash(modulePath), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	goMod, err := os.ReadFile(filepath.Join(w.root, "go.mod"))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"list":                  moduleVersion + "\n",
		moduleVersion + ".mod":  string(goMod),
		moduleVersion + ".info": fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, moduleVersion),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return w.writeZip(filepath.Join(versions, moduleVersion+".zip"), files)
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

func (w workshop) writeZip(path string, files []string) (err error) {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	archive := zip.NewWriter(out)
	for _, name := range files {
		if err := addFile(archive, filepath.Join(w.root, name), modulePath+"@"+moduleVersion+"/"+name); err != nil {
			return err
		}
	}
	return archive.Close()
}

func addFile(archive *zip.Writer, path, name string) error {
	in, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // git knows it, the working tree has it no more
	}
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

// makeReadOnly takes away the right to write from all that is in a folder.
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
