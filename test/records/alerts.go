package main

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// alertQueueURL is the name of the queue, which nothing resolves.
const alertQueueURL = "https://sqs.us-east-1.amazonaws.com/123456789012/alerts"

// alertTarget is the header of a request to the queue.
const alertTarget = "AmazonSQS.SendMessage"

// alertQueue is the queue of alerts. It takes most messages, and refuses, resets or hangs at
// others, which must not change any answer to Firehose.
type alertQueue struct {
	mu     sync.Mutex
	counts AlertCounts
	err    error // about a message that the notifier could not read
}

// AlertCounts are the requests to the queue, and what the accepted messages are about.
type AlertCounts struct {
	Requests int `json:"requests"`
	Faults   int `json:"faults"` // requests that the queue refused, reset or left without an answer
	Rows     int `json:"rows"`
	Records  int `json:"records"`
}

// A hang takes half a second of a run.
const (
	hangEvery  = 97
	faultEvery = 7
)

func (q *alertQueue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ MessageBody string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return // the transformer gave up
	}

	q.mu.Lock()
	q.counts.Requests++
	request := q.counts.Requests
	isFault := request%hangEvery == 0 || request%faultEvery == 0
	if isFault {
		q.counts.Faults++
	} else {
		q.take([]byte(in.MessageBody))
	}
	q.mu.Unlock()

	switch {
	case request%hangEvery == 0:
		<-r.Context().Done()
	case isFault && request%2 == 0:
		panic(http.ErrAbortHandler)
	case isFault:
		w.WriteHeader(http.StatusForbidden)
	default:
		sum := md5.Sum([]byte(in.MessageBody))
		fmt.Fprintf(w, `{"MessageId":"1","MD5OfMessageBody":"%s"}`, hex.EncodeToString(sum[:]))
	}
}

// take counts a message.
func (q *alertQueue) take(body []byte) {
	m, err := alert.Decode(body)
	if err != nil {
		if q.err == nil {
			q.err = fmt.Errorf("a message to the queue of alerts: %w", err)
		}
		return
	}
	q.counts.Rows += len(m.Rows)
	q.counts.Records += m.TruncatedRecords
	for i := range m.Rows {
		q.counts.Records += m.Rows[i].Records
	}
}

// result returns the counts, and an error if a message could not be read.
func (q *alertQueue) result() (AlertCounts, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.counts, q.err
}
