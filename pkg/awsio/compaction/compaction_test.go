package compaction_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/compaction"
	"github.com/resolverwatch/resolverwatch/pkg/compactor"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var _ compactor.Ledger = (*compaction.Table)(nil)

// newTable returns the table of sent alerts in a local DynamoDB, and its client.
func newTable(t *testing.T) (*compaction.Table, *dynamodb.Client) {
	t.Helper()
	server := httptest.NewServer(localdynamodb.New(localdynamodb.Config{}))
	t.Cleanup(server.Close)
	config := localclient.Config(server.URL)
	client := dynamodb.NewFromConfig(config)
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            aws.String("sent"),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return compaction.New(config, "sent"), client
}

// A state comes back as it was stored, and a writer that read an older one gets a conflict.
func TestTable(t *testing.T) {
	t.Parallel()
	table, _ := newTable(t)
	empty, err := table.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(compactor.State{}, empty); diff != "" {
		t.Fatalf("an empty table: %s", diff)
	}
	day := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	state := compactor.State{From: day, Until: day.AddDate(0, 0, 9), Open: []time.Time{day.AddDate(0, 0, 2)}, OpenedAt: day.Add(time.Hour),
		View: "CREATE OR REPLACE VIEW", NotBefore: day.Add(2 * time.Hour), CheckedAt: day.Add(3 * time.Hour), Cursor: day.Add(4 * time.Hour)}
	for revision := range int64(3) {
		state.Revision = revision
		if err := table.PutState(t.Context(), state); err != nil {
			t.Fatalf("revision %d: %v", revision, err)
		}
		if err := table.PutState(t.Context(), state); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("revision %d a second time: %v", revision, err)
		}
	}
	state.Revision = 3
	got, err := table.State(t.Context())
	if diff := cmp.Diff(state, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

// A row that cannot be read says what to do. Nothing is lost without it, because the logs have all
// days.
func TestTable_undecodable(t *testing.T) {
	t.Parallel()
	table, client := newTable(t)
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("sent"), Item: map[string]types.AttributeValue{
		"key": &types.AttributeValueMemberS{Value: "compaction#"}, "state": &types.AttributeValueMemberS{Value: "{"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.State(t.Context()); err == nil || !strings.Contains(err.Error(), "delete the row") {
		t.Errorf("error %v", err)
	}
}

// A table that does not exist is an error, and not an empty one.
func TestTable_missing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(localdynamodb.New(localdynamodb.Config{}))
	t.Cleanup(server.Close)
	table := compaction.New(localclient.Config(server.URL), "other")
	if _, err := table.State(t.Context()); err == nil {
		t.Error("no error")
	}
	if err := table.PutState(t.Context(), compactor.State{}); err == nil || errors.Is(err, storage.ErrConflict) {
		t.Errorf("error %v", err)
	}
}
