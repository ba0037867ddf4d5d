// Package sent keeps the alerts that were sent in a DynamoDB table. It implements the port
// Table of package notifier.
//
// The table has a partition key and no sort key. Times are RFC 3339 in UTC with milliseconds,
// except expires_at: it is the table's TTL attribute, in seconds since 1970.
package sent

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/revision"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// item is a row in the shape of the API.
type item = map[string]types.AttributeValue

// Table is the table of sent alerts.
type Table struct {
	client *dynamodb.Client
	name   string
}

// NewTable returns the table with this name.
func NewTable(config aws.Config, name string) *Table {
	return &Table{dynamodb.NewFromConfig(config), name}
}

func key(text string) item {
	return item{settings.SentTableKey: &types.AttributeValueMemberS{Value: text}}
}

// Sent returns the rows of alerts with these keys, if they exist.
func (t *Table) Sent(ctx context.Context, keys []string) (map[string]notifier.Sent, error) {
	rows := map[string]notifier.Sent{}
	err := t.read(ctx, keys, func(encoded item) error {
		var stored sentItem
		if err := attributevalue.UnmarshalMap(encoded, &stored); err != nil {
			return err
		}
		row, err := stored.row()
		rows[stored.Key] = row
		return err
	})
	return rows, err
}

// PutSent stores a row with the revision after row.Revision, or returns [storage.ErrConflict]
// if the stored row does not have row.Revision.
func (t *Table) PutSent(ctx context.Context, rowKey string, row notifier.Sent) error {
	stored := newSentItem(rowKey, &row)
	stored.Revision++
	return t.put(ctx, rowKey, stored, row.Revision)
}

// States returns the documents with these keys, if they exist.
func (t *Table) States(ctx context.Context, keys []string) (map[string]notifier.State, error) {
	states := map[string]notifier.State{}
	err := t.read(ctx, keys, func(encoded item) error {
		var stored stateItem
		if err := attributevalue.UnmarshalMap(encoded, &stored); err != nil {
			return err
		}
		states[stored.Key] = notifier.State{
			Revision: stored.Revision, Text: []byte(stored.State), ExpiresAt: time.Unix(stored.ExpiresAt, 0).UTC(),
		}
		return nil
	})
	return states, err
}

// PutState stores a document with the revision after state.Revision, or returns
// [storage.ErrConflict] if the stored document does not have state.Revision.
func (t *Table) PutState(ctx context.Context, stateKey string, state notifier.State) error {
	return t.put(ctx, stateKey, stateItem{
		Key: stateKey, Revision: state.Revision + 1, State: string(state.Text), ExpiresAt: state.ExpiresAt.Unix(),
	}, state.Revision)
}

// PutTest stores what became of a test alert.
func (t *Table) PutTest(ctx context.Context, testKey string, outcome notifier.TestOutcome) error {
	return t.put(ctx, testKey, testItem{
		Key: testKey, At: formatTime(outcome.At), Bus: outcome.Bus, Topic: outcome.Topic, Hub: outcome.Hub,
		ExpiresAt: outcome.ExpiresAt.Unix(),
	}, unconditional)
}

// batchSize is the largest batch that BatchGetItem accepts.
const batchSize = 100

// idleTries is how often keys are read again after DynamoDB returned none of them.
const idleTries = 8

// read calls each for every row with one of the keys.
func (t *Table) read(ctx context.Context, keys []string, each func(item) error) error {
	for len(keys) > 0 {
		n := min(len(keys), batchSize)
		wanted := make([]item, n)
		for i, text := range keys[:n] {
			wanted[i] = key(text)
		}
		if err := t.readBatch(ctx, wanted, each); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// readBatch reads until DynamoDB has returned all rows. It leaves some unprocessed to slow the
// reader down.
func (t *Table) readBatch(ctx context.Context, wanted []item, each func(item) error) error {
	for try := 0; len(wanted) > 0; try++ {
		if try > idleTries {
			return fmt.Errorf("reading table %s: DynamoDB left %d rows unprocessed %d times", t.name, len(wanted), idleTries)
		}
		if try > 0 {
			if err := awsio.Wait(ctx, try); err != nil {
				return fmt.Errorf("reading table %s, %d rows left: %w", t.name, len(wanted), err)
			}
		}
		out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{t.name: {Keys: wanted, ConsistentRead: aws.Bool(true)}},
		})
		if err != nil {
			return fmt.Errorf("reading table %s: %w", t.name, err)
		}
		for _, encoded := range out.Responses[t.name] {
			if err := each(encoded); err != nil {
				return fmt.Errorf("decoding a row of table %s: %w", t.name, err)
			}
		}
		left := out.UnprocessedKeys[t.name].Keys
		if len(left) < len(wanted) {
			try = 0
		}
		wanted = left
	}
	return nil
}

// unconditional is the revision of rows that are written whatever is there.
const unconditional = -1

// put stores a row if the stored one has the revision. Revision 0 means that there is none.
func (t *Table) put(ctx context.Context, rowKey string, row any, rev int64) error {
	encoded, err := attributevalue.MarshalMap(row)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", rowKey, err)
	}
	var condition revision.Condition
	if rev != unconditional {
		condition = revision.Unchanged(settings.SentTableKey, rev)
	}
	_, err = t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &t.name,
		Item:                      encoded,
		ConditionExpression:       condition.Expression,
		ExpressionAttributeNames:  condition.Names,
		ExpressionAttributeValues: condition.Values,
	})
	if revision.IsConflict(err) {
		return storage.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("writing %s to table %s: %w", rowKey, t.name, err)
	}
	return nil
}
