// Package table stores the state of feeds and the entries of lists in the DynamoDB table.
// It implements the ports of the package of the same name that has the rules,
// github.com/resolverwatch/resolverwatch/pkg/table.
package table

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/revision"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// feedPartition is the partition that contains the state of feeds. No name on a list begins
// with '#'.
const feedPartition = "#feed"

const (
	partitionKey = settings.TablePartitionKey
	sortKey      = settings.TableSortKey
)

// item is a row in the shape of the API.
type item = map[string]types.AttributeValue

// API contains the calls that a [Table] makes. *[dynamodb.Client] implements it.
type API interface {
	dynamodb.QueryAPIClient
	dynamodb.ScanAPIClient
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// Table is the DynamoDB table: [table.FeedRows] and [table.Entries].
type Table struct {
	client API
	name   string
}

// NewTable returns the table with this name.
func NewTable(client API, name string) *Table { return &Table{client, name} }

func key(partition, sort string) item {
	return item{
		partitionKey: &types.AttributeValueMemberS{Value: partition},
		sortKey:      &types.AttributeValueMemberS{Value: sort},
	}
}

// Rows returns the rows of all feeds.
func (t *Table) Rows(ctx context.Context) ([]table.FeedRow, error) {
	var rows []table.FeedRow
	pages := dynamodb.NewQueryPaginator(t.client, &dynamodb.QueryInput{
		TableName:                 &t.name,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("#name = :partition"),
		ExpressionAttributeNames:  map[string]string{"#name": partitionKey},
		ExpressionAttributeValues: item{":partition": &types.AttributeValueMemberS{Value: feedPartition}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("querying %s of table %s: %w", feedPartition, t.name, err)
		}
		for _, found := range page.Items {
			row, err := decodeFeedRow(found)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// Row returns the row of a feed. If there is none, the row has revision 0.
func (t *Table) Row(ctx context.Context, id indicator.FeedID) (table.FeedRow, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &t.name,
		Key:            key(feedPartition, string(id)),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return table.FeedRow{}, fmt.Errorf("reading feed %q from table %s: %w", id, t.name, err)
	}
	if len(out.Item) == 0 {
		return table.FeedRow{ID: id}, nil
	}
	return decodeFeedRow(out.Item)
}

// PutRow stores row with the revision after row.Revision. If the stored row does not have
// row.Revision, it returns [storage.ErrConflict].
func (t *Table) PutRow(ctx context.Context, row table.FeedRow) error {
	condition := revision.Unchanged(partitionKey, row.Revision)
	row.Revision++
	encoded, err := attributevalue.MarshalMap(newFeedItem(&row))
	if err != nil {
		return fmt.Errorf("encoding the row of feed %q: %w", row.ID, err)
	}
	_, err = t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &t.name,
		Item:                      encoded,
		ConditionExpression:       condition.Expression,
		ExpressionAttributeNames:  condition.Names,
		ExpressionAttributeValues: condition.Values,
	})
	return t.explain(err, row.ID)
}

// DeleteRow removes the row of a feed. If the stored row does not have row.Revision, it
// returns [storage.ErrConflict].
func (t *Table) DeleteRow(ctx context.Context, row table.FeedRow) error {
	condition := revision.Unchanged(partitionKey, row.Revision)
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &t.name,
		Key:                       key(feedPartition, string(row.ID)),
		ConditionExpression:       condition.Expression,
		ExpressionAttributeNames:  condition.Names,
		ExpressionAttributeValues: condition.Values,
	})
	return t.explain(err, row.ID)
}

// explain returns [storage.ErrConflict] if the condition of a write was not met, and
// otherwise names the feed and the table.
func (t *Table) explain(err error, id indicator.FeedID) error {
	if revision.IsConflict(err) {
		return storage.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("writing feed %q to table %s: %w", id, t.name, err)
	}
	return nil
}
