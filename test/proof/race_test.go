// Package proof_test tests what only shows when parts work together for a while: a
// publisher and its readers, with the real adapters and embedded S3 and DynamoDB.
package proof_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	awstable "github.com/resolverwatch/resolverwatch/pkg/awsio/table"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/transformer"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

// raceTime is how long the race runs, unless RESOLVERWATCH_RACE sets another time.
const raceTime = 2 * time.Second

// patience is how much longer it may take on a busy machine.
const patience = 2 * time.Minute

const (
	readers    = 8
	listNames  = 60 // in every list
	maxBytes   = 1 << 26
	coldStarts = 50 // events until a reader restarts, as a container does
	// breath is how long a reader waits between two events, so that the publishers on the
	// same machine get their turn.
	breath = 10 * time.Millisecond
)

// Two publishers alternate between two feeds: each upload of a feed replaces all its 60
// names. Readers mark all names of the last uploads in one event. With any index, the
// malicious names of each feed must be exactly those of one list: a part of a list, or two
// lists of one feed, is a failure.
func TestRace_readersNeverSeeHalfAList(t *testing.T) {
	duration := raceTime
	if text := os.Getenv("RESOLVERWATCH_RACE"); text != "" {
		var err error
		if duration, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	race := newRace(t)
	var group sync.WaitGroup
	for _, feed := range []string{"first", "second"} {
		race.upload(t, feed, 0)
		group.Add(1)
		go func() { defer group.Done(); race.publish(ctx, t, feed) }()
	}
	for range readers {
		group.Add(1)
		go func() { defer group.Done(); race.read(ctx, t) }()
	}
	// On a slow machine it continues until enough has happened for a race.
	start := time.Now()
	for time.Since(start) < duration || !race.isOne() && time.Since(start) < duration+patience && !t.Failed() {
		time.Sleep(breath)
	}
	cancel()
	group.Wait()
	t.Logf("%v: %d imports, %d events read by %d readers, %d cold starts, %d times another generation than before: 0 halves",
		time.Since(start).Round(time.Second), race.imports.Load(), race.events.Load(), readers, race.cold.Load(), race.changes.Load())
	if !race.isOne() {
		t.Error("too little happened for a race")
	}
}

// isOne reports whether enough has happened for a race.
func (r *race) isOne() bool { return r.imports.Load() >= 6 && r.changes.Load() >= 2*readers }

type race struct {
	objects *s3.Client
	table   *dynamodb.Client

	uploads sync.Map // the number of a feed's last upload, by feed

	imports, events, cold, changes atomic.Int64
}

func newRace(t *testing.T) *race {
	t.Helper()
	objects := httptest.NewServer(locals3.New(locals3.Config{}))
	t.Cleanup(objects.Close)
	table := httptest.NewServer(localdynamodb.New(localdynamodb.Config{}))
	t.Cleanup(table.Close)
	r := &race{
		objects: bucket.NewClient(localclient.Config(objects.URL)),
		table:   dynamodb.NewFromConfig(localclient.Config(table.URL)),
	}
	for _, bucket := range []string{"lists", "index"} {
		_, err := r.objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
		if err == nil {
			_, err = r.objects.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &bucket,
				VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := localdynamodb.CreateTable(t.Context(), r.table, "table"); err != nil {
		t.Fatal(err)
	}
	return r
}

// name returns a name of an upload.
func name(feed string, upload, i int) string {
	return fmt.Sprintf("n%d.u%d.%s.example", i, upload, feed)
}

func (r *race) upload(t *testing.T, feed string, number int) {
	t.Helper()
	var list strings.Builder
	for i := range listNames {
		list.WriteString(name(feed, number, i) + "\n")
	}
	r.uploads.Store(feed, number)
	_, err := r.objects.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String("lists"), Key: aws.String("feeds/" + feed + "/list.txt"), Body: strings.NewReader(list.String()),
	})
	if err != nil {
		t.Error(err)
	}
}

// noSettings is a stack in which no feed has settings.
type noSettings struct{}

func (noSettings) Feed(context.Context, indicator.FeedID) ([]byte, error) {
	return nil, storage.ErrNotFound
}

// noTable accepts all rows and stores none, because readers do not use them.
type noTable struct{}

func (noTable) Write(context.Context, indicator.FeedID, []snapshot.Change) error { return nil }

func (noTable) Entries(context.Context, indicator.FeedID) iter.Seq2[snapshot.Entry, error] {
	return func(func(snapshot.Entry, error) bool) {}
}

// publish uploads and imports lists of a feed until ctx ends.
func (r *race) publish(ctx context.Context, t *testing.T, feed string) {
	lists, table := bucket.NewLists(r.objects, "lists"), awstable.NewTable(r.table, "table")
	indexes := bucket.NewIndex(r.objects, "index")
	core, err := importer.New(importer.Config{
		Lists: lists, Archive: lists, Settings: noSettings{}, Rows: table, Entries: noTable{},
		Pointer: indexes, Indexes: indexes, MaxIndexBytes: maxBytes,
		Guards: list.Guards{Guards: settings.DefaultGuards()},
	})
	if err != nil {
		t.Error(err)
		return
	}
	for number := 1; ctx.Err() == nil; number++ {
		err := core.Handle(context.Background(), importer.Trigger{Feed: indicator.FeedID(feed)})
		// Both publishers move the same pointer. One that loses ten times in a row tries
		// again.
		if err != nil && !errors.Is(err, storage.ErrConflict) {
			t.Errorf("importing %s: %v", feed, err)
			return
		}
		r.imports.Add(1)
		r.upload(t, feed, number)
	}
}

// read marks events until ctx ends.
func (r *race) read(ctx context.Context, t *testing.T) {
	generation := int64(0)
	for ctx.Err() == nil {
		r.cold.Add(1)
		core, err := transformer.New(transformer.Config{
			Store: bucket.NewIndexReader(r.objects, "index", maxBytes),
			Settings: settings.TransformerFunction{
				Transformer: settings.Transformer{PollInterval: settings.Duration(time.Millisecond)},
				Marking:     settings.Marking{MaxIndexAge: settings.Duration(time.Hour)},
			},
		})
		if err != nil {
			t.Error(err)
			return
		}
		for range coldStarts {
			if ctx.Err() != nil {
				return
			}
			seen, err := r.markAll(core)
			if err != nil {
				t.Error(err)
				return
			}
			r.events.Add(1)
			time.Sleep(breath)
			if seen != generation {
				generation = seen
				r.changes.Add(1)
			}
		}
	}
}

// markAll sends an event with all names of the last uploads of both feeds, and checks the
// response. It returns the generation.
func (r *race) markAll(core *transformer.Transformer) (int64, error) {
	const back = 6 // uploads; an index may be as old as a publish takes
	var names, owners []string
	for _, feed := range []string{"first", "second"} {
		last, _ := r.uploads.Load(feed)
		for upload := max(0, last.(int)-back); upload <= last.(int); upload++ {
			for i := range listNames {
				names = append(names, name(feed, upload, i))
				owners = append(owners, fmt.Sprint(feed, " ", upload))
			}
		}
	}
	answer, err := core.Invoke(context.Background(), eventOf(names))
	if err != nil {
		return 0, err
	}
	marks, err := marksOf(answer)
	if err != nil || len(marks) != len(names) {
		return 0, fmt.Errorf("%d marks for %d names: %w", len(marks), len(names), err)
	}
	malicious, generation := map[string]int{}, marks[0].Generation
	for i, mark := range marks {
		switch {
		case mark.Generation != generation:
			return 0, fmt.Errorf("generations %d and %d in one event", generation, mark.Generation)
		case mark.Verdict == "malicious":
			malicious[owners[i]]++
		case mark.Verdict != "clean" && mark.Reason != "no_index":
			return 0, fmt.Errorf("%s is %s (%s)", names[i], mark.Verdict, mark.Reason)
		}
	}
	lists := map[string]int{}
	for owner, count := range malicious {
		feed, _, _ := strings.Cut(owner, " ")
		if lists[feed]++; count != listNames || lists[feed] > 1 {
			return 0, fmt.Errorf("generation %d holds of the lists: %v", generation, malicious)
		}
	}
	return generation, nil
}

func eventOf(names []string) []byte {
	var event bytes.Buffer
	event.WriteString(`{"invocationId":"i","deliveryStreamArn":"a","region":"r","records":[`)
	for i, name := range names {
		if i > 0 {
			event.WriteByte(',')
		}
		data := base64.StdEncoding.EncodeToString([]byte(`{"query_name":"` + name + `."}`))
		fmt.Fprintf(&event, `{"recordId":"%d","data":%q}`, i, data)
	}
	event.WriteString(`]}`)
	return event.Bytes()
}

type mark struct {
	Verdict    string `json:"verdict"`
	Reason     string `json:"verdict_reason"`
	Generation int64  `json:"index_generation"`
}

func marksOf(answer []byte) ([]mark, error) {
	var response struct {
		Records []struct {
			Result string `json:"result"`
			Data   []byte `json:"data"`
		} `json:"records"`
	}
	if err := json.Unmarshal(answer, &response); err != nil {
		return nil, err
	}
	marks := make([]mark, len(response.Records))
	for i, record := range response.Records {
		if err := json.Unmarshal(record.Data, &marks[i]); err != nil {
			return nil, fmt.Errorf("record %d, %s: %w", i, record.Result, err)
		}
	}
	return marks, nil
}
