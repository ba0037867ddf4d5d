package logfile

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// source returns an input with the given text.
func source(name, text string) Source {
	return Source{Name: name, Size: int64(len(text)), open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

// upper converts a chunk to upper case after a random delay.
func upper(_ int, chunk *Chunk) {
	time.Sleep(rand.N(2 * time.Millisecond))
	chunk.Out = append(chunk.Out[:0], bytes.ToUpper(chunk.Text)...)
}

func TestPipeline_writesInInputOrder(t *testing.T) {
	var sources []Source
	var want strings.Builder
	for i := range 20 {
		text := strings.Repeat(fmt.Sprintf("{\"source\":%d}\n", i), 1+i*i*400)
		sources = append(sources, source(fmt.Sprint(i), text))
		want.WriteString(strings.ToUpper(text))
	}
	for workers := 1; workers <= 4; workers++ {
		var got bytes.Buffer
		var ended []int
		pipeline := Pipeline{
			Workers: workers,
			Work:    upper,
			Write:   func(chunk *Chunk) error { got.Write(chunk.Out); return nil },
			Ended:   func(source int, err error) error { ended = append(ended, source); return err },
			Read:    func(int) {},
		}
		if err := pipeline.Run(t.Context(), sources); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%d workers: the output differs", workers)
		}
		if len(ended) != len(sources) {
			t.Errorf("%d workers: %d of %d sources ended", workers, len(ended), len(sources))
		}
	}
}

// A source that cannot be read does not stop the others.
func TestPipeline_badSource(t *testing.T) {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	fmt.Fprint(writer, strings.Repeat("{\"n\":1}\n", 1000))
	writer.Close()
	sources := []Source{
		source("good", "{}\n"),
		source("truncated", packed.String()[:packed.Len()-4]),
		{Name: "absent", open: func(context.Context) (io.ReadCloser, error) { return nil, os.ErrNotExist }},
		source("last", "{}\n"),
	}
	problems := map[string]error{}
	chunks := map[string]int{}
	pipeline := Pipeline{
		Workers: 2,
		Work:    upper,
		Write:   func(chunk *Chunk) error { chunks[sources[chunk.Source].Name]++; return nil },
		Ended:   func(source int, err error) error { problems[sources[source].Name] = err; return nil },
		Read:    func(int) {},
	}
	if err := pipeline.Run(t.Context(), sources); err != nil {
		t.Fatal(err)
	}
	if problems["good"] != nil || problems["last"] != nil || chunks["last"] != 1 {
		t.Errorf("good sources: %v, %d chunks of the last one", problems, chunks["last"])
	}
	if err := problems["truncated"]; err == nil || !strings.Contains(err.Error(), "truncated or damaged") || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("truncated gzip: %v", err)
	}
	if !errors.Is(problems["absent"], os.ErrNotExist) {
		t.Errorf("missing file: %v", problems["absent"])
	}
}

// The run stops when writing fails or the context is canceled.
func TestPipeline_stops(t *testing.T) {
	endless := Source{Name: "endless", Size: -1, open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(endlessLog{}), nil
	}}
	full := errors.New("no space left")
	ctx, cancel := context.WithCancel(t.Context())
	for name, write := range map[string]func(*Chunk) error{
		"write fails": func(*Chunk) error { return full },
		"interrupted": func(*Chunk) error { cancel(); return nil },
	} {
		pipeline := Pipeline{
			Workers: 3, Work: upper, Write: write,
			Ended: func(_ int, err error) error { return err },
			Read:  func(int) {},
		}
		err := pipeline.Run(ctx, []Source{endless, endless, endless, endless})
		if !errors.Is(err, full) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type endlessLog struct{}

func (endlessLog) Read(p []byte) (int, error) {
	return copy(p, strings.Repeat("{}\n", 1+len(p)/3)), nil
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"b/2.json": "", "b/1.gz": "", "a.log": "", "firehose-object": "", "notes.md": "", ".hidden": "",
		"b/.x.json": "", "c/rows.parquet": "PAR1...PAR1", "c/set-aside.parquet": `{"rawData":""}`, "c/short.parquet": "{"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	sources, skipped, err := Expand(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sources {
		name, _ := filepath.Rel(dir, s.Name)
		got = append(got, filepath.ToSlash(name))
	}
	if want := "a.log b/1.gz b/2.json c/set-aside.parquet c/short.parquet firehose-object"; strings.Join(got, " ") != want || skipped != 4 {
		t.Errorf("got %q and skipped %d, want %q and 4", got, skipped, want)
	}
}
