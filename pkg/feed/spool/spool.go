// Package spool lets an input be read twice: first for a sample of the whole list, from which
// the format and the columns are chosen, and then to the end.
package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// memory is how much of an input is kept in memory. The rest goes to a temporary file, so that
// a long list does not need its size in memory.
const memory = 1 << 20

// Spool is an input that can be read again from its start. If the input can seek, nothing is
// kept; otherwise what was read is. The caller bounds how much it reads, and so the size of the
// temporary file.
type Spool struct {
	input  io.Reader
	seeker io.Seeker // or nil
	start  int64     // of the input, if it can seek

	kept   bytes.Buffer // the first bytes
	file   *os.File     // the bytes after them, or nil
	replay io.Reader    // yields the kept bytes after Rewind
	err    error        // from the input, after the kept bytes
}

// New returns a spool for an input. Close it after use; that does not close the input.
func New(r io.Reader) *Spool {
	s := &Spool{input: r}
	if seeker, ok := r.(io.Seeker); ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil { // a pipe cannot seek
			s.seeker, s.start = seeker, start
		}
	}
	return s
}

// Read reads the kept bytes, and then the input.
func (s *Spool) Read(p []byte) (int, error) {
	if s.seeker != nil {
		return s.input.Read(p)
	}
	if s.replay != nil {
		n, err := s.replay.Read(p)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		s.replay = nil
		if n > 0 {
			return n, nil
		}
	}
	if s.err != nil {
		return 0, s.err
	}

	n, err := s.input.Read(p)
	if keepErr := s.keep(p[:n]); keepErr != nil {
		return 0, keepErr
	}
	s.err = err
	return n, err
}

// keep keeps what was read from the input.
func (s *Spool) keep(text []byte) error {
	if s.file == nil && s.kept.Len()+len(text) <= memory {
		s.kept.Write(text)
		return nil
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "resolverwatch-list-*")
		if err != nil {
			return fmt.Errorf("keeping a list to read it twice: %w", err)
		}
		s.file = file
	}
	if _, err := s.file.Write(text); err != nil {
		return fmt.Errorf("keeping a list to read it twice: %w; the folder for temporary files must have room for the list", err)
	}
	return nil
}

// Rewind makes the next Read start at the first byte again.
func (s *Spool) Rewind() error {
	if s.seeker != nil {
		if _, err := s.seeker.Seek(s.start, io.SeekStart); err != nil {
			return fmt.Errorf("reading a list again: %w", err)
		}
		return nil
	}
	s.replay = bytes.NewReader(s.kept.Bytes())
	if s.file == nil {
		return nil
	}
	size, err := s.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("reading a list again: %w", err)
	}
	s.replay = io.MultiReader(s.replay, io.NewSectionReader(s.file, 0, size))
	return nil
}

// Close removes the temporary file.
func (s *Spool) Close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
