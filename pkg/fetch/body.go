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

// Body is a fetched list, in a file of its own that goes when it is closed. It is read
// from the start, and can be rewound by Seek.
type Body struct {
	*os.File
	Size   int64
	SHA256 string // in hex
}

// Close removes the list.
func (b *Body) Close() error {
	_ = os.Remove(b.Name()) // where it could not be removed while it was open
	return b.File.Close()
}

// newBody makes an empty file. It has no name any more where the system allows that, so
// that a process that is killed leaves nothing in a folder that the next one shares.
func newBody(folder string) (*Body, error) {
	file, err := os.CreateTemp(folder, "resolverwatch-list-*")
	if err != nil {
		return nil, fmt.Errorf("making room for the list: %w", err)
	}
	_ = os.Remove(file.Name())
	return &Body{File: file}, nil
}

// readBody reads the list of an answer to its end and makes sure that it is one.
func (r *run) readBody(e *exchange) (*Body, error) {
	limit := r.request.MaxBytes
	switch length := e.response.ContentLength; {
	case length > limit:
		return nil, refuse("the list has %d bytes, at most %d are taken", length, limit)
	case length < 0 && len(e.response.TransferEncoding) == 0:
		return nil, fail("the answer says no length, so that nobody can know whether it is whole")
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
	sum, echoed := sha256.New(), &echo{secret: []byte(r.request.Secret.Value)}
	var err error
	body.Size, err = io.Copy(io.MultiWriter(body.File, sum, echoed), io.LimitReader(e.response.Body, limit+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fail("the list ends after %d bytes, before it is whole", body.Size)
	case err != nil:
		return fmt.Errorf("reading the list: %w", err)
	case body.Size > limit:
		return refuse("the list has more than the %d bytes that are taken", limit)
	case echoed.found:
		return refuse("the answer repeats the secret, so it is not kept")
	}
	if err := e.atEnd(); err != nil {
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
