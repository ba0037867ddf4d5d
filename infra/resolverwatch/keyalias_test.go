//go:build !race

package resolverwatch_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Policies cannot name an alias, so every prop that takes a key rejects one: an alias given
// by name or by ARN, one that the app adds to a key, and one that a bucket is encrypted
// with.
func TestKeys_refuseAlias(t *testing.T) {
	byName := func(stack awscdk.Stack) awskms.IKey {
		return awskms.Alias_FromAliasName(stack, jsii.String("Alias"), jsii.String("alias/x"))
	}
	encryptedBucket := func(stack awscdk.Stack, alias awskms.IKey) awss3.IBucket {
		return awss3.Bucket_FromBucketAttributes(stack, jsii.String("Own"), &awss3.BucketAttributes{
			BucketName: jsii.String("encrypted"), EncryptionKey: alias})
	}
	for name, tc := range map[string]struct {
		define func(stack awscdk.Stack)
		props  []string
	}{
		"Pipeline": {func(stack awscdk.Stack) {
			added := awskms.NewKey(stack, jsii.String("Key"), nil).AddAlias(jsii.String("x"))
			newPipeline(stack, &resolverwatch.PipelineProps{EncryptionKey: added})
		}, []string{"Test/Pipeline EncryptionKey"}},
		"IndicatorStore": {func(stack awscdk.Stack) {
			alias := byName(stack)
			resolverwatch.NewIndicatorStore(stack, "Store", &resolverwatch.IndicatorStoreProps{
				EncryptionKey: alias, IndexBucket: encryptedBucket(stack, alias)})
		}, []string{"Test/Store EncryptionKey", "Test/Store IndexBucket.EncryptionKey"}},
		"Transformer": {func(stack awscdk.Stack) {
			alias := byName(stack)
			resolverwatch.NewTransformer(stack, "Transformer", &resolverwatch.TransformerProps{
				IndexBucket: indexBucket(stack), IndexKey: alias, EncryptionKey: alias})
		}, []string{"Test/Transformer EncryptionKey", "Test/Transformer IndexKey"}},
		"ARN": {func(stack awscdk.Stack) {
			alias := awskms.Key_FromKeyArn(stack, jsii.String("Alias"), jsii.String("arn:aws:kms:eu-west-1:111122223333:alias/x"))
			newPipeline(stack, &resolverwatch.PipelineProps{EncryptionKey: alias, PreviousKeys: []awskms.IKey{alias}})
		}, []string{"Test/Pipeline EncryptionKey", "Test/Pipeline PreviousKeys[0]"}},
		"Importer": {func(stack awscdk.Stack) {
			resolverwatch.NewImporter(stack, "Importer", &resolverwatch.ImporterProps{
				Store: resolverwatch.NewIndicatorStore(stack, "Store", nil), EncryptionKey: byName(stack)})
		}, []string{"Test/Importer EncryptionKey"}},
		"Delivery": {func(stack awscdk.Stack) {
			alias := byName(stack)
			resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{
				Transformer: transformer(stack), EncryptionKey: alias, OutputBucket: encryptedBucket(stack, alias)})
		}, []string{"Test/Delivery EncryptionKey", "Test/Delivery OutputBucket.EncryptionKey"}},
		"Catalog": {func(stack awscdk.Stack) {
			alias := byName(stack)
			resolverwatch.NewCatalog(stack, "Catalog", &resolverwatch.CatalogProps{OutputBucket: outputBucket(stack),
				OutputKey: alias, IndexKey: alias, ResultsBucket: encryptedBucket(stack, alias)})
		}, []string{"Test/Catalog IndexKey", "Test/Catalog OutputKey", "Test/Catalog ResultsBucket.EncryptionKey"}},
	} {
		t.Run(name, func(t *testing.T) { wantRefused(t, tc.define, tc.props...) })
	}
}

// OutputKey gives the key behind the alias of a bucket.
func TestKeys_besideAlias(t *testing.T) {
	stack := newStack(t)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	resolverwatch.NewDelivery(stack, "Delivery", &resolverwatch.DeliveryProps{Transformer: transformer(stack), OutputKey: key,
		OutputBucket: awss3.NewBucket(stack, jsii.String("Logs"), &awss3.BucketProps{EncryptionKey: key.AddAlias(jsii.String("x"))})})
}
