package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// pollEvery is the time between two looks at a followed file.
const pollEvery = 200 * time.Millisecond

// Errors of files that cannot be followed.
var (
	errFollowPacked = errors.New("a compressed file cannot be followed, because it is complete when it is there: read it without --follow")
	errFollowFolder = errors.New("a folder cannot be followed: name a file")
	errFollowPipe   = errors.New("only a regular file can be followed; a pipe is read to its end without --follow")
)

// Follow returns the source of a file that grows, like tail -F. It is read from its start, and
// new lines as they are written, until ctx ends; that is the end of the source and not an error.
// The file may be replaced or truncated, and it may not exist yet, but its folder must. notice
// is called with a message when one of this happens.
func Follow(ctx context.Context, path string, notice func(message string)) (Source, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return Source{}, fmt.Errorf("following %s: %w", path, err)
		}
		notice(path + " does not exist yet: waiting for it")
	case err != nil:
		return Source{}, fmt.Errorf("following %s: %w", path, err)
	case info.IsDir():
		return Source{}, fmt.Errorf("%s: %w", path, errFollowFolder)
	case !info.Mode().IsRegular():
		return Source{}, fmt.Errorf("%s: %w", path, errFollowPipe)
	default:
		if err := checkPlain(path); err != nil {
			return Source{}, err
		}
	}
	return Source{Name: path, ID: path, Size: -1, open: func(run context.Context) (io.ReadCloser, error) {
		return NewLive(run, &follower{path: path, stop: ctx.Done(), run: run.Done(), notice: notice}), nil
	}}, nil
}

// checkPlain returns an error if a file is compressed.
func checkPlain(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("following %s: %w", path, err)
	}
	defer file.Close() //nolint:errcheck // only read
	head := make([]byte, len(zstdMagic))
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("following %s: %w", path, err)
	}
	if isPacked(head[:n]) {
		return fmt.Errorf("%s: %w", path, errFollowPacked)
	}
	return nil
}

func isPacked(head []byte) bool {
	return bytes.HasPrefix(head, gzipMagic) || bytes.HasPrefix(head, zstdMagic)
}

// follower reads whole lines of a file that grows.
type follower struct {
	path      string
	stop, run <-chan struct{} // closed when the source ends, and when nobody reads any more
	notice    func(string)

	file   *os.File // nil until it exists
	info   fs.FileInfo
	offset int64  // of the next byte in file
	held   []byte // the last line, which has no end yet
}

// Read waits for the next lines and returns them. After stop it returns io.EOF.
func (f *follower) Read(p []byte) (int, error) {
	for !isClosed(f.run) {
		if isClosed(f.stop) {
			return f.end(p)
		}
		if err := f.open(); err != nil {
			return 0, err
		}
		if f.file != nil {
			n, err := f.lines(p)
			if n == 0 && err == nil {
				n, err = f.restart(p)
			}
			if n > 0 || err != nil {
				return n, err
			}
		}
		f.wait()
	}
	return 0, io.EOF
}

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

func (f *follower) wait() {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-f.stop:
	case <-f.run:
	case <-timer.C:
	}
}

// open opens the file if it is not open and exists.
func (f *follower) open() (err error) {
	if f.file != nil {
		return nil
	}
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		f.info, err = file.Stat()
	}
	if err != nil {
		return fmt.Errorf("following the file: %w", err)
	}
	f.file, f.offset = file, 0
	return nil
}

// lines reads what is there, up to the end of a line. A line that does not fit into p is cut.
func (f *follower) lines(p []byte) (int, error) {
	text := p[:copy(p, f.held)]
	n, err := f.file.Read(p[len(text):])
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("following the file: %w", err)
	}
	text = p[:len(text)+n]
	f.offset += int64(n)
	if f.offset == int64(len(text)) && isPacked(text) {
		return 0, errFollowPacked
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if whole == 0 && len(text) == len(p) {
		whole = len(p)
	}
	f.held = append(f.held[:0], text[whole:]...)
	return whole, nil
}

// restart looks whether another file has the path now, or the file was truncated, and then begins
// with it. It returns what is left of the old one.
func (f *follower) restart(p []byte) (int, error) {
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return 0, nil //nolint:nilerr // it was removed, and will be there again
	case !os.SameFile(info, f.info):
		if n, err := f.lines(p); n > 0 || err != nil { // written after the last look
			return n, err
		}
		f.notice(f.path + " was replaced by another file, which is read from its start")
		_ = f.file.Close() // only read
		f.file = nil
	case info.Size() < f.offset:
		f.notice(f.path + " was truncated, and is read from its start again")
		if _, err := f.file.Seek(0, io.SeekStart); err != nil {
			return 0, fmt.Errorf("following the file: %w", err)
		}
		f.offset = 0
	default:
		return 0, nil
	}
	if len(f.held) == 0 {
		return 0, nil
	}
	n := copy(p, append(f.held, '\n'))
	f.held = f.held[:0]
	return n, nil
}

// end returns the last record if only its line end is missing, then io.EOF. It says what is left
// out.
func (f *follower) end(p []byte) (int, error) {
	if f.file == nil {
		return 0, io.EOF
	}
	defer func() { f.held = nil }() // it is returned or left out only once
	info, err := f.file.Stat()
	switch {
	case err == nil && f.offset < info.Size():
		f.notice(fmt.Sprintf("%s was read up to byte %d of %d", f.path, f.offset-int64(len(f.held)), info.Size()))
	case len(f.held) > 0 && bytes.IndexByte([]byte("}]"), f.held[len(f.held)-1]) >= 0:
		return copy(p, f.held), nil
	case len(f.held) > 0:
		f.notice(f.path + ": the last line is not complete, and is left out")
	}
	_ = f.file.Close() // only read
	return 0, io.EOF
}
