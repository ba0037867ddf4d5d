package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// wrong makes a call that fails, checks its exit code, and adds the call and its messages to a file:
// `wrong 2 scan --no-such-flag`. A wrong call writes no data, unless its code is that of a part of the
// input that could not be read.
func wrong(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("resolverwatch", args[1:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
	if code == exitUsage && ts.ReadFile("stdout") != "" {
		ts.Fatalf("a usage error with output: %s", ts.ReadFile("stdout"))
	}

	var call []string
	for _, arg := range args[1:] {
		if arg == "" || strings.ContainsAny(arg, " '\"{}*;") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		call = append(call, arg)
	}
	file, err := os.OpenFile(ts.MkAbs("calls.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	messages := strings.ReplaceAll(ts.ReadFile("stderr"), ts.Getenv("WORK"), "$WORK")
	_, err = fmt.Fprintf(file, "$ resolverwatch %s\n%s[%d]\n\n", strings.Join(call, " "), messages, code)
	ts.Check(errors.Join(err, file.Close()))
}
