package dynamodb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// CreateTable creates a table like the indicator store's, with its keys and time to live.
func CreateTable(ctx context.Context, client *dynamodb.Client, name string) error {
	partition, sort := aws.String(settings.TablePartitionKey), aws.String(settings.TableSortKey)
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: partition, AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: sort, AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: partition, KeyType: types.KeyTypeHash},
			{AttributeName: sort, KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		return fmt.Errorf("creating table %s: %w", name, err)
	}

	expiry := &types.TimeToLiveSpecification{AttributeName: aws.String(settings.TableTTL), Enabled: aws.Bool(true)}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &name, TimeToLiveSpecification: expiry})
	if err != nil {
		return fmt.Errorf("turning on time to live for table %s: %w", name, err)
	}
	return nil
}
