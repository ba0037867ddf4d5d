package huntrun_test

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
	"github.com/resolverwatch/resolverwatch/pkg/awsio/huntrun"
	"github.com/resolverwatch/resolverwatch/pkg/hunter"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var _ hunter.Runs = (*huntrun.Table)(nil)

// newTable returns the table of sent alerts in a local DynamoDB, and its client.
func newTable(t *testing.T) (*huntrun.Table, *dynamodb.Client) {
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
	return huntrun.New(config, "sent"), client
}

// A writer that read an older revision gets a conflict, and so does one that believes that there
// is no row yet.
func TestTable(t *testing.T) {
	t.Parallel()
	table, _ := newTable(t)
	empty, err := table.Run(t.Context(), "retro-hunt")
	if err != nil || empty != (hunter.Run{}) {
		t.Fatalf("%+v, %v", empty, err)
	}
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	run := hunter.Run{RanAt: noon, TriedAt: noon.Add(time.Minute), WaitingFor: noon.Add(time.Hour), Owner: "me", LeaseUntil: noon.Add(2 * time.Hour)}
	for revision := range int64(3) {
		run.Revision = revision
		if err := table.PutRun(t.Context(), "retro-hunt", run); err != nil {
			t.Fatalf("revision %d: %v", revision, err)
		}
		for _, stale := range []int64{0, revision} {
			run.Revision = stale
			if err := table.PutRun(t.Context(), "retro-hunt", run); !errors.Is(err, storage.ErrConflict) {
				t.Errorf("after revision %d, a writer of %d: %v", revision, stale, err)
			}
		}
		run.Revision = revision + 1
		stored, err := table.Run(t.Context(), "retro-hunt")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(run, stored); diff != "" {
			t.Error(diff)
		}
	}
	if other, err := table.Run(t.Context(), "tunnels"); err != nil || other.Revision != 0 {
		t.Errorf("another hunt: %+v, %v", other, err)
	}
}

// A row that somebody changed by hand is an error that says what to do.
func TestTable_Run_damaged(t *testing.T) {
	t.Parallel()
	table, client := newTable(t)
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("sent"), Item: map[string]types.AttributeValue{
		"key":    &types.AttributeValueMemberS{Value: "hunt-run#retro-hunt"},
		"ran_at": &types.AttributeValueMemberS{Value: "yesterday"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Run(t.Context(), "retro-hunt"); err == nil || !strings.Contains(err.Error(), "delete the row") {
		t.Errorf("error %v", err)
	}
}
