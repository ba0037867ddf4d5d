package resolverwatch

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// IndicatorStoreProps configures an [IndicatorStore]. The zero value is valid.
type IndicatorStoreProps struct {
	StoreSettings

	// Table is an existing table, which is used without changes. It must have the partition
	// key `name` and the sort key `entry`, both strings; `expires_at` should be its TTL
	// attribute.
	//
	// Default: a new table.
	Table awsdynamodb.ITable
	// BillingMode of the new table. PROVISIONED without a capacity means 500 read units and
	// 500 write units.
	//
	// Default: PAY_PER_REQUEST, or PROVISIONED if a capacity is given.
	BillingMode awsdynamodb.BillingMode
	// ListBucket is an existing bucket that lists are uploaded to. Versioning should be on,
	// and the bucket must send its events to EventBridge: see [IndicatorStore.Steps].
	//
	// Default: a new bucket.
	ListBucket awss3.IBucket
	// IndexBucket is an existing bucket for the published index, under `index/`.
	//
	// Default: a new bucket.
	IndexBucket awss3.IBucket
	// NoncurrentVersionExpiration is how long replaced and deleted versions stay in the new
	// buckets: whole days, at least 1.
	//
	// Default: 90 days.
	NoncurrentVersionExpiration awscdk.Duration
	// EncryptionKey encrypts the new table and buckets. It is also assumed to be the key of
	// existing ones whose own key is not known.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
	// PreviousKeys are the customer managed keys that the parts were encrypted with in the
	// past. Objects stay encrypted with the key that they were written with, so everything
	// that reads the store may decrypt with these keys, too.
	//
	// Default: none.
	PreviousKeys []awskms.IKey
	// AccessLogBucket receives the server access logs of the new buckets.
	//
	// Default: no access logs.
	AccessLogBucket awss3.IBucket
	// RemovalPolicy is what happens to the table and the buckets when they are removed from
	// the stack: RETAIN, DESTROY, or RETAIN_ON_UPDATE_OR_DELETE, which leaves nothing
	// behind if the first deployment fails. Only with RETAIN is the table protected from
	// deletion outside of CloudFormation.
	//
	// Default: RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
}

const defaultNoncurrentDays = 90

func (p IndicatorStoreProps) withDefaults() IndicatorStoreProps {
	provisioned := p.ReadCapacity != 0 || p.WriteCapacity != 0
	switch {
	case p.BillingMode == "" && provisioned:
		p.BillingMode = awsdynamodb.BillingMode_PROVISIONED
	case p.BillingMode == "":
		p.BillingMode = awsdynamodb.BillingMode_PAY_PER_REQUEST
	}
	if p.BillingMode == awsdynamodb.BillingMode_PROVISIONED {
		p.ReadCapacity = orDefault(p.ReadCapacity, settings.DefaultCapacity)
		p.WriteCapacity = orDefault(p.WriteCapacity, settings.DefaultCapacity)
	}
	if p.NoncurrentVersionExpiration == nil {
		p.NoncurrentVersionExpiration = awscdk.Duration_Days(jsii.Number(defaultNoncurrentDays))
	}
	p.RemovalPolicy = orDefault(p.RemovalPolicy, awscdk.RemovalPolicy_RETAIN)
	return p
}

func (p IndicatorStoreProps) bucketNames() []givenName {
	return []givenName{{"ListBucketName", p.ListBucketName}, {"IndexBucketName", p.IndexBucketName}}
}

// tableName matches the names that DynamoDB accepts (its developer guide, "Naming rules").
var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

const maxTableName = 255

