package resolverwatch

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
)

// place is the account and the Region of a stack or a resource. A field that is not known
// at synthesis is empty.
type place struct{ account, region string }

// placeOf returns the place of the stack that c is in.
func placeOf(c constructs.Construct) place {
	stack := awscdk.Stack_Of(c)
	return newPlace(*stack.Account(), *stack.Region())
}

// placeOfResource returns the place of a resource. It reads the ARN first, because the CDK
// assumes that a table or a stream imported by its ARN belongs to the stack that refers to
// it. The ARN of a bucket has neither account nor Region.
func placeOfResource(resource awscdk.IResource, arn string) place {
	env := resource.Env()
	return placeOfARN(arn, newPlace(*env.Account, *env.Region))
}

// placeOfARN returns the place that an ARN names. Fields missing from the ARN are taken
// from there.
func placeOfARN(arn string, there place) place {
	if parts := strings.Split(arn, ":"); parts[0] == "arn" && len(parts) >= 6 {
		if parts[3] != "" {
			there.region = known(parts[3])
		}
		if parts[4] != "" {
			there.account = known(parts[4])
		}
	}
	return there
}

func newPlace(account, region string) place { return place{known(account), known(region)} }

// known returns text, or "" if it is a token.
func known(text string) string {
	if isToken(text) {
		return ""
	}
	return text
}

// checkSameRegion rejects a resource that is known to be in another Region than home.
func checkSameRegion(p *problems, prop string, there, home place, why string) {
	if there.region != "" && home.region != "" && there.region != home.region {
		p.addf("%s: is in Region %s, must be in %s: %s", prop, there.region, home.region, why)
	}
}

// checkSameAccount rejects a resource that is known to belong to another account than home.
func checkSameAccount(p *problems, prop string, there, home place, why string) {
	if there.account != "" && home.account != "" && there.account != home.account {
		p.addf("%s: belongs to account %s, must belong to %s: %s", prop, there.account, home.account, why)
	}
}

// checkKeyIn rejects a key in another Region than home, the Region of the data that it encrypts.
func checkKeyIn(p *problems, prop string, key awskms.IKey, home place) {
	if key == nil {
		return
	}
	checkSameRegion(p, prop, placeOfResource(key, *key.KeyArn()), home, "a key can be used only in its own Region. "+
		"Use a key in that Region; a multi-Region key may have a replica there, with its own ARN")
}

// keyOfExisting returns the key of an existing bucket, or fallback if that key is not
// known. It does not return fallback for a bucket in another Region, where fallback cannot
// be used.
func keyOfExisting(bucket awss3.IBucket, fallback awskms.IKey) awskms.IKey {
	var problems problems
	own := bucket.EncryptionKey()
	if own != nil {
		return own
	}
	checkKeyOf(&problems, "", fallback, bucket)
	if problems.errs != nil {
		return nil
	}
	return fallback
}

// checkKeyOf rejects a key in another Region than its bucket.
func checkKeyOf(p *problems, prop string, key awskms.IKey, bucket awss3.IBucket) {
	if key != nil && bucket != nil {
		checkKeyIn(p, prop, key, placeOfResource(bucket, *bucket.BucketArn()))
	}
}

// checkIndexFrom rejects an index bucket that a stack of another Region or account in this app
// defines without a physical name. The CDK would reject it at the end of the synthesis,
// where it names neither the construct nor the prop.
func checkIndexFrom(p *problems, scope constructs.Construct, given TransformerProps) {
	if given.IndexBucket == nil {
		return
	}
	if !canName(scope, given.IndexBucket, *given.IndexBucket.BucketName()) {
		p.addf("IndexBucket: %s is defined in another Region or account of this app and has no physical name, so this stack cannot "+
			"refer to it; set IndexBucketName of its IndicatorStore, or BucketName", *given.IndexBucket.Node().Path())
	}
}

// canName reports whether the stack of scope can refer to a resource by text, which
// contains its name.
func canName(scope constructs.Construct, resource awscdk.IResource, text string) (ok bool) {
	stack := awscdk.Stack_Of(scope)
	if !isToken(text) || *resource.Stack().Environment() == *stack.Environment() {
		return true
	}
	defer func() { ok = recover() == nil }()
	stack.Resolve(text)
	return true
}

