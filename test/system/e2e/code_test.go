//go:build e2e

package e2e_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// flags are the build flags of the deployed functions.
var flags = []string{"-trimpath", "-buildvcs=false", "-mod=readonly", "-tags=lambda.norpc", "-ldflags=-s -w -buildid="}

// checkAllCode checks the code of all functions.
func (d *deployed) checkAllCode(t *testing.T) {
	t.Helper()
	for name, c := range d.functions() {
		d.checkCode(t, name, c)
	}
}

// checkCode checks that the function's deployed code is in the app's assembly, is a program
// for the deployed processor, and was built from this tree.
func (d *deployed) checkCode(t *testing.T, name string, c functionConfig) {
	t.Helper()
	packed := d.deployedZip(t, c)
	sum := sha256.Sum256(packed)
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != c.CodeSha256 {
		t.Errorf("%s: the code has the hash %s, Lambda says %s", name, got, c.CodeSha256)
	}
	program := unzip(t, packed, "bootstrap")
	binary, err := elf.NewFile(bytes.NewReader(program))
	check(t, err)
	if binary.Machine != elf.EM_AARCH64 || !slices.Equal(c.Architectures, []string{"arm64"}) {
		t.Errorf("%s: is a program for %v, deployed for %v, want arm64", name, binary.Machine, c.Architectures)
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	check(t, err)
	if want := "github.com/resolverwatch/resolverwatch/lambdas/" + name; info.Path != want {
		t.Errorf("%s: the program is %s, want %s", name, info.Path, want)
	}
	if fresh := d.build(t, name, "linux", "arm64"); !bytes.Equal(readFile(t, fresh), program) {
		t.Errorf("%s: the deployed program is not the one that this tree builds", name)
	}
	staged := d.stagedPrograms(t)
	if !slices.ContainsFunc(staged, func(file []byte) bool { return bytes.Equal(file, program) }) {
		t.Errorf("%s: the deployed program is not among the %d in the app's assembly", name, len(staged))
	}
}

// deployedZip downloads a function's code from the location in the stack's template.
func (d *deployed) deployedZip(t *testing.T, c functionConfig) []byte {
	t.Helper()
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				Code struct {
					S3Bucket json.RawMessage
					S3Key    string
				}
			}
		}
	}
	check(t, json.Unmarshal(readFile(t, filepath.Join(assembly(d.folder), d.variant.stack+".template.json")), &template))
	for _, r := range d.of("AWS::Lambda::Function") {
		if r.id != c.FunctionName {
			continue
		}
		out, err := s3Client(d.e).GetObject(context.Background(), &s3.GetObjectInput{
			Bucket: aws.String("cdk-hnb659fds-assets-" + account + "-" + region),
			Key:    aws.String(template.Resources[r.logical].Properties.Code.S3Key)})
		check(t, err)
		defer out.Body.Close()
		packed, err := io.ReadAll(out.Body)
		check(t, err)
		return packed
	}
	t.Fatalf("function %s is not in the stack", c.FunctionName)
	return nil
}

// stagedPrograms returns the programs in the folders that the app left for the upload.
func (d *deployed) stagedPrograms(t *testing.T) (programs [][]byte) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(assembly(d.folder), "asset.*", "bootstrap"))
	check(t, err)
	for _, path := range paths {
		programs = append(programs, readFile(t, path))
	}
	return programs
}

func unzip(t *testing.T, packed []byte, name string) []byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	check(t, err)
	file, err := archive.Open(name)
	check(t, err)
	defer file.Close()
	content, err := io.ReadAll(file)
	check(t, err)
	return content
}

// build builds a function's package with the deployed flags, but for the given machine. All
// deployments share the program, which go does not link again.
func (d *deployed) build(t *testing.T, name, system, machine string) (path string) {
	t.Helper()
	path = filepath.Join(output(t), "bin", system+"-"+machine, name, "bootstrap")
	command := exec.Command("go", append(append([]string{"build"}, flags...), "-o", path, "./lambdas/"+name)...)
	command.Dir = root(t)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+system, "GOARCH="+machine, "GOARM64=v8.0",
		"GOTOOLCHAIN="+toolchain(t))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building the %s: %v\n%s", name, err, out)
	}
	return path
}

var toolchainLine = regexp.MustCompile(`(?m)^toolchain (\S+)$`)

// toolchain returns the Go toolchain that the module asks for. Functions are built with it, even
// if the go command of this machine is another one.
func toolchain(t *testing.T) string {
	t.Helper()
	found := toolchainLine.FindSubmatch(readFile(t, filepath.Join(root(t), "go.mod")))
	if found == nil {
		t.Fatal("go.mod names no toolchain")
	}
	return string(found[1])
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	check(t, err)
	return content
}
