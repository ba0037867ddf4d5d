package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// patience is how long a kernel may take. The jsii runtime waits up to 120 s for the
	// lock of a library.
	patience = 5 * time.Minute
	// lastLines is how many lines of a dead kernel's messages are printed.
	lastLines = 8
)

// A room is the temporary folder of a round, with the cache, the temporary files of the
// kernels and their templates. It is removed after the round, because each cache takes
// about 160 MB.
type room struct{ folder, program string }

func newRoom() (*room, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "cold-kernels-")
	if err != nil {
		return nil, err
	}
	r := &room{folder, program}
	return r, errors.Join(os.Mkdir(r.cache(), 0o700), os.Mkdir(r.tmp(), 0o700))
}

func (r *room) cache() string { return filepath.Join(r.folder, "cache") }
func (r *room) tmp() string   { return filepath.Join(r.folder, "tmp") }

func (r *room) remove() {
	if err := os.RemoveAll(r.folder); err != nil {
		fmt.Fprintln(os.Stderr, "kernels: removing the folder of a round:", err)
	}
}

// used returns an error if the kernels did not unpack into the cache of the room: then the
// round proves nothing.
func (r *room) used() error {
	libraries, err := filepath.Glob(filepath.Join(r.cache(), "aws-cdk-lib", "*"))
	if err == nil && len(libraries) == 0 {
		err = fmt.Errorf("no kernel unpacked into %s", r.cache())
	}
	return err
}

// runRound starts a kernel after each offset, all on one empty cache, and returns the
// deaths.
func runRound(ctx context.Context, offsets []time.Duration) ([]*death, error) {
	room, err := newRoom()
	if err != nil {
		return nil, err
	}
	defer room.remove()

	ended := make(chan *death)
	for i, offset := range offsets {
		go func() {
			select {
			case <-time.After(offset):
			case <-ctx.Done():
			}
			ended <- room.runKernel(ctx, i)
		}()
	}
	var deaths []*death
	for range offsets {
		if death := <-ended; death != nil {
			deaths = append(deaths, death)
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return deaths, room.used()
}

// A death is a kernel that did not synthesize its stack.
type death struct {
	kernel int
	err    error
	stderr string
}

func (d *death) String() string {
	lines := strings.Split(strings.TrimSpace(d.stderr), "\n")
	lines = lines[max(0, len(lines)-lastLines):]
	return fmt.Sprintf("kernel %d died: %v\n    %s", d.kernel+1, d.err, strings.Join(lines, "\n    "))
}

// runKernel runs this program as a kernel on the cache of the room, and returns nil if the
// kernel wrote its template.
func (r *room) runKernel(ctx context.Context, number int) *death {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out := filepath.Join(r.folder, fmt.Sprintf("out-%d", number))
	var stderr bytes.Buffer
	kernel := exec.CommandContext(ctx, r.program)
	kernel.Env = append(os.Environ(),
		kernelOut+"="+out,
		"TMPDIR="+r.tmp(),
		"JSII_RUNTIME_PACKAGE_CACHE=enabled",
		"JSII_RUNTIME_PACKAGE_CACHE_ROOT="+r.cache(),
	)
	kernel.Stderr = &stderr
	err := kernel.Run()
	if err == nil {
		_, err = os.Stat(filepath.Join(out, stackName+".template.json"))
	}
	if err == nil {
		return nil
	}
	return &death{number, err, stderr.String()}
}
