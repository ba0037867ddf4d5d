package template

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	source "github.com/resolverwatch/resolverwatch"
	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/gofunction"
	"github.com/resolverwatch/resolverwatch/infra/stack"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// The functions that the template deploys, named like their folders under lambdas/.
const (
	importer    = "importer"
	transformer = "transformer"
	notifier    = "notifier"
	hunter      = "hunter"
	marker      = "marker"
)

// Names of the files in a [Bundle] that are not zip files.
const (
	TemplateFile = "resolverwatch.template.json"
	sumsFile     = "SHA256SUMS"
)

// Zips are the names of the functions' zip files, by function.
type Zips map[string]string

// Bundle is the template, the zip files that it needs, and their checksums: file contents
// by name.
type Bundle map[string][]byte

// Build builds the functions and synthesizes the template of the settings in the context
// of a CDK app. The same source and settings give the same bytes.
func Build(context map[string]any) (bundle Bundle, err error) {
	defer func() { err = errors.Join(err, stack.Refusal(recover())) }() // Node may be missing
	deployment, err := config.Decode(context)
	if err != nil {
		return nil, err
	}
	programs := map[string][]byte{}
	for _, function := range functions(deployment) {
		program, err := build(function)
		if err != nil {
			return nil, err
		}
		programs[function] = program
	}
	return newBundle(context, programs)
}

// functions returns the functions that settings deploy.
func functions(deployment settings.Deployment) []string {
	off := func(enabled *bool) bool { return enabled != nil && !*enabled }
	names := []string{importer}
	if !off(deployment.Source.Firehose) {
		names = append(names, transformer)
	}
	if deployment.Source.S3 || offersS3(deployment) {
		names = append(names, marker)
	}
	if off(deployment.Alerts.Enabled) {
		return names
	}
	names = append(names, notifier)
	if off(deployment.Hunts.Enabled) || off(deployment.Catalog.Enabled) || deployment.Delivery.ExistingStream != "" {
		return names
	}
	return append(names, hunter)
}

// build returns the program of a function, the same as the CDK app deploys.
func build(function string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "resolverwatch-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // a leftover temporary folder does no harm
	program, err := gofunction.Build(&gofunction.Props{Module: source.Files, Entry: "./lambdas/" + function}, folder)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(program)
}

// newBundle packs programs, by function, and synthesizes the template that runs them.
func newBundle(context map[string]any, programs map[string][]byte) (Bundle, error) {
	files, zips := Bundle{}, Zips{}
	for function, program := range programs {
		packed, err := pack(program)
		if err != nil {
			return nil, fmt.Errorf("packing the %s: %w", function, err)
		}
		// CloudFormation updates a function only if the key of its code changes.
		zips[function] = fmt.Sprintf("%s-%x.zip", function, sha256.Sum256(packed))
		files[zips[function]] = packed
	}
	text, err := Synthesize(context, zips)
	if err != nil {
		return nil, err
	}
	files[TemplateFile] = text
	files[sumsFile] = files.sums()
	return files, nil
}

// zipTime is the time of the one file in a zip file: the earliest time that the format
// supports.
var zipTime = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// pack returns a zip file in the form that Lambda expects for custom runtimes: one
// executable file named bootstrap. The same program gives the same bytes.
func pack(program []byte) ([]byte, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: zipTime}
	header.SetMode(0o755)
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := entry.Write(program); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Names returns the names of the files, sorted.
func (b Bundle) Names() []string { return slices.Sorted(maps.Keys(b)) }

// sums returns the checksums of all files in the format of the command sha256sum.
func (b Bundle) sums() []byte {
	var text bytes.Buffer
	for _, name := range b.Names() {
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(b[name]), name)
	}
	return text.Bytes()
}

// Write writes the files into a folder, which it creates if necessary.
func (b Bundle) Write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // the files are public
		return err
	}
	for _, name := range b.Names() {
		if err := os.WriteFile(filepath.Join(folder, name), b[name], 0o644); err != nil { //nolint:gosec // the files are public
			return err
		}
	}
	return nil
}
