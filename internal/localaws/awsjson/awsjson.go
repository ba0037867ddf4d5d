// Package awsjson serves the JSON protocol of AWS (versions 1.0 and 1.1): a POST
// whose X-Amz-Target header names the operation, JSON in, JSON out, and errors as
// `__type` and `message` beside the HTTP status.
package awsjson

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxRequestBytes bounds a request: the largest that is legal is a Firehose batch
// of 4 MiB in base64, and DynamoDB takes 16 MiB.
const maxRequestBytes = 16 << 20

// Operation answers one call: the JSON body in, what is to be encoded out. An error
// that is an [*Error] reaches the client as it is, any other as InternalFailure.
type Operation func(ctx context.Context, body []byte) (any, error)

// API is one service of the protocol.
type API struct {
	// Version is "1.0" or "1.1": it stands in the content type of answers.
	Version    string
	Operations map[string]Operation
}

// Error is an error by AWS's name.
type Error struct {
	Status  int // HTTP status; 0 is 400
	Code    string
	Message string
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Invalid returns the error of a request that breaks a rule of the API's model.
func Invalid(message string) *Error { return &Error{Code: "ValidationException", Message: message} }

// Target returns the service and operation that the request names, as in
// "Firehose_20150804" and "PutRecord".
func Target(r *http.Request) (service, operation string) {
	service, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return service, operation
}

// ReadBody reads the request's body whole. Its error is an [*Error].
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	switch {
	case err != nil:
		return nil, &Error{Code: "SerializationException", Message: err.Error()}
	case len(body) > maxRequestBytes:
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLarge",
			Message: "the request is larger than 16 MiB"}
	}
	return body, nil
}

// Decode reads body into the request struct that to points to.
func Decode(body []byte, to any) error {
	if err := json.Unmarshal(body, to); err != nil {
		return &Error{Code: "SerializationException", Message: err.Error()}
	}
	return nil
}

// ServeHTTP answers one call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := ReadBody(r)
	if err != nil {
		a.WriteError(w, err)
		return
	}
	_, name := Target(r)
	operation := a.Operations[name]
	if operation == nil {
		a.WriteError(w, &Error{Code: "UnknownOperationException", Message: "the local endpoint has no " + name})
		return
	}
	answer, err := operation(r.Context(), body)
	if err != nil {
		a.WriteError(w, err)
		return
	}
	a.Write(w, http.StatusOK, answer)
}

// Write sends answer as JSON.
func (a *API) Write(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
	}
	a.WriteRaw(w, status, text)
}

// WriteRaw sends JSON text, with the checksum that the SDKs compare.
func (a *API) WriteRaw(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/x-amz-json-"+a.Version)
	w.Header().Set("X-Amzn-Requestid", rand.Text())
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client went away: nobody is left to tell
}

// WriteError sends err in the protocol's form.
func (a *API) WriteError(w http.ResponseWriter, err error) {
	var known *Error
	if !errors.As(err, &known) {
		known = &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
	}
	status := known.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	a.Write(w, status, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{known.Code, known.Message})
}
