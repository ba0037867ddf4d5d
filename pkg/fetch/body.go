package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// Body is a fetched list in a temporary file. Reads begin at the start of the list, and Seek
// can rewind it.
type Body struct {
	*os.File
	Size   int64
	SHA256 string // in hex
}

// Close removes the list.
func (b *Body) Close() error {
	_ = os.Remove(b.Name()) // for systems that cannot remove an open file
	return b.File.Close()
}

// newBody returns an empty file. It removes the file's name at once if the system allows
// that, so that a killed process leaves nothing in the folder for the next one.
func newBody(folder string) (*Body, error) {
	file, err := os.CreateTemp(folder, "resolverwatch-list-*")
	if err != nil {
		return nil, fmt.Errorf("creating a temporary file for the list: %w", err)
	}
	_ = os.Remove(file.Name())
	return &Body{File: file}, nil
}

// readBody reads the list of a response and checks that it is complete.
func (r *run) readBody(e *exchange) (*Body, error) {
	limit := r.request.MaxBytes
	switch length := e.response.ContentLength; {
	case length > limit:
		return nil, refuse("the list has %d bytes, the limit is %d", length, limit)
	case length < 0 && len(e.response.TransferEncoding) == 0:
		return nil, fail("the response has no length, so the list may be incomplete")
	}

	body, err := newBody(r.config.Folder)
	if err != nil {
		return nil, err
	}
	if err := r.fill(body, e, limit); err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return body, nil
}

func (r *run) fill(body *Body, e *exchange, limit int64) error {
	sum, echo := sha256.New(), &echoDetector{secret: []byte(r.request.Secret.Value)}
	var err error
	body.Size, err = io.Copy(io.MultiWriter(body.File, sum, echo), io.LimitReader(e.response.Body, limit+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fail("the response ends after %d bytes, so the list is incomplete", body.Size)
	case err != nil:
		return fmt.Errorf("reading the list: %w", err)
	case body.Size > limit:
		return refuse("the list has more than %d bytes, which is the limit", limit)
	case echo.found:
		return refuse("the list contains the secret, so it is not stored")
	}

	if err := e.checkEnd(); err != nil {
		return err
	}
	return body.finish(sum)
}

func (b *Body) finish(sum hash.Hash) error {
	b.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewinding the list: %w", err)
	}
	return nil
}
