package ssm_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/ssm"
)

// newClient returns a store and an SDK client for it.
func newClient(t *testing.T) (*ssm.Store, *sdk.Client) {
	t.Helper()
	store := &ssm.Store{}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	return store, sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func TestStore_GetParameter(t *testing.T) {
	t.Parallel()
	store, client := newClient(t)
	if err := store.Put("/stack/feeds/a", `{"format":"plain"}`); err != nil {
		t.Fatal(err)
	}
	if err := store.Put("/stack/feeds/a", `{"format":"hosts"}`); err != nil {
		t.Fatal(err)
	}
	out, err := client.GetParameter(t.Context(), &sdk.GetParameterInput{Name: aws.String("/stack/feeds/a")})
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.Parameter.Value; got != `{"format":"hosts"}` {
		t.Errorf("value = %q", got)
	}
	if out.Parameter.Version != 2 || out.Parameter.LastModifiedDate == nil {
		t.Errorf("version %d, modified %v; want 2 and a date", out.Parameter.Version, out.Parameter.LastModifiedDate)
	}
	_, err = client.GetParameter(t.Context(), &sdk.GetParameterInput{Name: aws.String("/stack/feeds/none")})
	if missing := (*types.ParameterNotFound)(nil); !errors.As(err, &missing) {
		t.Errorf("missing parameter: got %v, want ParameterNotFound", err)
	}
}

func TestStore_GetParametersByPath(t *testing.T) {
	t.Parallel()
	store, client := newClient(t)
	for _, name := range []string{"/s/feeds/a", "/s/feeds/b", "/s/feeds/c", "/s/feeds/c/deep", "/s/feedsx/d", "/s/other"} {
		if err := store.Put(name, "v"); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name      string
		path      string
		recursive bool
		want      []string
	}{
		{name: "one level", path: "/s/feeds", want: []string{"/s/feeds/a", "/s/feeds/b", "/s/feeds/c"}},
		{name: "final slash", path: "/s/feeds/", want: []string{"/s/feeds/a", "/s/feeds/b", "/s/feeds/c"}},
		{name: "recursive", path: "/s/feeds", recursive: true,
			want: []string{"/s/feeds/a", "/s/feeds/b", "/s/feeds/c", "/s/feeds/c/deep"}},
		{name: "empty path", path: "/none"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			pages := sdk.NewGetParametersByPathPaginator(client, &sdk.GetParametersByPathInput{
				Path: aws.String(test.path), Recursive: aws.Bool(test.recursive), MaxResults: aws.Int32(2)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, parameter := range page.Parameters {
					got = append(got, *parameter.Name)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStore_refusals(t *testing.T) {
	t.Parallel()
	store, client := newClient(t)
	if err := store.Put("/s/here", "v"); err != nil {
		t.Fatal(err)
	}
	put := func(name, value string) error {
		_, err := client.PutParameter(t.Context(), &sdk.PutParameterInput{
			Name: aws.String(name), Value: aws.String(value), Type: types.ParameterTypeString})
		return err
	}
	list := func(path string, most int32) error {
		_, err := client.GetParametersByPath(t.Context(), &sdk.GetParametersByPathInput{
			Path: aws.String(path), MaxResults: aws.Int32(most)})
		return err
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"existing parameter", put("/s/here", "v"), "ParameterAlreadyExists"},
		{"value over 4 KiB", put("/s/long", strings.Repeat("x", 4097)), "ValidationException"},
		{"no leading slash", put("s/x", "v"), "ValidationException"},
		{"empty level", put("/s//x", "v"), "ValidationException"},
		{"invalid character", put("/s/a b", "v"), "ValidationException"},
		{"reserved word", put("/aws/x", "v"), "ValidationException"},
		{"too deep", put(strings.Repeat("/x", 16), "v"), "HierarchyLevelLimitExceededException"},
		{"path without slash", list("s", 1), "ValidationException"},
		{"page of 11", list("/s", 11), "ValidationException"},
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
