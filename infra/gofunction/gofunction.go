// Package gofunction defines Lambda functions that are built from Go source during
// synthesis. It turns a Go module into an asset that contains one `bootstrap`.
//
// It keeps the contract of the CDK's alpha module for Go functions (module, entry, build
// flags, build environment, architecture, no Docker), but does not depend on that module,
// which ties an app to one version of awscdk. docs/adr/0009-own-go-function.md explains the
// decision.
//
// The same source gives the same bytes, and so the same asset hash, in every folder and on
// every machine: the build ignores flags, experiments and workspaces of the environment,
// and uses the toolchain that go.mod names.
package gofunction

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Props configures a function.
type Props struct {
	// FunctionProps are passed to the CDK. [New] sets Runtime and Handler, and also Code
	// unless it is given: a given Code is used as it is, and nothing is built.
	awslambda.FunctionProps

	// Module is the source of the Go module, with go.mod at its root. It is written to a
	// temporary folder for the build. Either Module or ModuleDir is required, unless Code
	// is given.
	Module fs.FS
	// ModuleDir is the folder of go.mod. The module is built there, instead of Module.
	ModuleDir string
	// Entry is the package to build, relative to the module: "./lambdas/importer".
	// Required, unless Code is given.
	Entry string
	// BuildFlags are passed to `go build`.
	//
	// Default: [ReproducibleFlags].
	BuildFlags []string
	// BuildEnvironment is added to the environment of `go build`, and overrides variables
	// that this package sets.
	//
	// Default: nothing is added.
	BuildEnvironment map[string]string
}

// ReproducibleFlags returns the flags that remove paths, version control and the build id
// from a program, and the RPC server, which no current runtime uses.
func ReproducibleFlags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-mod=readonly", "-tags=lambda.norpc", "-ldflags=-s -w -buildid="}
}

// New defines a function under scope. It builds the function's code, unless Code is given
// or the stack is not bundled, as for `cdk list`, `cdk destroy` and tests; then a
// placeholder is used. New panics with the construct's path if the props are not valid or
// the build fails; the message contains the compiler's output.
func New(scope constructs.Construct, id string, props *Props) awslambda.Function {
	p := *props
	p.Runtime = awslambda.Runtime_PROVIDED_AL2023()
	p.Handler = jsii.String("bootstrap")
	if p.Architecture == nil {
		p.Architecture = awslambda.Architecture_ARM_64()
	}

	cleanUp := func() {}
	if p.Code == nil {
		code, remove, err := p.asset(*awscdk.Stack_Of(scope).BundlingRequired())
		if err != nil {
			panic(fmt.Errorf("%s/%s: %w", *scope.Node().Path(), id, err))
		}
		p.Code, cleanUp = code, remove
	}
	defer cleanUp() // the CDK copies the asset while it creates the construct

	return awslambda.NewFunction(scope, &id, &p.FunctionProps)
}

// Build builds a function's program for arm64, or for the architecture that is set, and
// returns its path, which is in folder. The bytes are the same as those of [New]. Use it if
// you need the program without an app.
func Build(props *Props, folder string) (program string, err error) {
	p := *props
	if p.Architecture == nil {
		p.Architecture = awslambda.Architecture_ARM_64()
	}
	if err := p.validate(); err != nil {
		return "", err
	}
	asset, err := p.build(folder)
	return filepath.Join(asset, "bootstrap"), err
}

// asset writes the function's code, or a placeholder, into a temporary folder, which the
// caller removes.
func (p *Props) asset(bundled bool) (code awslambda.Code, remove func(), err error) {
	if err := p.validate(); err != nil {
		return nil, nil, err
	}
	folder, err := os.MkdirTemp("", "gofunction-")
	if err != nil {
		return nil, nil, err
	}
	remove = func() { _ = os.RemoveAll(folder) } // a leftover temporary folder does no harm

	write := p.writePlaceholder
	if bundled {
		write = p.build
	}
	asset, err := write(folder)
	if err != nil {
		remove()
		return nil, nil, err
	}
	return awslambda.Code_FromAsset(&asset, nil), remove, nil
}

// goarch maps Lambda's architectures to variables of the go command, including the variable
// that pins the baseline, because a newer default would change the bytes.
var goarch = map[string][]string{
	"arm64":  {"GOARCH=arm64", "GOARM64=v8.0"},
	"x86_64": {"GOARCH=amd64", "GOAMD64=v1"},
}

// toolchain returns the Go version that a go.mod names, because other versions build
// different bytes. If it is not installed, the go command downloads it. Without a toolchain
// line, the installed Go is used.
func toolchain(goMod string) string {
	for line := range strings.Lines(goMod) {
		if name, found := strings.CutPrefix(line, "toolchain "); found {
			return strings.TrimSpace(name)
		}
	}
	return "local"
}

func (p *Props) validate() error {
	var problems []error
	refuse := func(prop, rule string) { problems = append(problems, fmt.Errorf("%s: %s", prop, rule)) }
	if (p.Module == nil) == (p.ModuleDir == "") {
		refuse("Module and ModuleDir", "exactly one must be set, unless Code is given")
	}
	if p.Entry == "" {
		refuse("Entry", "must be set, unless Code is given")
	}
	if name := *p.Architecture.Name(); goarch[name] == nil {
		refuse("Architecture", fmt.Sprintf("must be arm64 or x86_64, got %q", name))
	}
	return errors.Join(problems...)
}
