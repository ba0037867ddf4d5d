package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

const (
	goalTyped    = 10 // times as fast as a handler with the types of aws-lambda-go
	pythonRounds = 5
)

// handlers compares the transformer with handlers that users would write, on the same event. The
// one with the types of aws-lambda-go marks with the same index. The one in Python only looks up
// the registrable domain, in a table that costs nothing.
func (b *transformBench) handlers(r *report) error {
	var ours, typed []float64
	handler := lambda.NewHandler(b.typed)
	for range transformRounds {
		ours = append(ours, b.time(b.append))
		typed = append(typed, b.time(func() {
			out, err := handler.Invoke(context.Background(), b.event)
			b.out, b.err = out, errors.Join(b.err, err)
		}))
	}
	if b.err != nil {
		return b.err
	}
	records := float64(len(b.data))
	r.info("typed handler of aws-lambda-go", 1e9*median(typed)/records, "ns/record")
	r.atLeast("times faster than a typed handler of aws-lambda-go", median(typed)/median(ours), "x", goalTyped)

	python, _ := exec.LookPath("python3")
	if python == "" {
		r.note("the handler in Python is skipped: no python3 on the PATH")
		return nil
	}
	theirs, err := b.python(python)
	if err != nil {
		return err
	}
	const name = "handler in Python, free table"
	r.info(name, 1e9*theirs.Silent/records, "ns/record")
	r.info(name+", logging", 1e9*theirs.Logging/records, "ns/record")
	r.info("times faster than "+name, theirs.Silent/median(ours), "x")
	r.info("times faster than "+name+", logging", theirs.Logging/median(ours), "x")
	return nil
}

// typed is a handler as the examples of aws-lambda-go show it.
func (b *transformBench) typed(_ context.Context, event events.KinesisFirehoseEvent) (events.KinesisFirehoseResponse, error) {
	var response events.KinesisFirehoseResponse
	for i := range event.Records {
		marked, err := b.plainMark(event.Records[i].Data)
		if err != nil {
			return response, err
		}
		response.Records = append(response.Records, events.KinesisFirehoseResponseRecord{
			RecordID: event.Records[i].RecordID,
			Result:   events.KinesisFirehoseTransformedStateOk,
			Data:     marked,
		})
	}
	return response, nil
}

// pythonFigures are the results of the handler in Python: processor times in seconds.
type pythonFigures struct {
	Records         int
	Silent, Logging float64
}

// python runs the handler in Python on the event.
func (b *transformBench) python(python string) (figures pythonFigures, err error) {
	dir, err := os.MkdirTemp("", "bench-python-")
	if err != nil {
		return figures, err
	}
	defer os.RemoveAll(dir)
	event, names := filepath.Join(dir, "event.json"), filepath.Join(dir, "names.txt")
	err = errors.Join(os.WriteFile(event, b.event, 0o600), os.WriteFile(names, []byte(strings.Join(b.listed, "\n")), 0o600))
	if err != nil {
		return figures, err
	}

	command := exec.Command(python, filepath.Join("test", "peers", "handler.py"), event, names, fmt.Sprint(pythonRounds))
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return figures, fmt.Errorf("running the handler in Python: %w", err)
	}
	if err := json.Unmarshal(out, &figures); err != nil {
		return figures, fmt.Errorf("reading the figures of the handler in Python: %w", err)
	}
	if figures.Records != len(b.data) {
		return figures, fmt.Errorf("the handler in Python answered %d of %d records", figures.Records, len(b.data))
	}
	return figures, nil
}
