package dynamodb_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
)

const tableName = "indicators"

// newClient returns an SDK client for a server with one table, which has the keys of the indicator
// table.
func newClient(t *testing.T, config dynamodb.Config) *sdk.Client {
	t.Helper()
	server := httptest.NewServer(dynamodb.New(config))
	t.Cleanup(server.Close)
	client := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	_, err := client.CreateTable(t.Context(), &sdk.CreateTableInput{
		TableName: aws.String(tableName), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("name"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("entry"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("entry"), KeyType: types.KeyTypeRange},
			{AttributeName: aws.String("name"), KeyType: types.KeyTypeHash},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func row(name string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"name":  &types.AttributeValueMemberS{Value: name},
		"entry": &types.AttributeValueMemberS{Value: "feed#block#subtree"},
	}
}

// write puts rows with these names in one batch.
func write(t *testing.T, client *sdk.Client, names ...string) (*sdk.BatchWriteItemOutput, error) {
	t.Helper()
	var requests []types.WriteRequest
	for _, name := range names {
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: row(name)}})
	}
	return client.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{tableName: requests}})
}

func fill(t *testing.T, client *sdk.Client, rows int) {
	t.Helper()
	for start := 0; start < rows; start += 25 {
		var names []string
		for i := start; i < min(start+25, rows); i++ {
			names = append(names, fmt.Sprintf("n%d.example", i))
		}
		if _, err := write(t, client, names...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServer_Scan_segments(t *testing.T) {
	t.Parallel()
	const rows, segments = 200, 4
	client := newClient(t, dynamodb.Config{PageItems: 30})
	fill(t, client, rows)
	seen := map[string]int{}
	for number := range segments {
		inSegment, pages := 0, 0
		scan := sdk.NewScanPaginator(client, &sdk.ScanInput{TableName: aws.String(tableName),
			Segment: aws.Int32(int32(number)), TotalSegments: aws.Int32(segments)})
		for scan.HasMorePages() {
			page, err := scan.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pages++
			inSegment += len(page.Items)
			for _, item := range page.Items {
				seen[item["name"].(*types.AttributeValueMemberS).Value]++
			}
		}
		if inSegment == 0 || inSegment == rows || pages < rows/30 {
			t.Errorf("segment %d: %d items in %d pages", number, inSegment, pages)
		}
	}
	if len(seen) != rows {
		t.Errorf("the segments hold %d distinct rows, want %d", len(seen), rows)
	}
	for name, times := range seen {
		if times != 1 {
			t.Errorf("%s is in %d segments", name, times)
		}
	}
}

func TestServer_Query_pages(t *testing.T) {
	t.Parallel()
	client := newClient(t, dynamodb.Config{PageItems: 3})
	for i := range 10 {
		item := row("#feed")
		item["entry"] = &types.AttributeValueMemberS{Value: fmt.Sprintf("feed%d", i)}
		if _, err := client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String(tableName), Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	rows, pages := 0, 0
	query := sdk.NewQueryPaginator(client, &sdk.QueryInput{TableName: aws.String(tableName),
		KeyConditionExpression:    aws.String("#n = :n"),
		ExpressionAttributeNames:  map[string]string{"#n": "name"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":n": &types.AttributeValueMemberS{Value: "#feed"}}})
	for query.HasMorePages() {
		page, err := query.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows, pages = rows+len(page.Items), pages+1
	}
	if rows != 10 || pages < 4 {
		t.Errorf("%d rows in %d pages, want 10 in 4 or more", rows, pages)
	}
}

func TestServer_conditionalWrites(t *testing.T) {
	t.Parallel()
	client := newClient(t, dynamodb.Config{})
	put := func() error {
		_, err := client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String(tableName), Item: row("a.example"),
			ConditionExpression:      aws.String("attribute_not_exists(#n)"),
			ExpressionAttributeNames: map[string]string{"#n": "name"}})
		return err
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	if failed := (*types.ConditionalCheckFailedException)(nil); !errors.As(put(), &failed) {
		t.Error("a second conditional put succeeded")
	}
}

// A table is active immediately, so that waiting for it works.
func TestServer_DescribeTable(t *testing.T) {
	t.Parallel()
	client := newClient(t, dynamodb.Config{})
	out, err := client.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: aws.String(tableName)})
	if err != nil || out.Table.TableStatus != types.TableStatusActive || len(out.Table.KeySchema) != 2 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestServer_timeToLive(t *testing.T) {
	t.Parallel()
	client := newClient(t, dynamodb.Config{})
	enable := &sdk.UpdateTimeToLiveInput{TableName: aws.String(tableName),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expires_at"), Enabled: aws.Bool(true)}}
	if _, err := client.UpdateTimeToLive(t.Context(), enable); err != nil {
		t.Fatal(err)
	}
	out, err := client.DescribeTimeToLive(t.Context(), &sdk.DescribeTimeToLiveInput{TableName: aws.String(tableName)})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.TimeToLiveDescription; got.TimeToLiveStatus != types.TimeToLiveStatusEnabled || *got.AttributeName != "expires_at" {
		t.Errorf("got %+v", got)
	}
	if _, err = client.UpdateTimeToLive(t.Context(), enable); err == nil {
		t.Error("enabling twice succeeded")
	}
}

func TestServer_refusals(t *testing.T) {
	t.Parallel()
	client := newClient(t, dynamodb.Config{})
	many := make([]string, 26)
	for i := range many {
		many[i] = fmt.Sprintf("n%d.example", i)
	}
	batch := func(names ...string) error { _, err := write(t, client, names...); return err }
	large := row("large.example")
	large["reference"] = &types.AttributeValueMemberS{Value: strings.Repeat("x", 400<<10)}
	put := func(item map[string]types.AttributeValue) error {
		_, err := client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String(tableName), Item: item})
		return err
	}
	putAndDelete := func() error {
		_, err := client.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
			tableName: {
				{PutRequest: &types.PutRequest{Item: row("x.example")}},
				{DeleteRequest: &types.DeleteRequest{Key: row("x.example")}},
			}}})
		return err
	}
	scan := func(in sdk.ScanInput) error {
		in.TableName = aws.String(tableName)
		_, err := client.Scan(t.Context(), &in)
		return err
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"26 items", batch(many...), "ValidationException"},
		{"duplicate key", batch("x.example", "y.example", "x.example"), "ValidationException"},
		{"put and delete of the same key", putAndDelete(), "ValidationException"},
		{"no requests", func() error {
			_, err := client.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{}})
			return err
		}(), "ValidationException"},
		{"item over 400 KB", put(large), "ValidationException"},
		{"partition key over 2 KiB", batch(strings.Repeat("x", 2049)), "ValidationException"},
		{"empty key", batch(""), "ValidationException"},
		{"segment without total", scan(sdk.ScanInput{Segment: aws.Int32(1)}), "ValidationException"},
		{"segment beyond total", scan(sdk.ScanInput{Segment: aws.Int32(4), TotalSegments: aws.Int32(4)}), "ValidationException"},
		{"missing table", func() error {
			_, err := client.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("other"), Key: row("x.example")})
			return err
		}(), "ResourceNotFoundException"},
		{"unknown operation", func() error {
			_, err := client.ListBackups(t.Context(), &sdk.ListBackupsInput{})
			return err
		}(), "UnknownOperationException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var refused smithy.APIError
			if !errors.As(test.err, &refused) || refused.ErrorCode() != test.want {
				t.Errorf("got %v, want %s", test.err, test.want)
			}
		})
	}
}