// checkAccessLogsIn rejects a bucket to which S3 cannot write access logs of buckets in home (S3
// user guide, "Logging requests with server access logging").
func checkAccessLogsIn(p *problems, bucket awss3.IBucket, home place) {
	const prop, why = "AccessLogBucket", "S3 writes access logs only to a bucket of the same account and Region"
	if bucket == nil {
		return
	}
	there := placeOfResource(bucket, *bucket.BucketArn())
	checkSameAccount(p, prop, there, home, why)
	checkSameRegion(p, prop, there, home, why)
}

// checkTableIn rejects a table in another account or Region, because the functions find it by
// its name.
func checkTableIn(p *problems, prop string, table awsdynamodb.ITable, home place) {
	if table != nil {
		checkTableAt(p, prop, placeOfResource(table, *table.TableArn()), home)
	}
}

func checkTableAt(p *problems, prop string, there, home place) {
	const why = "the functions find the table by its name, in their own account and Region"
	checkSameAccount(p, prop, there, home, why)
	checkSameRegion(p, prop, there, home, why)
}

// checkListsIn rejects a list bucket in another Region. It may belong to another account, if
// that account forwards the bucket's events to this one.
func checkListsIn(p *problems, prop string, bucket awss3.IBucket, home place) {
	if bucket == nil {
		return
	}
	checkSameRegion(p, prop, placeOfResource(bucket, *bucket.BucketArn()), home,
		"S3 sends the events of a bucket to EventBridge in the Region of the bucket. Upload the lists to a bucket there")
}

// checkStoreIn rejects a store that an importer in home cannot publish. A store in another Region
// is one problem, not one for each of its parts.
func checkStoreIn(p *problems, store *IndicatorStore, home place) {
	lists := placeOfResource(store.ListBucket(), *store.ListBucket().BucketArn())
	table := placeOfResource(store.Table(), *store.Table().TableArn())
	if region := lists.region; region != "" && region == table.region && home.region != "" && region != home.region {
		p.addf("Store: is in Region %s, must be in %s, because the events of the list bucket arrive in its own Region; "+
			"define the Importer in the store's Region, %[1]s", region, home.region)
		table.region = ""
	} else {
		checkListsIn(p, "Store", store.ListBucket(), home)
	}
	checkTableAt(p, "Store", table, home)
}

// checkResultsIn rejects a bucket to which Athena cannot write results.
func checkResultsIn(p *problems, prop string, bucket awss3.IBucket, home place) {
	if bucket == nil {
		return
	}
	checkSameRegion(p, prop, placeOfResource(bucket, *bucket.BucketArn()), home, "Athena writes results only to a bucket of its own Region")
}

// checkStreamIn rejects a stream to which Resolver cannot write from home.
func checkStreamIn(p *problems, prop string, stream awskinesisfirehose.IDeliveryStream, home place) {
	const why = "Resolver writes query logs only to a stream of the same account and Region"
	if stream == nil {
		return
	}
	there := placeOfResource(stream, *stream.DeliveryStreamArn())
	checkSameAccount(p, prop, there, home, why+". Instead of the stream, share that account's query logging configuration by ShareWith")
	checkSameRegion(p, prop, there, home, why+". Define a pipeline in every Region; they can share an index bucket")
}

// checkVPCIn rejects a VPC that a query logging configuration in home cannot be associated with.
func checkVPCIn(p *problems, prop string, vpc awsec2.IVpc, home place) {
	if vpc == nil {
		return
	}
	there := placeOfResource(vpc, "") // its ARN is built from the place that the CDK assumes
	checkSameAccount(p, prop, there, home, "only the owner of a VPC can associate it. "+
		"Add that account to ShareWith, and define a QueryLoggingAssociation in one of its stacks")
	checkSameRegion(p, prop, there, home, "a query logging configuration serves only VPCs of its own Region. Define a pipeline in every Region")
}
