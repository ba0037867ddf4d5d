package revision_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/revision"
)

func TestUnchanged(t *testing.T) {
	t.Parallel()
	for rev, want := range map[int64]revision.Condition{
		0: {Expression: new("attribute_not_exists(#key)"), Names: map[string]string{"#key": "name"}},
		7: {Expression: new("#revision = :revision"), Names: map[string]string{"#revision": "revision"},
			Values: map[string]types.AttributeValue{":revision": &types.AttributeValueMemberN{Value: "7"}}},
	} {
		if diff := cmp.Diff(want, revision.Unchanged("name", rev), cmpopts.IgnoreUnexported(types.AttributeValueMemberN{})); diff != "" {
			t.Errorf("revision %d (-want +got):\n%s", rev, diff)
		}
	}
}

func TestIsConflict(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("unavailable"), false},
		{&types.ConditionalCheckFailedException{}, true},
		{fmt.Errorf("operation error: %w", &types.ConditionalCheckFailedException{}), true},
	} {
		if got := revision.IsConflict(tc.err); got != tc.want {
			t.Errorf("%v: got %v", tc.err, got)
		}
	}
}