func (p IndicatorStoreProps) validate() error {
	var problems problems
	problems.settings(p.StoreSettings)
	problems.exclusive("Table", p.Table != nil, "TableName", p.TableName != "")
	problems.exclusive("ListBucket", p.ListBucket != nil, "ListBucketName", p.ListBucketName != "")
	problems.exclusive("IndexBucket", p.IndexBucket != nil, "IndexBucketName", p.IndexBucketName != "")
	problems.name("TableName", p.TableName, tableName, "3 to 255 of a-z A-Z 0-9 _ . -")
	checkBucketName(&problems, "ListBucketName", p.ListBucketName)
	checkBucketName(&problems, "IndexBucketName", p.IndexBucketName)
	capacity := p.ReadCapacity != 0 || p.WriteCapacity != 0
	if capacity && p.Table != nil {
		problems.addf("ReadCapacity and WriteCapacity: an existing table keeps its own; unset them")
	}
	if capacity && p.BillingMode == awsdynamodb.BillingMode_PAY_PER_REQUEST {
		problems.addf("ReadCapacity and WriteCapacity: have no effect with BillingMode PAY_PER_REQUEST; unset one")
	}
	choice(&problems, "BillingMode", p.BillingMode, awsdynamodb.BillingMode_PAY_PER_REQUEST, awsdynamodb.BillingMode_PROVISIONED)
	problems.removal(p.RemovalPolicy)
	checkPreviousKeys(&problems, p.PreviousKeys)
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey, "Table.EncryptionKey": ownKey(p.Table),
		"ListBucket.EncryptionKey": ownKey(p.ListBucket), "IndexBucket.EncryptionKey": ownKey(p.IndexBucket)})
	problems.days("NoncurrentVersionExpiration", p.NoncurrentVersionExpiration)
	return problems.join()
}

// check returns the problems with props under scope: see [problems].
func (p IndicatorStoreProps) check(scope constructs.Construct) error {
	var problems problems
	home := placeOf(scope)
	checkTableIn(&problems, "Table", p.Table, home)
	checkListsIn(&problems, "ListBucket", p.ListBucket, home)
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, home)
	checkAccessLogsIn(&problems, p.AccessLogBucket, home)
	checkOwnNames(&problems, scope, p.bucketNames()...)
	return errors.Join(p.validate(), problems.join())
}

// IndicatorStore holds the uploaded lists and the published indicators: the list bucket,
// the index bucket and the table. All three are stateful, so they are retained.
type IndicatorStore struct {
	constructs.Construct
	steps steps

	table       awsdynamodb.ITable
	listBucket  awss3.IBucket
	indexBucket awss3.IBucket
	key         awskms.IKey
	keys        storeKeys
	previous    []awskms.IKey
}

// ToString returns the path of the construct.
func (s *IndicatorStore) ToString() *string { return s.Node().Path() }

// storeKeys are the customer managed keys of the parts: an existing part may have its own
// key.
type storeKeys struct{ table, lists, index awskms.IKey }

// partKeys returns the keys of the parts. The key of an existing part is known only if the
// construct that refers to the part knows it.
func (p IndicatorStoreProps) partKeys() storeKeys {
	keys := storeKeys{
		table: firstKey(ownKey(p.Table), p.EncryptionKey),
		lists: firstKey(ownKey(p.ListBucket), p.EncryptionKey),
		index: p.EncryptionKey,
	}
	if p.IndexBucket != nil {
		keys.index = keyOfExisting(p.IndexBucket, p.EncryptionKey)
	}
	return keys
}

// NewIndicatorStore defines an [IndicatorStore]. Nil props mean the defaults. It panics if
// the props are not valid.
func NewIndicatorStore(scope constructs.Construct, id string, props *IndicatorStoreProps) *IndicatorStore {
	defer explain(scope, id)
	p := orEmpty(props)
	problems := p.check(scope)
	p = p.withDefaults()
	this := &IndicatorStore{
		table: p.Table, listBucket: p.ListBucket, indexBucket: p.IndexBucket, key: p.EncryptionKey, keys: p.partKeys(), previous: p.PreviousKeys}
	begin(this, scope, id, problems)
	claimBuckets(this, p.bucketNames()...)
	this.steps.letDeploymentUse(this, p.EncryptionKey)
	if this.listBucket == nil || this.indexBucket == nil {
		this.steps.remindOfAccessLogs(this, p.AccessLogBucket)
	}
	if this.table == nil {
		this.table = newTable(this, p)
	} else if !isIndicatorTable(this.table) {
		this.remindOfTable()
	}
	bucket := bucketProps{
		versioned: true, key: p.EncryptionKey, accessLogs: p.AccessLogBucket, removal: p.RemovalPolicy,
		lifecycle: []*awss3.LifecycleRule{noncurrentRule(p.NoncurrentVersionExpiration)},
	}
	if this.listBucket == nil {
		bucket.name = p.ListBucketName
		this.listBucket = sendEvents(newBucket(this, "Lists", bucket))
	} else {
		this.remindOfListBucket()
	}
	if this.indexBucket == nil {
		bucket.name = p.IndexBucketName
		this.indexBucket = newBucket(this, "Index", bucket)
	}
	return this
}

