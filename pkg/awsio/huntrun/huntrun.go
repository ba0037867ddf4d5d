// Package huntrun keeps in the table of sent alerts when hunts ran that must not run too often.
package huntrun

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/revision"
	"github.com/resolverwatch/resolverwatch/pkg/hunter"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// keyPrefix and the name of a hunt are the key of a row.
const keyPrefix = "hunt-run#"

// Table is the table of sent alerts. It implements the port Runs of package hunter.
type Table struct {
	client *dynamodb.Client
	name   string
}

// New returns the table with this name.
func New(config aws.Config, name string) *Table {
	return &Table{dynamodb.NewFromConfig(config), name}
}

// item is a row. Times are in seconds since 1970, and 0 is the zero time.
type item struct {
	Key        string `dynamodbav:"key"`
	Revision   int64  `dynamodbav:"revision"`
	RanAt      int64  `dynamodbav:"ran_at,omitempty"`
	TriedAt    int64  `dynamodbav:"tried_at,omitempty"`
	WaitingFor int64  `dynamodbav:"waiting_for,omitempty"`
	Owner      string `dynamodbav:"owner,omitempty"`
	LeaseUntil int64  `dynamodbav:"lease_until,omitempty"`
}

// Run returns what is stored about a hunt.
func (t *Table) Run(ctx context.Context, hunt string) (hunter.Run, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &t.name,
		Key:            map[string]types.AttributeValue{settings.SentTableKey: &types.AttributeValueMemberS{Value: keyPrefix + hunt}},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return hunter.Run{}, fmt.Errorf("reading %s%s from table %s: %w", keyPrefix, hunt, t.name, err)
	}
	var stored item
	if err := attributevalue.UnmarshalMap(out.Item, &stored); err != nil {
		return hunter.Run{}, fmt.Errorf("decoding %s%s of table %s: delete the row, and the next run writes it: %w",
			keyPrefix, hunt, t.name, err)
	}
	return hunter.Run{
		Revision:   stored.Revision,
		RanAt:      fromSeconds(stored.RanAt),
		TriedAt:    fromSeconds(stored.TriedAt),
		WaitingFor: fromSeconds(stored.WaitingFor),
		Owner:      stored.Owner,
		LeaseUntil: fromSeconds(stored.LeaseUntil),
	}, nil
}

// PutRun stores run with the next revision. If the stored one has another revision than run, it
// returns [storage.ErrConflict].
func (t *Table) PutRun(ctx context.Context, hunt string, run hunter.Run) error {
	encoded, err := attributevalue.MarshalMap(item{
		Key:        keyPrefix + hunt,
		Revision:   run.Revision + 1,
		RanAt:      toSeconds(run.RanAt),
		TriedAt:    toSeconds(run.TriedAt),
		WaitingFor: toSeconds(run.WaitingFor),
		Owner:      run.Owner,
		LeaseUntil: toSeconds(run.LeaseUntil),
	})
	if err != nil {
		return fmt.Errorf("encoding %s%s: %w", keyPrefix, hunt, err)
	}

	err = revision.Put(ctx, t.client, t.name, settings.SentTableKey, encoded, run.Revision)
	if err != nil && !errors.Is(err, storage.ErrConflict) {
		return fmt.Errorf("writing %s%s to table %s: %w", keyPrefix, hunt, t.name, err)
	}
	return err
}

func toSeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromSeconds(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
