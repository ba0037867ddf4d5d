package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"resolverwatch": func() { Main("v1.2.3", "4f0c1e2", "2026-11-01T00:00:00Z") }})
}

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// Each file in testdata is a shell session with the files that it uses.
func TestScripts(t *testing.T) {
	endpoint := serveS3(t)
	testscript.Run(t, testscript.Params{
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"AWS_ENDPOINT_URL_S3": endpoint, "AWS_REGION": "us-east-1",
				"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Dir:           "testdata",
		UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode": exitCode,
			"compress": compress,
			"cut":      cut,
			"utf16":    toUTF16,
			"wrong":    wrong,
		},
	})
}

// serveS3 serves a bucket of logs and returns its endpoint.
func serveS3(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(s3.New(s3.Config{}))
	t.Cleanup(server.Close)
	put := func(path, encoding, body string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		// The signature is not checked, but it must exist.
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
		if encoding != "" {
			request.Header.Set("Content-Encoding", encoding)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("PUT %s: %s", path, response.Status)
		}
	}
	put("/logs", "", "")
	put("/logs/2026/01/a.json", "", `{"query_name":"www.evil.example."}`+"\n")
	put("/logs/2026/02/b.json", "", `{"query_name":"fine.example."}`+"\n")
	put("/logs/other/c.json", "", `{"query_name":"other.evil.example."}`+"\n")
	put("/kept", "", "")
	keepRaw(t, func(key, encoding string, body []byte) { put("/kept/"+key, encoding, string(body)) })
	return server.URL
}

// exitCode runs a command and checks its exit code: `exitcode 2 resolverwatch scan`.
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

// compress compresses a file with gzip or zstd: `compress gzip log.json log.json.gz`.
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

// toUTF16 converts a file to UTF-16 with a byte order mark: `utf16 log.json wide.json`.
func toUTF16(ts *testscript.TestScript, _ bool, args []string) {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(ts.ReadFile(args[0]))) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out, 0o600))
}

// cut removes the last bytes of a file: `cut 9 log.gz`.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	bytes, err := strconv.Atoi(args[0])
	ts.Check(err)
	data := []byte(ts.ReadFile(args[1]))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data[:len(data)-bytes], 0o600))
}
