// Package revision writes rows of DynamoDB tables that carry a revision: of two writers that read
// the same row, the second is told that it has changed.
package revision

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// attribute is the attribute of a row that has its revision.
const attribute = "revision"

// Condition is the condition of a write.
type Condition struct {
	Expression *string
	Names      map[string]string
	Values     map[string]types.AttributeValue
}

// Unchanged returns the condition that the stored row still has this revision. Revision 0 means
// that the row, whose partition key has the name key, must not exist.
func Unchanged(key string, revision int64) Condition {
	if revision == 0 {
		return Condition{Expression: aws.String("attribute_not_exists(#key)"), Names: map[string]string{"#key": key}}
	}
	return Condition{
		Expression: aws.String("#revision = :revision"),
		Names:      map[string]string{"#revision": attribute},
		Values:     map[string]types.AttributeValue{":revision": &types.AttributeValueMemberN{Value: fmt.Sprint(revision)}},
	}
}

// putter is the part of a DynamoDB client that writes a row.
type putter interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Put writes a row over the stored one, which must have this revision; see [Unchanged]. If it has
// another one, Put returns [storage.ErrConflict].
func Put(ctx context.Context, client putter, table, key string, row map[string]types.AttributeValue, revision int64) error {
	condition := Unchanged(key, revision)
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &table,
		Item:                      row,
		ConditionExpression:       condition.Expression,
		ExpressionAttributeNames:  condition.Names,
		ExpressionAttributeValues: condition.Values,
	})
	if IsConflict(err) {
		return storage.ErrConflict
	}
	return err
}

// IsConflict tells whether err says that the condition of a write was not met.
func IsConflict(err error) bool {
	_, failed := errors.AsType[*types.ConditionalCheckFailedException](err)
	return failed
}
