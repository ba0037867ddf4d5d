package resolverwatch

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// ownerKey is the context key of a claim's construct under which its owner is recorded.
const ownerKey = "resolverwatch:owner"

// claim reserves a name that two constructs of one kind must not share in a stack. It
// records the name as an empty construct, which adds nothing to the template. The kind is
// "" where only one kind of construct has such a name.
func claim(c constructs.Construct, kind, prop, name string) {
	if isKnown(name) {
		claimAs(c, claimed(kind, prop, name), prop)
	}
}

// checkFree rejects a name that another construct of the same kind has claimed.
func checkFree(p *problems, c constructs.Construct, kind, prop, name string) {
	if !isKnown(name) {
		return
	}
	if owner := ownerOf(c, claimed(kind, prop, name)); owner != "" {
		p.addf("%s: %q is already the %s in this stack; choose a different name", prop, name, owner)
	}
}

func claimed(kind, prop, name string) *string {
	return jsii.String("Resolverwatch " + kind + prop + " " + name)
}

// claimAs records that c has claimed an id in its stack by a prop.
func claimAs(c constructs.Construct, id *string, prop string) {
	owner := constructs.NewConstruct(awscdk.Stack_Of(c), id)
	owner.Node().SetContext(jsii.String(ownerKey), prop+" of "+*c.Node().Path())
}

// ownerOf returns the prop and the path of the construct that has claimed an id in the
// stack of c, as "Prop of Path", or "" if none has.
func ownerOf(c constructs.Construct, id *string) string {
	child := awscdk.Stack_Of(c).Node().TryFindChild(id)
	if child == nil {
		return ""
	}
	owner, _ := child.Node().TryGetContext(jsii.String(ownerKey)).(string)
	return orDefault(owner, *child.Node().Path())
}

// use is something that only one construct of a stack may use.
type use struct {
	prop string // through which it is used
	id   *string
	why  string
}

// useOnce claims everything that only this construct may use.
func useOnce(c constructs.Construct, uses ...use) {
	claimedIDs := map[string]bool{}
	for _, u := range uses {
		if !claimedIDs[*u.id] {
			claimedIDs[*u.id] = true
			claimAs(c, u.id, u.prop)
		}
	}
}

// checkUnused rejects resources that another construct has claimed.
func checkUnused(p *problems, c constructs.Construct, uses ...use) {
	for _, u := range uses {
		if owner := ownerOf(c, u.id); owner != "" {
			p.addf("%s: is already used by %s: %s", u.prop, owner, u.why)
			return
		}
	}
}

// usedID identifies a resource by its name if the name is known, and otherwise by its
// construct.
func usedID(kind, name string, resource constructs.IConstruct) *string {
	if !isKnown(name) {
		name = *resource.Node().Addr()
	}
	return claimed("use of ", kind, name)
}

func useOfVPC(prop string, vpc awsec2.IVpc) use {
	return use{prop, usedID("VPC", *vpc.VpcId(), vpc), fmt.Sprintf(
		"the queries of %s would be logged and delivered twice; remove it from one of them", *vpc.Node().Path())}
}

// uses returns what only one importer may use: the list bucket and the table.
func (s *IndicatorStore) uses() []use {
	const why = "two importers would each remove what the other one publishes; define another IndicatorStore"
	return []use{
		{"Store", usedID("ListBucket", *s.listBucket.BucketName(), s.listBucket), why},
		{"Store", usedID("Table", *s.table.TableName(), s.table), why},
	}
}

// uses returns what only one delivery may use: the folder that it writes to.
func (p DeliveryProps) uses(bucket awss3.IBucket) []use {
	if bucket == nil {
		return nil
	}
	p = p.withDefaults()
	folder := *p.writtenPrefix()
	id := *usedID("OutputBucket", *bucket.BucketName(), bucket) + " " + writtenFolder(folder)
	return []use{{"OutputBucket", &id, fmt.Sprintf(
		"the logs of both would be mixed under %s; set another Prefix or ParquetPrefix", folder)}}
}
