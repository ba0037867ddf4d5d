package firehose

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// TargetPrefix is the service's name in the X-Amz-Target header.
const TargetPrefix = "Firehose_20150804"

// API serves PutRecord, PutRecordBatch, DescribeDeliveryStream and ListDeliveryStreams of
// Firehose's JSON 1.1 protocol, for streams by name.
type API map[string]*Stream

// ServeHTTP calls the operation that the request names.
func (a API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := awsjson.API{Version: "1.1", Operations: map[string]awsjson.Operation{
		"PutRecord":              a.putRecord,
		"PutRecordBatch":         a.putRecordBatch,
		"DescribeDeliveryStream": a.describe,
		"ListDeliveryStreams":    a.list,
	}}
	api.ServeHTTP(w, r)
}

// request contains the members of all operations.
type request struct {
	DeliveryStreamName string
	Record             *wireRecord
	Records            []wireRecord
}

type wireRecord struct {
	Data []byte // base64 on the wire
}

// read decodes a request and finds its stream.
func (a API) read(body []byte) (*request, *Stream, error) {
	in := &request{}
	if err := awsjson.Decode(body, in); err != nil {
		return nil, nil, err
	}
	stream := a[in.DeliveryStreamName]
	if stream == nil {
		return nil, nil, &awsjson.Error{Code: "ResourceNotFoundException",
			Message: "Firehose " + in.DeliveryStreamName + " under account 000000000000 not found."}
	}
	return in, stream, nil
}

func (a API) putRecord(_ context.Context, body []byte) (any, error) {
	in, stream, err := a.read(body)
	if err != nil {
		return nil, err
	}
	if in.Record == nil {
		return nil, awsjson.Invalid("1 validation error detected: Value null at 'record' failed to satisfy constraint: " +
			"Member must not be null")
	}
	id, err := stream.Put(in.Record.Data)
	if err != nil {
		return nil, err
	}
	return struct {
		RecordID  string `json:"RecordId"`
		Encrypted bool
	}{RecordID: id}, nil
}

// batchEntry is the response for one record of a batch: an id or an error.
type batchEntry struct {
	RecordID     string `json:"RecordId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (a API) putRecordBatch(_ context.Context, body []byte) (any, error) {
	in, stream, err := a.read(body)
	if err != nil {
		return nil, err
	}
	batch := make([][]byte, len(in.Records))
	for i, record := range in.Records {
		batch[i] = record.Data
	}
	ids, err := stream.PutBatch(batch)
	if err != nil {
		return nil, err
	}
	out := struct {
		FailedPutCount   int
		Encrypted        bool
		RequestResponses []batchEntry
	}{RequestResponses: make([]batchEntry, len(ids))}
	for i, id := range ids {
		out.RequestResponses[i] = batchEntry{RecordID: id}
		if id == "" {
			out.FailedPutCount++
			out.RequestResponses[i] = batchEntry{ErrorCode: "ServiceUnavailableException", ErrorMessage: slowDown}
		}
	}
	return out, nil
}

func (a API) list(context.Context, []byte) (any, error) {
	return struct {
		DeliveryStreamNames    []string
		HasMoreDeliveryStreams bool
	}{DeliveryStreamNames: slices.Sorted(maps.Keys(a))}, nil
}

func (a API) describe(_ context.Context, body []byte) (any, error) {
	_, stream, err := a.read(body)
	if err != nil {
		return nil, err
	}
	return map[string]any{"DeliveryStreamDescription": stream.config.description(stream.arn())}, nil
}
