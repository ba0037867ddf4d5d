package table

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
)

const (
	// batchSize is the largest batch that BatchWriteItem accepts.
	batchSize = 25
	// batchWriters is how many batches are sent at the same time. Four of them write about
	// 8,000 rows a second, which is about the capacity of a new table.
	batchWriters = 4
	// idleTries is how often a batch is sent again after DynamoDB accepted none of it.
	idleTries = 10
)

// Write makes all changes in batches. If a row is changed more than once, only the last
// change is made, because DynamoDB refuses a batch that has a key twice.
func (t *Table) Write(ctx context.Context, feed indicator.FeedID, changes []snapshot.Change) error {
	requests, err := newRequests(feed, changes)
	if err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(batchWriters)
	for batch := range slices.Chunk(requests, batchSize) {
		group.Go(func() error { return t.writeBatch(ctx, batch) })
	}
	return group.Wait()
}

func newRequests(feed indicator.FeedID, changes []snapshot.Change) ([]types.WriteRequest, error) {
	places := make(map[[2]string]int, len(changes))
	requests := make([]types.WriteRequest, 0, len(changes))
	for i := range changes {
		entry := &changes[i].Entry
		rowKey := [2]string{entry.Value(), entrySortKey(feed, entry)}
		request := types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key(rowKey[0], rowKey[1])}}
		if !changes[i].Delete {
			encoded, err := EncodeEntry(feed, entry)
			if err != nil {
				return nil, err
			}
			request = types.WriteRequest{PutRequest: &types.PutRequest{Item: encoded}}
		}

		if place, repeated := places[rowKey]; repeated {
			requests[place] = request
			continue
		}
		places[rowKey] = len(requests)
		requests = append(requests, request)
	}
	return requests, nil
}

// writeBatch sends a batch until DynamoDB has accepted all of it. DynamoDB leaves rows
// unprocessed to slow the writer down.
func (t *Table) writeBatch(ctx context.Context, batch []types.WriteRequest) error {
	for try := 0; len(batch) > 0; try++ {
		if try > idleTries {
			return fmt.Errorf("writing to table %s: DynamoDB left %d rows unprocessed %d times", t.name, len(batch), idleTries)
		}
		if try > 0 {
			if err := awsio.Wait(ctx, try); err != nil {
				return fmt.Errorf("writing to table %s, %d rows left: %w", t.name, len(batch), err)
			}
		}
		left, err := t.sendBatch(ctx, batch)
		if err != nil {
			return err
		}
		if len(left) < len(batch) {
			try = 0
		}
		batch = left
	}
	return nil
}

// sendBatch sends a batch once and returns the rows that DynamoDB did not accept.
func (t *Table) sendBatch(ctx context.Context, batch []types.WriteRequest) ([]types.WriteRequest, error) {
	out, err := t.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{t.name: batch},
	})
	switch {
	case isThrottled(err): // it accepted none of them
		return batch, nil
	case err != nil:
		return nil, fmt.Errorf("writing to table %s: %w", t.name, err)
	default:
		return out.UnprocessedItems[t.name], nil
	}
}

// isThrottled reports whether the writer must slow down: for the capacity of the table, for
// the rate that an on-demand table has scaled to, or for the quota of the account.
func isThrottled(err error) bool {
	var capacity *types.ProvisionedThroughputExceededException
	var rate *types.ThrottlingException
	var quota *types.RequestLimitExceeded
	return errors.As(err, &capacity) || errors.As(err, &rate) || errors.As(err, &quota)
}

// Entries yields the entries of a feed. The table has no key for feeds, so Entries reads
// all of it: about 150 MB for a million rows.
func (t *Table) Entries(ctx context.Context, feed indicator.FeedID) iter.Seq2[snapshot.Entry, error] {
	return func(yield func(snapshot.Entry, error) bool) {
		pages := dynamodb.NewScanPaginator(t.client, &dynamodb.ScanInput{
			TableName:                 &t.name,
			FilterExpression:          aws.String("begins_with(#entry, :feed)"),
			ExpressionAttributeNames:  map[string]string{"#entry": sortKey},
			ExpressionAttributeValues: item{":feed": &types.AttributeValueMemberS{Value: string(feed) + "#"}},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(snapshot.Entry{}, fmt.Errorf("scanning table %s: %w", t.name, err))
				return
			}
			for _, found := range page.Items {
				if !yield(DecodeEntry(found)) {
					return
				}
			}
		}
	}
}
