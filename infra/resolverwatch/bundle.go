package resolverwatch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdklambdagoalpha/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	source "github.com/resolverwatch/resolverwatch"
)

// buildFlags make the same bytes, and so the same asset hash, in every folder and on
// every machine: no paths, no version control, no build id.
var buildFlags = []string{
	"-trimpath", "-buildvcs=false", "-mod=readonly", "-tags=lambda.norpc", `-ldflags="-s -w -buildid="`,
}

// newGoFunction defines a function whose code is given, or built out of this module's
// embedded source if it is not. The folder is gone again when it returns: the CDK
// builds, and copies what was built, while the construct is made.
func newGoFunction(
	scope constructs.Construct, name string, code awslambda.Code, props *awslambda.FunctionProps,
) awslambda.Function {
	id := jsii.String("Function")
	if code == nil && !*awscdk.Stack_Of(scope).BundlingRequired() {
		folder := placeholder(name)
		defer func() { _ = os.RemoveAll(folder) }() // the CDK has copied it by then
		code = awslambda.Code_FromAsset(&folder, nil)
	}
	if code != nil {
		props.Code = code
		return awslambda.NewFunction(scope, id, props)
	}
	folder, err := extractSource()
	if err != nil {
		panic(fmt.Errorf("%s: extracting the source of the %s: %w", *scope.Node().Path(), name, err))
	}
	defer func() { _ = os.RemoveAll(folder) }() // a leftover in the temporary folder harms nobody
	return awscdklambdagoalpha.NewGoFunction(scope, id, &awscdklambdagoalpha.GoFunctionProps{
		Entry:        jsii.String(filepath.Join(folder, "lambdas", name)),
		ModuleDir:    jsii.String(filepath.Join(folder, "go.mod")), // the file: of a folder, the parent would be taken
		Runtime:      props.Runtime,
		Architecture: props.Architecture,
		Bundling: &awscdklambdagoalpha.BundlingOptions{
			GoBuildFlags: jsii.Strings(buildFlags...),
			Environment: &map[string]*string{
				"GOWORK":      jsii.String("off"),
				"GOTOOLCHAIN": jsii.String(toolchain()),
				"GOARM64":     jsii.String("v8.0"),
			},
		},
		Description:                  props.Description,
		Environment:                  props.Environment,
		EnvironmentEncryption:        props.EnvironmentEncryption,
		LogGroup:                     props.LogGroup,
		MemorySize:                   props.MemorySize,
		ReservedConcurrentExecutions: props.ReservedConcurrentExecutions,
		Role:                         props.Role,
		Timeout:                      props.Timeout,
	})
}

// placeholder makes a folder that stands for the code of a function where only the
// template is wanted, as by `cdk list`, `cdk destroy` and tests: nothing is built then.
func placeholder(name string) string {
	folder, err := os.MkdirTemp("", "resolverwatch-placeholder-")
	if err == nil {
		text := "The " + name + " was not built, because its stack was not to be bundled.\n"
		err = os.WriteFile(filepath.Join(folder, "NOT-BUILT.txt"), []byte(text), 0o600)
	}
	if err != nil {
		panic(fmt.Errorf("writing a placeholder for the %s: %w", name, err))
	}
	return folder
}

// extractSource writes the embedded source into a new temporary folder.
func extractSource() (folder string, err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("%w: install Go, or give the function's Code", err)
	}
	folder, err = os.MkdirTemp("", "resolverwatch-source-")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(folder, source.Files); err != nil {
		_ = os.RemoveAll(folder) // the first error is the one to tell
		return "", err
	}
	return folder, nil
}

// toolchain returns the Go that this module names in go.mod, because other versions
// build other bytes. Where it is not the one installed, the go command fetches it.
func toolchain() string {
	text, err := source.Files.ReadFile("go.mod")
	if err != nil {
		panic(fmt.Errorf("reading the embedded go.mod: %w", err))
	}
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(line, "toolchain "); found {
			return strings.TrimSpace(name)
		}
	}
	panic("the embedded go.mod has no toolchain line")
}
