// Package compaction keeps in the table of sent alerts which days are compacted.
package compaction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/revision"
	"github.com/resolverwatch/resolverwatch/pkg/compactor"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// rowKey is the key of the only row.
const rowKey = "compaction#"

// Table is the table of sent alerts. It implements the port Ledger of package compactor.
type Table struct {
	client *dynamodb.Client
	name   string
}

// New returns the table with this name.
func New(config aws.Config, name string) *Table { return &Table{dynamodb.NewFromConfig(config), name} }

// item is the row. The state is JSON.
type item struct {
	Key      string `dynamodbav:"key"`
	Revision int64  `dynamodbav:"revision"`
	State    string `dynamodbav:"state"`
}

// State returns what is stored.
func (t *Table) State(ctx context.Context) (compactor.State, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &t.name,
		Key:            map[string]types.AttributeValue{settings.SentTableKey: &types.AttributeValueMemberS{Value: rowKey}},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return compactor.State{}, fmt.Errorf("reading %s from table %s: %w", rowKey, t.name, err)
	}
	var stored item
	if err := attributevalue.UnmarshalMap(out.Item, &stored); err != nil {
		return compactor.State{}, undecodable(t.name, err)
	}
	state := compactor.State{}
	if stored.State != "" {
		if err := json.Unmarshal([]byte(stored.State), &state); err != nil {
			return compactor.State{}, undecodable(t.name, err)
		}
	}
	state.Revision = stored.Revision
	return state, nil
}

func undecodable(table string, err error) error {
	return fmt.Errorf("decoding %s of table %s: delete the row, and all days are read from the logs again: %w", rowKey, table, err)
}

// PutState stores a state with the next revision. If the stored one has another revision, it
// returns [storage.ErrConflict].
func (t *Table) PutState(ctx context.Context, state compactor.State) error {
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", rowKey, err)
	}
	encoded, err := attributevalue.MarshalMap(item{rowKey, state.Revision + 1, string(text)})
	if err != nil {
		return fmt.Errorf("encoding %s: %w", rowKey, err)
	}
	err = revision.Put(ctx, t.client, t.name, settings.SentTableKey, encoded, state.Revision)
	if err != nil && !errors.Is(err, storage.ErrConflict) {
		return fmt.Errorf("writing %s to table %s: %w", rowKey, t.name, err)
	}
	return err
}
