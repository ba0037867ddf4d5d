// Package function connects a core to Lambda: it reads the events that invoke the function.
package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Handler runs the importer as a Lambda function.
type Handler struct {
	importer   *importer.Importer
	listBucket string
	log        *slog.Logger
}

// NewHandler returns a handler for the events of a list bucket.
func NewHandler(config importer.Config, listBucket string) (*Handler, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	core, err := importer.New(config)
	if err != nil {
		return nil, err
	}
	return &Handler{importer: core, listBucket: listBucket, log: config.Log}, nil
}

// Invoke handles an event. If it returns an error, Lambda retries the event.
func (h *Handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	triggers, err := decodeTriggers(event, h.listBucket)
	if err == nil {
		err = h.importer.Handle(ctx, triggers...)
	}
	if err != nil {
		h.log.ErrorContext(ctx, "import failed", "why", err)
		return nil, err
	}
	return []byte("null"), nil
}

// event has the members of all events that invoke the importer:
//
//   - an S3 event from EventBridge, where the key is not encoded;
//   - an S3 notification with any number of records, where keys are form-encoded, or the
//     test event that S3 sends when notifications are configured;
//   - an EventBridge schedule;
//   - our own: {"publish":true}, {"feed":"<id>"}, {"feed":"<id>","force":"<reason>"}. The
//     schedule of a feed with a URL sends the second.
type event struct {
	Source  string   `json:"source"`
	Detail  location `json:"detail"`
	Records []struct {
		EventSource string   `json:"eventSource"`
		S3          location `json:"s3"`
	} `json:"Records"`
	Event   string `json:"Event"`
	Publish bool   `json:"publish"`
	Feed    string `json:"feed"`
	Force   string `json:"force"`
}

// location is where an object is.
type location struct {
	Bucket struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object struct {
		Key string `json:"key"`
	} `json:"object"`
}

// Values that identify the events of AWS.
const (
	sourceS3        = "aws.s3"
	sourceSchedule  = "aws.events"
	sourceScheduler = "aws.scheduler"
	recordS3        = "aws:s3"
	testEvent       = "s3:TestEvent"
)

// Errors of [decodeTriggers].
var (
	errUnknownEvent = errors.New(`unknown event: must be an S3 event, a schedule, {"publish":true} or {"feed":"<id>"}`)
	errOtherBucket  = errors.New("the event is not about a key in the list bucket")
)

// decodeTriggers reads the event that invoked the importer. An object in a bucket other
// than the list bucket is an error, because it means that the event source is misconfigured.
func decodeTriggers(text []byte, listBucket string) ([]importer.Trigger, error) {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("decoding the event: %w", err)
	}

	switch {
	case e.Source == sourceS3:
		return appendTrigger(nil, listBucket, e.Detail.Bucket.Name, e.Detail.Object.Key)
	case len(e.Records) > 0:
		return e.recordTriggers(listBucket)
	case e.Event == testEvent:
		return nil, nil
	case e.Feed != "":
		id, err := indicator.NewFeedID(e.Feed)
		return []importer.Trigger{{Feed: id, Force: e.Force}}, err
	case e.Source == sourceSchedule, e.Source == sourceScheduler, e.Publish:
		return []importer.Trigger{{}}, nil
	default:
		return nil, errUnknownEvent
	}
}

// recordTriggers returns a trigger for each record of an S3 notification.
func (e *event) recordTriggers(listBucket string) (triggers []importer.Trigger, err error) {
	for _, record := range e.Records {
		if record.EventSource != recordS3 {
			return nil, fmt.Errorf("record from %q: %w", record.EventSource, errUnknownEvent)
		}
		key, err := url.QueryUnescape(record.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf("decoding the key %q: %w", record.S3.Object.Key, err)
		}
		if triggers, err = appendTrigger(triggers, listBucket, record.S3.Bucket.Name, key); err != nil {
			return nil, err
		}
	}
	return triggers, nil
}

func appendTrigger(triggers []importer.Trigger, listBucket, bucket, key string) ([]importer.Trigger, error) {
	if bucket != listBucket || key == "" {
		return nil, fmt.Errorf("key %q in bucket %q: %w %q", key, bucket, errOtherBucket, listBucket)
	}
	return append(triggers, importer.Trigger{Key: key}), nil
}