func TestServer_unprocessed(t *testing.T) {
	t.Parallel()
	client := newClient(t, dynamodb.Config{Unprocessed: func(_ string, position int) bool { return position%2 == 1 }})
	out, err := write(t, client, "a.example", "b.example", "c.example", "d.example")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(out.UnprocessedItems[tableName]); got != 2 {
		t.Errorf("%d unprocessed items, want 2", got)
	}
	page, err := client.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String(tableName)})
	if err != nil || len(page.Items) != 2 {
		t.Errorf("%d rows written, want 2 (%v)", len(page.Items), err)
	}
}

func TestServer_throttled(t *testing.T) {
	t.Parallel()
	client := newClient(t, dynamodb.Config{Fault: func(operation string) error {
		if operation == "BatchWriteItem" {
			return dynamodb.ErrThrottled
		}
		return nil
	}})
	_, err := write(t, client, "a.example")
	if throttled := (*types.ProvisionedThroughputExceededException)(nil); !errors.As(err, &throttled) {
		t.Errorf("got %v, want ProvisionedThroughputExceededException", err)
	}
}

func TestServer_PutItem_returnsOldItem(t *testing.T) {
	t.Parallel()
	client := newClient(t, dynamodb.Config{})
	before := ""
	for _, note := range []string{"first", "second", "third"} {
		item := row("a.example")
		item["note"] = &types.AttributeValueMemberS{Value: note}
		out, err := client.PutItem(t.Context(), &sdk.PutItemInput{
			TableName: aws.String(tableName), ReturnValues: types.ReturnValueAllOld, Item: item,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if old, found := out.Attributes["note"].(*types.AttributeValueMemberS); found {
			got = old.Value
		}
		if got != before {
			t.Errorf("putting %q returned %q, want %q", note, got, before)
		}
		before = note
	}
}
