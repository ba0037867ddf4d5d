// Package awsjson serves the JSON protocol of AWS, versions 1.0 and 1.1. Every call is a POST
// whose X-Amz-Target header names the operation. Requests and responses are JSON. An error
// has an HTTP status and the members `__type` and `message`.
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

// maxRequestBytes bounds a request. DynamoDB accepts up to 16 MiB, and a Firehose batch of
// 4 MiB is smaller even in base64.
const maxRequestBytes = 16 << 20

// Operation answers one call, given its JSON body. The result is encoded as JSON. An [*Error]
// is sent to the client unchanged; any other error becomes an InternalFailure.
type Operation func(ctx context.Context, body []byte) (any, error)

// API is one service that speaks the protocol.
type API struct {
	// Version is "1.0" or "1.1". It is part of the content type of responses.
	Version    string
	Operations map[string]Operation
}

// Error is an error with the code that AWS uses.
type Error struct {
	Status  int // HTTP status; 0 is 400
	Code    string
	Message string
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Invalid returns the error for a request that violates the model of the API.
func Invalid(message string) *Error { return &Error{Code: "ValidationException", Message: message} }

// Target returns the service and the operation of a request, for example
// "Firehose_20150804" and "PutRecord".
func Target(r *http.Request) (service, operation string) {
	service, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return service, operation
}

// ReadBody reads the whole body of a request. Its errors are of type [*Error].
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

// Decode decodes body into the request that in points to.
func Decode(body []byte, in any) error {
	if err := json.Unmarshal(body, in); err != nil {
		return &Error{Code: "SerializationException", Message: err.Error()}
	}
	return nil
}

// ServeHTTP calls the operation that the request names.
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
	a.write(w, http.StatusOK, answer)
}

// write sends answer, encoded as JSON.
func (a *API) write(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
	}
	a.WriteRaw(w, status, text)
}

// WriteRaw sends JSON text with the checksum that the SDKs verify.
func (a *API) WriteRaw(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/x-amz-json-"+a.Version)
	w.Header().Set("X-Amzn-Requestid", rand.Text())
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client has disconnected
}

// WriteError sends err in the form of the protocol.
func (a *API) WriteError(w http.ResponseWriter, err error) {
	var known *Error
	if !errors.As(err, &known) {
		known = &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
	}
	status := known.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	a.write(w, status, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{known.Code, known.Message})
}
