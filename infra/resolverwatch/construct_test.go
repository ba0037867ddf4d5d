//go:build !race

package resolverwatch_test

import (
	"reflect"
	"testing"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// A construct that embeds the CDK's interface one struct deeper works, but makes synthesis
// ten times as slow.
func TestConstructs_embedTheInterfaceItself(t *testing.T) {
	for _, construct := range []any{
		resolverwatch.Backfill{},
		resolverwatch.Catalog{},
		resolverwatch.Delivery{},
		resolverwatch.Importer{},
		resolverwatch.IndicatorStore{},
		resolverwatch.Pipeline{},
		resolverwatch.QueryLogging{},
		resolverwatch.QueryLoggingAssociation{},
		resolverwatch.QueryLoggingProfile{},
		resolverwatch.QueryLoggingProfileAssociation{},
		resolverwatch.S3LogSource{},
		resolverwatch.Transformer{},
	} {
		field, found := reflect.TypeOf(construct).FieldByName("Construct")
		if !found || len(field.Index) != 1 {
			t.Errorf("%T must embed constructs.Construct directly", construct)
		}
	}
}
