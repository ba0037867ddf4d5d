package marker

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// message is one message of the queue: the notification that objects were created.
type message struct {
	ID   string `json:"messageId"`
	Body string `json:"body"`
}

// bridgeEvent is an `Object Created` event of EventBridge. Emulators spell the ETag with a
// capital letter inside.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
type bridgeEvent struct {
	Source     string `json:"source"`
	DetailType string `json:"detail-type"`
	Detail     struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key     string `json:"key"`
			Size    int64  `json:"size"`
			ETag    string `json:"etag"`
			Version string `json:"version-id"`
		} `json:"object"`
	} `json:"detail"`
}

// notification is an event that S3 sends itself, with the key encoded as in a form.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
type notification struct {
	Event   string `json:"Event"`
	Records []struct {
		S3 struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key     string `json:"key"`
				Size    int64  `json:"size"`
				ETag    string `json:"eTag"`
				Version string `json:"versionId"`
			} `json:"object"`
		} `json:"s3"`
	} `json:"Records"`
}

// errNotification means that a message is not about created objects.
var errNotification = errors.New("not a notification of S3 about created objects")

// testEvent is what S3 sends when notifications are turned on.
const testEvent = "s3:TestEvent"

// objectsOf returns the objects that a message is about: none for the test event of S3.
func objectsOf(body string) ([]Object, error) {
	var event bridgeEvent
	if err := json.Unmarshal([]byte(body), &event); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotification, err)
	}
	if event.Source == "aws.s3" && event.DetailType == "Object Created" {
		o := &event.Detail.Object
		return checkObjects(Object{Bucket: event.Detail.Bucket.Name, Key: o.Key, Version: o.Version, ETag: o.ETag, Size: o.Size})
	}

	var sent notification
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotification, err)
	}
	if sent.Event == testEvent {
		return nil, nil
	}
	var objects []Object
	for _, record := range sent.Records {
		o := &record.S3.Object
		key, err := url.QueryUnescape(o.Key)
		if err != nil {
			return nil, fmt.Errorf("%w: decoding a key: %w", errNotification, err)
		}
		objects = append(objects, Object{Bucket: record.S3.Bucket.Name, Key: key, Version: o.Version, ETag: o.ETag, Size: o.Size})
	}
	return checkObjects(objects...)
}

// checkObjects refuses objects without a bucket, a key or an ETag.
func checkObjects(objects ...Object) ([]Object, error) {
	if len(objects) == 0 {
		return nil, errNotification
	}
	for i := range objects {
		o := &objects[i]
		if o.Version == "null" { // of a bucket without versions
			o.Version = ""
		}
		if o.Bucket == "" || o.Key == "" || o.identity() == "" {
			return nil, fmt.Errorf("%w: the bucket, the key or the ETag is missing", errNotification)
		}
	}
	return objects, nil
}
