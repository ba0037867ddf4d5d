package importer_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// site is the response of a URL.
type site struct {
	body, etag string
	failure    fetch.Result // the result instead of a response, if its outcome is set
}

type fetcher struct {
	*process
	folder string
}

func (f fetcher) Fetch(_ context.Context, request fetch.Request) (result fetch.Result) {
	err := f.call("Fetch", func() error {
		f.asked = append(f.asked, request)
		found, known := f.sites[request.URL]
		switch {
		case !known:
			result = fetch.Result{Outcome: fetch.Refused, Reason: "the server answers 404 Not Found", Status: 404}
		case found.failure.Outcome != "":
			result = found.failure
		case found.etag != "" && found.etag == request.ETag:
			result = fetch.Result{Outcome: fetch.NotModified, Status: 304}
		default:
			body, err := newBody(f.folder, found.body)
			result = fetch.Result{Outcome: fetch.Fetched, Status: 200, Body: body, ETag: found.etag, ContentType: "text/plain"}
			return err
		}
		return nil
	})
	result.URL = request.URL
	if err != nil {
		result = fetch.Result{Outcome: fetch.Failed, Reason: err.Error()}
	}
	return result
}

func newBody(folder, text string) (*fetch.Body, error) {
	file, err := os.CreateTemp(folder, "*")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(text))
	_, err = file.WriteString(text)
	_, seekErr := file.Seek(0, io.SeekStart)
	return &fetch.Body{File: file, Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}, errors.Join(err, seekErr)
}

type secrets struct{ *process }

func (s secrets) Secret(_ context.Context, arn, member string) (value string, err error) {
	err = s.call("Secret", func() error {
		found, known := s.secrets[arn+member]
		if !known {
			return errors.New("reading the secret: 400 AccessDeniedException")
		}
		value = found
		return nil
	})
	return value, err
}

type inbox struct{ *process }

func (i inbox) Put(_ context.Context, key string, body io.ReadSeeker, metadata map[string]string) (version string, err error) {
	err = i.call("Put "+key, func() error {
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		i.serial++
		version = fmt.Sprintf("v%d", i.serial)
		object := storage.Object{Key: key, Version: version, Size: int64(len(text)), LastModified: i.now, Metadata: metadata}
		i.uploads[key] = append(slices.Clone(i.uploads[key]), upload{object: object, body: text})
		return nil
	})
	return version, err
}
