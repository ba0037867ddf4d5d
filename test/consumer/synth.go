package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An assembly is what a build of the app has synthesized.
type assembly struct {
	templates map[string][]byte // by file name
	hashes    []string          // of the functions' code, in order and shortened
	times     string            // how long it took, to print
}

// buildCheckout synthesizes the app of this checkout and returns its asset hashes.
func (w *workshop) buildCheckout() ([]string, error) {
	if _, err := w.command(w.root, nil, "go", "build", "-o", w.path("infra-app"), "./infra/app"); err != nil {
		return nil, err
	}
	got, err := w.synthesize(w.path("infra-app"), nil)
	if err != nil {
		return nil, err
	}
	return got.hashes, nil
}

// synthesizeApp synthesizes with a built app. From a module cache it does so twice: the
// first synthesis downloads the modules that only the Lambdas need, the second must do
// without network and without writing into the module cache.
func (w *workshop) synthesizeApp(b build, app string) (*assembly, error) {
	if b.vendored {
		return w.synthesize(app, w.offline)
	}
	if err := makeWritable(w.modcache()); err != nil {
		return nil, err
	}
	first, err := w.synthesize(app, w.online)
	if err != nil {
		return nil, err
	}
	if err := makeReadOnly(w.modcache()); err != nil {
		return nil, err
	}
	before, err := listing(w.modcache())
	if err != nil {
		return nil, err
	}
	again, err := w.synthesize(app, w.offline)
	if err != nil {
		return nil, err
	}
	after, err := listing(w.modcache())
	if err != nil {
		return nil, err
	}
	if !slices.Equal(before, after) { // permissions do not stop root
		return nil, errors.New("synthesis has written into the module cache")
	}
	if !maps.EqualFunc(first.templates, again.templates, bytes.Equal) {
		return nil, errors.New("two syntheses differ")
	}
	return again, makeWritable(w.modcache())
}

// synthesize runs an app and reads its assembly.
func (w *workshop) synthesize(app string, env []string) (*assembly, error) {
	out := app + ".out"
	if err := os.RemoveAll(out); err != nil {
		return nil, err
	}
	if _, err := w.command(w.folder, append([]string{"CDK_OUTDIR=" + out}, env...), app); err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil {
		return nil, err
	}
	got := &assembly{templates: make(map[string][]byte)}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		hashes, err := functionHashes(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		got.templates[filepath.Base(path)] = text
		got.hashes = append(got.hashes, hashes...)
	}
	slices.Sort(got.hashes)
	if len(got.hashes) == 0 {
		return nil, fmt.Errorf("no function in the templates of %s", out)
	}
	return got, nil
}

// functionHashes returns the asset hashes of the functions in a template.
func functionHashes(template []byte) ([]string, error) {
	var decoded struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ Code struct{ S3Key string } }
		}
	}
	if err := json.Unmarshal(template, &decoded); err != nil {
		return nil, err
	}
	var hashes []string
	for _, resource := range decoded.Resources {
		if resource.Type == "AWS::Lambda::Function" {
			hashes = append(hashes, strings.TrimSuffix(resource.Properties.Code.S3Key, ".zip")[:16])
		}
	}
	return hashes, nil
}

// listing returns names, sizes and times of the files in a folder. Two listings differ if
// anything was written.
func listing(folder string) ([]string, error) {
	var list []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		list = append(list, fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano()))
		return nil
	})
	return list, err
}