func newTable(scope constructs.Construct, p IndicatorStoreProps) awsdynamodb.Table {
	props := &awsdynamodb.TableProps{
		PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String(settings.TablePartitionKey), Type: awsdynamodb.AttributeType_STRING},
		SortKey:             &awsdynamodb.Attribute{Name: jsii.String(settings.TableSortKey), Type: awsdynamodb.AttributeType_STRING},
		TimeToLiveAttribute: jsii.String(settings.TableTTL),
		BillingMode:         p.BillingMode,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true)},
		// The protection would stop CloudFormation from removing the table after a failed
		// first deployment, which RETAIN_ON_UPDATE_OR_DELETE asks for.
		DeletionProtection: jsii.Bool(p.RemovalPolicy == awscdk.RemovalPolicy_RETAIN),
		RemovalPolicy:      p.RemovalPolicy,
	}
	if p.TableName != "" {
		props.TableName = &p.TableName
	}
	if p.BillingMode == awsdynamodb.BillingMode_PROVISIONED {
		props.ReadCapacity, props.WriteCapacity = jsii.Number(p.ReadCapacity), jsii.Number(p.WriteCapacity)
	}
	props.Encryption = awsdynamodb.TableEncryption_AWS_MANAGED
	if p.EncryptionKey != nil {
		props.Encryption, props.EncryptionKey = awsdynamodb.TableEncryption_CUSTOMER_MANAGED, p.EncryptionKey
	}
	table := awsdynamodb.NewTable(scope, jsii.String("Table"), props)
	if p.BillingMode == awsdynamodb.BillingMode_PROVISIONED {
		accept(table, finding{rule: "AwsSolutions-DDB1", reason: "the capacity was asked for as a fixed one"})
	}
	return table
}

// sendEvents makes a bucket send its events to EventBridge. The property is set on the
// resource itself, because EventBridgeEnabled of the construct would add another function.
func sendEvents(bucket awss3.Bucket) awss3.Bucket {
	resource := bucket.Node().DefaultChild().(awss3.CfnBucket)
	resource.SetNotificationConfiguration(&awss3.CfnBucket_NotificationConfigurationProperty{
		EventBridgeConfiguration: &awss3.CfnBucket_EventBridgeConfigurationProperty{EventBridgeEnabled: jsii.Bool(true)},
	})
	return bucket
}

// remindOfTable adds a step that says what an existing table needs.
func (s *IndicatorStore) remindOfTable() {
	text := fmt.Sprintf("aws dynamodb update-time-to-live --table-name %s --time-to-live-specification Enabled=true,AttributeName=%s",
		*s.table.TableName(), settings.TableTTL)
	if own, isOwn := s.table.(awsdynamodb.Table); isOwn { // a command would be undone by the next deployment
		text = fmt.Sprintf("set TimeToLiveAttribute of %s to %q", *own.Node().Path(), settings.TableTTL)
	}
	s.steps.remind(s, Step{
		ID: "TableTimeToLive",
		Why: fmt.Sprintf("An existing table must have the partition key %q and the sort key %q, both strings. Expired rows "+
			"stay in it until its TTL removes them.", settings.TablePartitionKey, settings.TableSortKey),
		Text: text,
	})
}

// remindOfListBucket adds steps that say what an existing list bucket needs. For a bucket
// that the app defines, a step names the prop: a later deployment could undo a command.
func (s *IndicatorStore) remindOfListBucket() {
	own := cfnBucket(s.listBucket) != nil
	name, path := *s.listBucket.BucketName(), *s.listBucket.Node().Path()
	if !isVersioned(s.listBucket) {
		text := fmt.Sprintf("aws s3api put-bucket-versioning --bucket %s --versioning-configuration Status=Enabled", name)
		if own {
			text = "set Versioned of " + path
		}
		s.steps.remind(s, Step{
			ID: "ListBucketVersioning",
			Why: "An existing list bucket should keep versions: reports and accepted lists refer to versions, and without them a list that " +
				"was replaced by another upload is lost.",
			Text: text,
		})
	}
	if !sendsEvents(s.listBucket) {
		s.steps.remind(s, eventsStep("ListBucketEvents", s.listBucket,
			"Uploads to an existing list bucket reach the importer only if the bucket sends its events to EventBridge."))
	}
}

