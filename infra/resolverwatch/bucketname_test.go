//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// These names would be rejected only at deployment, or by the CDK without naming the prop.
func TestBucketNames_refused(t *testing.T) {
	for _, name := range []string{
		"192.168.5.4", "a..b", "a.-b", "xn--lists", "sthree-lists", "amzn-s3-demo-a", "lists-s3alias", "lists--ol-s3", "lists.mrap",
		"lists--x-s3", "lists--table-s3", "Lists", "li", "lists_of_our_team",
	} {
		t.Run(name, func(t *testing.T) {
			wantRefused(t, func(stack awscdk.Stack) {
				resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
					StoreSettings: resolverwatch.StoreSettings{ListBucketName: name, IndexBucketName: name}})
			},
				"Test/Store ListBucketName",
				"Test/Store IndexBucketName",
				"Test/Store IndexBucketName",
			)
		})
	}
}

func TestBucketNames_taken(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
			StoreSettings: resolverwatch.StoreSettings{IndexBucketName: "published"}})
		resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
			Transformer: transformer(stack), DeliverySettings: resolverwatch.DeliverySettings{OutputBucketName: "published"}})
	}, "Test/Delivery OutputBucketName")
	wantRefused(t, func(stack awscdk.Stack) {
		resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
			StoreSettings: resolverwatch.StoreSettings{ListBucketName: "lists", IndexBucketName: "lists"}})
	}, "Test/Store IndexBucketName")
}

// A bucket or table that the app has set up correctly adds no steps.
func TestIndicatorStore_ofTheSameApp(t *testing.T) {
	stack := newStack(t)
	text := func(name string) *awsdynamodb.Attribute {
		return &awsdynamodb.Attribute{Name: &name, Type: awsdynamodb.AttributeType_STRING}
	}
	lists := awss3.NewBucket(stack, jsii.String("Lists"), &awss3.BucketProps{
		Versioned: jsii.Bool(true), EventBridgeEnabled: jsii.Bool(true)})
	store := resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{ListBucket: lists,
		Table: awsdynamodb.NewTable(stack, jsii.String("Table"), &awsdynamodb.TableProps{
			PartitionKey: text("name"), SortKey: text("entry"), TimeToLiveAttribute: jsii.String("expires_at")})})
	again := resolverwatch.NewIndicatorStore(stack, "Again", &resolverwatch.IndicatorStoreProps{
		ListBucket: store.IndexBucket(), Table: store.Table()})
	if steps := store.Steps(); len(steps) > 0 {
		t.Errorf("steps %v", steps)
	}
	if steps := again.Steps(); len(steps) != 1 || steps[0].ID != "ListBucketEvents" {
		t.Errorf("steps %v, want only the one about events", steps)
	}
	plain := resolverwatch.NewIndicatorStore(stack, "Plain", &resolverwatch.IndicatorStoreProps{
		ListBucket: awss3.NewBucket(stack, jsii.String("Plain1"), nil),
		Table:      awsdynamodb.NewTable(stack, jsii.String("Plain2"), &awsdynamodb.TableProps{PartitionKey: text("name")})})
	var ids, texts []string
	for _, step := range plain.Steps() {
		ids, texts = append(ids, step.ID), append(texts, step.Text)
	}
	if got := strings.Join(ids, " "); got != "TableTimeToLive ListBucketVersioning ListBucketEvents" {
		t.Errorf("steps %s", got)
	}
	const want = `set TimeToLiveAttribute of Test/Plain2 to "expires_at"; set Versioned of Test/Plain1; set EventBridgeEnabled of Test/Plain1`
	if got := strings.Join(texts, "; "); got != want {
		t.Errorf("a command would be undone by the next deployment: %s", got)
	}
}
