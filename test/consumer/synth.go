package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// checkoutHashes synthesizes the app of this checkout.
func (w *workshop) checkoutHashes() ([]string, error) {
	if _, err := w.command(w.root, nil, "go", "build", "-o", w.path("infra-app"), "./infra/app"); err != nil {
		return nil, err
	}
	return w.synthesize(w.path("infra-app"), nil)
}

// cachedHashes builds the app against the served module, and lets it synthesize once more
// when nothing can be downloaded, or written in the module cache.
func (w *workshop) cachedHashes() ([]string, error) {
	app, err := w.buildApp("cached")
	if err != nil {
		return nil, err
	}
	// The first synthesis downloads what only the Lambdas need.
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
	if !slices.Equal(first, again) {
		return nil, errors.New("two syntheses differ")
	}
	return again, nil
}

// vendoredHashes builds the app with -trimpath out of its vendor folder.
func (w *workshop) vendoredHashes() ([]string, error) {
	app, err := w.buildApp("vendored", "-mod=vendor", "-trimpath")
	if err != nil {
		return nil, err
	}
	return w.synthesize(app, w.offline)
}

// buildApp copies the app into a folder of its own, lets the go command complete its
// go.mod, checks that this stays small, and returns the program.
func (w *workshop) buildApp(name string, flags ...string) (string, error) {
	folder := w.path(name)
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(w.root, "test", "consumer", "app"))); err != nil {
		return "", err
	}
	steps := [][]string{{"mod", "edit", "-require=" + modulePath + "@" + w.version}, {"mod", "tidy"}, append([]string{"build", "-o", "app"}, flags...)}
	if slices.Contains(flags, "-mod=vendor") {
		steps = slices.Insert(steps, 2, []string{"mod", "vendor"})
	}
	for _, step := range steps {
		if _, err := w.command(folder, w.online, "go", step...); err != nil {
			return "", err
		}
	}
	goMod, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil {
		return "", err
	}
	if lines := strings.Count(string(goMod), "\n"); lines > maxGoModLines {
		return "", fmt.Errorf("the go.mod of an importer has %d lines, over %d:\n%s", lines, maxGoModLines, goMod)
	}
	return filepath.Join(folder, "app"), nil
}

// synthesize runs an app and returns the asset hashes of the functions in its templates.
func (w *workshop) synthesize(app string, env []string) ([]string, error) {
	out := app + ".out"
	if err := os.RemoveAll(out); err != nil {
		return nil, err
	}
	if _, err := w.command(w.folder, append([]string{"CDK_OUTDIR=" + out}, env...), app); err != nil {
		return nil, err
	}
	templates, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil {
		return nil, err
	}
	var hashes []string
	for _, template := range templates {
		found, err := functionHashes(template)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, found...)
	}
	slices.Sort(hashes)
	if len(hashes) == 0 {
		return nil, fmt.Errorf("no function in the templates of %s", out)
	}
	return hashes, nil
}

func functionHashes(template string) ([]string, error) {
	text, err := os.ReadFile(template)
	if err != nil {
		return nil, err
	}
	var decoded struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ Code struct{ S3Key string } }
		}
	}
	if err := json.Unmarshal(text, &decoded); err != nil {
		return nil, fmt.Errorf("%s: %w", template, err)
	}
	var hashes []string
	for _, resource := range decoded.Resources {
		if resource.Type == "AWS::Lambda::Function" {
			hashes = append(hashes, strings.TrimSuffix(resource.Properties.Code.S3Key, ".zip")[:16])
		}
	}
	return hashes, nil
}

// listing is what tells whether anything in a folder was written: names, sizes, times.
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