// Table returns the table of indicators.
func (s *IndicatorStore) Table() awsdynamodb.ITable { return s.table }

// ListBucket returns the bucket that lists are uploaded to.
func (s *IndicatorStore) ListBucket() awss3.IBucket { return s.listBucket }

// IndexBucket returns the bucket of the published index.
func (s *IndicatorStore) IndexBucket() awss3.IBucket { return s.indexBucket }

// EncryptionKey returns the customer managed key, or nil.
func (s *IndicatorStore) EncryptionKey() awskms.IKey { return s.key }

// GrantReadList lets grantee read the table, and decrypt it with its customer managed key.
func (s *IndicatorStore) GrantReadList(grantee awsiam.IGrantable) awsiam.Grant {
	read := statement{resources: []string{*s.table.TableArn()}, actions: []string{
		"dynamodb:BatchGetItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"}}
	return s.steps.grant(s, "GrantReadList", grantee, append(
		[]access{{read, tablePolicy(s.table)}}, s.useKeys("dynamodb", keyTableRead, s.keys.table)...))
}

// GrantUploadBlock lets grantee upload block lists, list them, and read the reports about
// all lists, including use of the customer managed key of the list bucket. The grantee cannot
// tag a list, so it cannot override the guards.
func (s *IndicatorStore) GrantUploadBlock(grantee awsiam.IGrantable) awsiam.Grant {
	return s.grantUpload("GrantUploadBlock", grantee, settings.BlockPrefix)
}

// GrantUploadAllow is like [IndicatorStore.GrantUploadBlock], for allow lists. Grant it to
// fewer people: an allow list overrides the block lists of every feed.
func (s *IndicatorStore) GrantUploadAllow(grantee awsiam.IGrantable) awsiam.Grant {
	return s.grantUpload("GrantUploadAllow", grantee, settings.AllowPrefix)
}

// GrantUpload is the former name of [IndicatorStore.GrantUploadBlock]. It used to include
// allow lists and tags, which [IndicatorStore.GrantUploadAllow] and a statement of your own
// give.
func (s *IndicatorStore) GrantUpload(grantee awsiam.IGrantable) awsiam.Grant {
	return s.grantUpload("GrantUpload", grantee, settings.BlockPrefix)
}

// grantUpload lets grantee upload lists to one folder. It leaves out s3:PutObjectTagging,
// because a tag overrides the guards.
func (s *IndicatorStore) grantUpload(method string, grantee awsiam.IGrantable, folder string) awsiam.Grant {
	policy := bucketPolicy(s.listBucket)
	return s.steps.grant(s, method, grantee, append([]access{
		{statement{resources: inFolders(s.listBucket, []string{folder}),
			actions: []string{"s3:AbortMultipartUpload", "s3:PutObject"}}, policy},
		{statement{resources: inFolders(s.listBucket, []string{settings.ReportPrefix}), actions: []string{"s3:GetObject"}}, policy},
		{statement{resources: []string{*s.listBucket.BucketArn()}, actions: []string{"s3:GetBucketLocation"}}, policy},
		{listFolders(s.listBucket, []string{folder, settings.ReportPrefix}), policy},
	}, s.useKeys("s3", keyWrite, s.keys.lists)...))
}

// useKeys lets a grantee use the key of a part, and read with the earlier keys.
func (s *IndicatorStore) useKeys(service string, actions []string, key awskms.IKey) []access {
	return append(useKeys(service, actions, key), useKeys(service, keyRead, s.previous...)...)
}

// MetricWriteThrottles returns the number of throttled writes to the table.
func (s *IndicatorStore) MetricWriteThrottles(props *MetricOptions) Metric {
	return s.table.Metric(jsii.String("WriteThrottleEvents"), props)
}

// Steps returns what is left to do by hand, before or after a deployment.
func (s *IndicatorStore) Steps() []Step { return slices.Clone(s.steps) }

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
	checkBucketName(&problems, "ListBucketName", a.ListBucketName)
	checkBucketName(&problems, "IndexBucketName", a.IndexBucketName)
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": a.EncryptionKey})
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
