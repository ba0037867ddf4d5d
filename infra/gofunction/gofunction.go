// Package gofunction defines Lambda functions that are built from Go source while the
// app is synthesized: a Go module goes in, an asset with one `bootstrap` comes out.
//
// It keeps the contract of the CDK's alpha module for Go functions (module, entry, build
// flags, build environment, architecture, no Docker) and does without that module, which
// ties an app to one version of awscdk. docs/adr/0009-own-go-function.md has the story.
//
// The same source gives the same bytes, and so the same asset hash, in every folder and
// on every machine: the build takes no flags, experiments or workspace from the
// environment, and uses the toolchain that go.mod names.
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
	// FunctionProps are passed to the CDK. Runtime and Handler are set by [New], and so is
	// Code unless it is given: a given Code is used as it is, and nothing is built.
	awslambda.FunctionProps

	// Module is the source of the Go module, with go.mod at its root. It is written to a
	// temporary folder for the build. Either Module or ModuleDir is required, unless Code is
	// given.
	Module fs.FS
	// ModuleDir is the folder of go.mod, where the module is built in place of Module.
	ModuleDir string
	// Entry is the package to build, relative to the module: "./lambdas/importer".
	// Required, unless Code is given.
	Entry string
	// BuildFlags are passed to `go build`.
	//
	// Default: [ReproducibleFlags].
	BuildFlags []string
	// BuildEnvironment is added to the environment of `go build`, and wins over what this
	// package sets.
	//
	// Default: nothing is added.
	BuildEnvironment map[string]string
}

// ReproducibleFlags returns the flags that leave paths, version control and the build id
// out of a program, and that leave out the RPC server, which no current runtime uses.
func ReproducibleFlags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-mod=readonly", "-tags=lambda.norpc", "-ldflags=-s -w -buildid="}
}

// New defines a function under scope. It builds the function's code, unless Code is given
// or the stack is not bundled, as for `cdk list`, `cdk destroy` and tests; then a
// placeholder takes its place. New panics with the construct's path if the props are not
// valid or the build fails; the message holds the compiler's output.
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
	defer cleanUp() // the CDK copies the asset while the construct is made

	return awslambda.NewFunction(scope, &id, &p.FunctionProps)
}

// Build builds a function's program for arm64, or for the architecture that is set, and
// returns its path, which lies under folder. It gives the bytes that [New] gives, to those
// who need the program without an app.
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
	remove = func() { _ = os.RemoveAll(folder) } // a leftover in the temporary folder does no harm

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

// goarch are Lambda's architectures in the words of the go command, with the variable that
// pins its baseline: a newer default would change the bytes.
var goarch = map[string][]string{
	"arm64":  {"GOARCH=arm64", "GOARM64=v8.0"},
	"x86_64": {"GOARCH=amd64", "GOAMD64=v1"},
}

// toolchain returns the Go that a go.mod names, because other versions build other bytes.
// If it is not installed, the go command downloads it. A go.mod without a toolchain line
// is built by the installed Go.
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
