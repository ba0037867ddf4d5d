package resolverwatch

import (
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// IndicatorStoreAttributes identify an [IndicatorStore] of another app. The outputs of its
// stack contain the names.
type IndicatorStoreAttributes struct {
	// ListBucketName is the name of the list bucket. Required.
	ListBucketName string
	// IndexBucketName is the name of the index bucket. Required.
	IndexBucketName string
	// TableName is the name of the table. Required.
	TableName string
	// EncryptionKey is the customer managed key of the store.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
	// Account that the store belongs to.
	//
	// Default: the account of the stack.
	Account string
	// Region that the store is in.
	//
	// Default: the Region of the stack.
	Region string
}

var (
	accountID  = regexp.MustCompile(`^\d{12}$`)
	regionName = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d+$`)
)

func (a IndicatorStoreAttributes) validate() error {
	var problems problems
	problems.required("ListBucketName", a.ListBucketName == "")
	problems.required("IndexBucketName", a.IndexBucketName == "")
	problems.required("TableName", a.TableName == "")
	problems.bucketName("ListBucketName", a.ListBucketName)
	problems.bucketName("IndexBucketName", a.IndexBucketName)
	problems.keys(map[string]awskms.IKey{"EncryptionKey": a.EncryptionKey})
	problems.name("TableName", a.TableName, tableName, "3 to 255 of a-z A-Z 0-9 _ . -")
	problems.name("Account", a.Account, accountID, "12 digits")
	problems.name("Region", a.Region, regionName, "a Region such as eu-west-1")
	return problems.join()
}

// IndicatorStoreFromAttributes refers to an [IndicatorStore] of another app, so that a
// [Transformer] in another account or Region can use the index, or people can be allowed to
// upload lists. An [Importer] must be in the store's own account and Region, because the
// events of the list bucket arrive there.
//
// It creates nothing and adds no steps: the app that defines the store takes care of it. If
// the store is in another account, its policies must admit every principal that gets a
// grant here. Within one app, pass the store itself.
//
// IndicatorStoreFromAttributes panics if the attributes are not valid.
func IndicatorStoreFromAttributes(scope constructs.Construct, id string, attributes *IndicatorStoreAttributes) *IndicatorStore {
	defer explain(scope, id)
	a := orEmpty(attributes)
	this := &IndicatorStore{key: a.EncryptionKey, keys: storeKeys{table: a.EncryptionKey, lists: a.EncryptionKey, index: a.EncryptionKey}}
	begin(this, scope, id, a.validate())
	stack := awscdk.Stack_Of(this)
	a.Account, a.Region = orDefault(a.Account, *stack.Account()), orDefault(a.Region, *stack.Region())
	bucket := func(id, name string) awss3.IBucket {
		return awss3.Bucket_FromBucketAttributes(this, &id, &awss3.BucketAttributes{
			BucketName: &name, EncryptionKey: a.EncryptionKey, Account: &a.Account, Region: &a.Region})
	}
	this.listBucket = bucket("Lists", a.ListBucketName)
	this.indexBucket = bucket("Index", a.IndexBucketName)
	this.table = awsdynamodb.Table_FromTableAttributes(this, jsii.String("Table"), &awsdynamodb.TableAttributes{
		EncryptionKey: a.EncryptionKey,
		TableArn: stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("dynamodb"), Resource: jsii.String("table"),
			ResourceName: &a.TableName, Account: &a.Account, Region: &a.Region}),
	})
	return this
}
