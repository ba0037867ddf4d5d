package importerio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// event is every shape that invokes the importer, laid over each other:
//
//   - an S3 event by EventBridge, with the key as it is;
//   - an S3 notification with any number of records, with the key form-encoded, or the
//     test event that S3 sends when notifications are set up;
//   - a schedule of EventBridge;
//   - our own: {"publish":true}, {"feed":"<id>"}, {"feed":"<id>","force":"<reason>"}. The
//     second is what the schedule of a feed with a URL sends.
type event struct {
	Source string `json:"source"`
	Detail struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key string `json:"key"`
		} `json:"object"`
	} `json:"detail"`
	Records []struct {
		EventSource string `json:"eventSource"`
		S3          struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key string `json:"key"`
			} `json:"object"`
		} `json:"s3"`
	} `json:"Records"`
	Event   string `json:"Event"`
	Publish bool   `json:"publish"`
	Feed    string `json:"feed"`
	Force   string `json:"force"`
}

// Words by which events say what they are.
const (
	sourceS3        = "aws.s3"
	sourceSchedule  = "aws.events"
	sourceScheduler = "aws.scheduler"
	recordS3        = "aws:s3"
	testEvent       = "s3:TestEvent"
)

var errUnknownEvent = errors.New(`unknown event: must be an S3 event, a schedule, {"publish":true} or {"feed":"<id>"}`)

// DecodeTriggers reads the event that invoked the importer. Objects of another bucket
// than the list bucket are an error, because something is wired wrongly then.
func DecodeTriggers(text []byte, listBucket string) ([]importer.Trigger, error) {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("decoding the event: %w", err)
	}
	switch {
	case e.Source == sourceS3:
		return inBucket(nil, e.Detail.Bucket.Name, listBucket, e.Detail.Object.Key)
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

func (e *event) recordTriggers(listBucket string) (triggers []importer.Trigger, err error) {
	for _, record := range e.Records {
		if record.EventSource != recordS3 {
			return nil, fmt.Errorf("record of %q: %w", record.EventSource, errUnknownEvent)
		}
		key, err := url.QueryUnescape(record.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf("decoding the key %q: %w", record.S3.Object.Key, err)
		}
		if triggers, err = inBucket(triggers, record.S3.Bucket.Name, listBucket, key); err != nil {
			return nil, err
		}
	}
	return triggers, nil
}

func inBucket(triggers []importer.Trigger, bucket, listBucket, key string) ([]importer.Trigger, error) {
	if bucket != listBucket || key == "" {
		return nil, fmt.Errorf("event of key %q in bucket %q: must be of bucket %q", key, bucket, listBucket)
	}
	return append(triggers, importer.Trigger{Key: key}), nil
}
