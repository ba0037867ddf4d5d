package athena_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// trino is a Trino in a child process; trino/Trino.java describes the requests. It is safe
// for concurrent use.
type trino struct {
	mu      sync.Mutex
	command *exec.Cmd
	stdin   io.WriteCloser
	answers *json.Decoder
	log     string // path of its standard error
}

// result is Trino's answer to a statement.
type result struct {
	Columns   []string `json:"columns"`
	Types     []string `json:"types"`      // as Trino names them, like Athena
	Rows      [][]any  `json:"rows"`       // numbers are json.Number
	Bytes     int64    `json:"bytes"`      // read from storage
	InputRows int64    `json:"input_rows"` // read from storage
	Error     string   `json:"error"`
}

// startTrino runs Trino with the class path in a file.
func startTrino(classPathFile, log string) (*trino, error) {
	classPath, err := os.ReadFile(classPathFile)
	if err != nil {
		return nil, err
	}
	for jar := range strings.SplitSeq(strings.TrimSpace(string(classPath)), string(os.PathListSeparator)) {
		if _, err := os.Stat(jar); err != nil {
			return nil, fmt.Errorf("the class path in %s is outdated, remove the file: %w", classPathFile, err)
		}
	}
	stderr, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	// A short run spends most of its time in the JIT compiler. Its default cache of 48 MB
	// is too small for all tests. Messages of the virtual machine must not be mixed with
	// the answers on standard output.
	command := exec.Command("java", "-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-XX:ReservedCodeCacheSize=240m", "-XX:+DisplayVMOutputToStderr", "-Xlog:disable", "-Xlog:all=warning:stderr",
		"trino/Trino.java")
	command.Env = append(os.Environ(), "CLASSPATH="+strings.TrimSpace(string(classPath)))
	command.Stderr = stderr
	t := &trino{command: command, log: log}
	if t.stdin, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	t.answers = json.NewDecoder(bufio.NewReader(stdout))
	t.answers.UseNumber()
	if err := command.Start(); err != nil {
		return nil, err
	}
	if _, err := t.read(); err != nil {
		return nil, errors.Join(err, command.Wait())
	}
	return t, nil
}

func (t *trino) close() error {
	t.stdin.Close()
	return t.command.Wait()
}

// mount creates a Hive catalog.
func (t *trino) mount(catalog string, properties map[string]string) error {
	_, err := t.ask(map[string]any{"catalog": catalog, "properties": properties})
	return err
}

// query runs a statement in a database of a catalog.
func (t *trino) query(catalog, database, sql string) (*result, error) {
	return t.ask(map[string]any{"use": catalog, "schema": database, "sql": sql})
}

func (t *trino) ask(request any) (*result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	if _, err := t.stdin.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("asking Trino: %w, see %s", err, t.log)
	}
	return t.read()
}

func (t *trino) read() (*result, error) {
	var got result
	if err := t.answers.Decode(&got); err != nil {
		return nil, fmt.Errorf("reading Trino's answer: %w, see %s", err, t.log)
	}
	if got.Error != "" {
		return nil, errors.New(got.Error)
	}
	return &got, nil
}
