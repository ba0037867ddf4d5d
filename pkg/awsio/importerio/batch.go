package importerio

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
	// batchSize is what BatchWriteItem takes.
	batchSize = 25
	// batchWriters is how many batches are on the wire at once. Four write some 8,000
	// rows a second, about what a table that was just made takes.
	batchWriters = 4
	// idleTries is how often a batch is sent again of which DynamoDB takes nothing.
	idleTries = 10
)

// Write makes all changes in batches. Of several changes of one row only the last is
// made, because DynamoDB refuses a batch that has a key twice.
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
		rowKey := [2]string{entry.Value(), sortOf(feed, entry)}
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

// writeBatch sends a batch until DynamoDB has taken all of it. What it leaves is how it
// asks for patience.
func (t *Table) writeBatch(ctx context.Context, batch []types.WriteRequest) error {
	for try := 0; len(batch) > 0; try++ {
		if try > idleTries {
			return fmt.Errorf("writing to table %s: %d rows were left %d times", t.name, len(batch), idleTries)
		}
		if try > 0 {
			if err := awsio.Wait(ctx, try); err != nil {
				return fmt.Errorf("writing to table %s, %d rows are left: %w", t.name, len(batch), err)
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

// sendBatch sends a batch once and returns what DynamoDB did not take.
func (t *Table) sendBatch(ctx context.Context, batch []types.WriteRequest) ([]types.WriteRequest, error) {
	out, err := t.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{t.name: batch},
	})
	switch {
	case isThrottled(err): // it took none at all
		return batch, nil
	case err != nil:
		return nil, fmt.Errorf("writing to table %s: %w", t.name, err)
	default:
		return out.UnprocessedItems[t.name], nil
	}
}

// isThrottled reports whether DynamoDB asks for patience: by the capacity of the table, by
// the rate that a table on demand has got used to, or by the quota of the account.
func isThrottled(err error) bool {
	var capacity *types.ProvisionedThroughputExceededException
	var rate *types.ThrottlingException
	var quota *types.RequestLimitExceeded
	return errors.As(err, &capacity) || errors.As(err, &rate) || errors.As(err, &quota)
}

// Entries yields the entries of a feed. The table has no order by feed, so all of it is
// read: of a million rows some 150 MB.
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
