//go:build e2e

package machine

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	logBucket, indexBucket = "logs", "index"

	objects = 2500
	vpcs    = 5
)

// day is the day of all log objects.
var day = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

// query returns the name in the only record of a log object. The list has every tenth.
func query(number int) string {
	if number%10 == 0 {
		return fmt.Sprintf("object-%d.listed.example.", number)
	}
	return fmt.Sprintf("object-%d.fine.example.", number)
}

// storeLogs stores the log objects of a day.
func (e *emulator) storeLogs() error {
	for i := range objects {
		at, vpc := day.Add(time.Duration(i/vpcs)*2*time.Minute), fmt.Sprintf("vpc-0%d", i%vpcs)
		e.keys = append(e.keys, fmt.Sprintf("AWSLogs/111122223333/vpcdnsquerylogs/%s/%s/%[1]s_vpcdnsquerylogs_111122223333_%[3]s_%08[4]x.log.gz",
			vpc, at.Format("2006/01/02"), at.Format("20060102T1504Z"), i))
	}
	slices.Sort(e.keys)
	if err := e.create(logBucket); err != nil {
		return err
	}
	for number := range e.keys {
		if err := e.put(number, false); err != nil {
			return err
		}
	}
	return nil
}

func (e *emulator) create(bucket string) error {
	_, err := e.objects.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &bucket})
	return err
}

// put stores a log object. One that is cut off cannot be marked.
func (e *emulator) put(number int, cutOff bool) error {
	var text bytes.Buffer
	packer := gzip.NewWriter(&text)
	_, _ = fmt.Fprintf(packer, `{"query_name":%q,"rcode":"NOERROR"}`+"\n", query(number)) // into memory
	if err := packer.Close(); err != nil {
		return err
	}
	data := text.Bytes()
	if cutOff {
		data = data[:len(data)-9]
	}
	_, err := e.objects.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(logBucket), Key: &e.keys[number], Body: bytes.NewReader(data),
	})
	return err
}

// publish publishes an index with one name.
func (e *emulator) publish() error {
	name, err := domainname.Parse("listed.example")
	if err != nil {
		return err
	}
	b := index.NewBuilder()
	b.Feed("list", false)
	if err := b.Add("list", &indicator.Indicator{
		Name: name, Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock, Severity: indicator.SeverityHigh, Confidence: 50,
	}); err != nil {
		return err
	}
	file, err := b.Build(index.Options{Generation: 1})
	if err != nil {
		return err
	}
	x, err := index.Open(file)
	if err != nil {
		return err
	}
	if err := e.create(indexBucket); err != nil {
		return err
	}
	info, store := x.Info(), bucket.NewIndex(e.objects, indexBucket)
	key := index.ObjectKey(1, info.Checksum)
	if err := store.Create(context.Background(), key, file); err != nil {
		return err
	}
	return store.SwapCurrent(context.Background(), index.Current{
		Generation: 1, Highest: 1, Object: key, Hash: info.Checksum, ContentHash: info.ContentHash, RenewedAt: time.Now().UTC(),
	}, "")
}
