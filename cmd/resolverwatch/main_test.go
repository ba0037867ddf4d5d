package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"resolverwatch": main})
}

var update = flag.Bool("update", false, "write the expected files of the scripts again")

// Each file in testdata is a session at a shell, with the files it uses.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode": exitCode,
			"compress": compress,
			"cut":      cut,
		},
	})
}

// exitCode runs a command that must end with a code: `exitcode 2 resolverwatch scan`.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if want := args[0]; want != strconv.Itoa(code) {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

// compress writes a file as gzip or zstd: `compress gzip log.json log.json.gz`.
func compress(ts *testscript.TestScript, _ bool, args []string) {
	text := []byte(ts.ReadFile(args[1]))
	var out bytes.Buffer
	switch args[0] {
	case "gzip":
		writer := gzip.NewWriter(&out)
		_, err := writer.Write(text)
		ts.Check(err)
		ts.Check(writer.Close())
	case "zstd":
		writer, err := zstd.NewWriter(&out)
		ts.Check(err)
		_, err = writer.Write(text)
		ts.Check(err)
		ts.Check(writer.Close())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out.Bytes(), 0o600))
}

// cut takes the last bytes off a file: `cut 9 log.gz`.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	bytes, err := strconv.Atoi(args[0])
	ts.Check(err)
	data := []byte(ts.ReadFile(args[1]))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data[:len(data)-bytes], 0o600))
}
