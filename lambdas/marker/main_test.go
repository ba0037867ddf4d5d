package main

import (
	"context"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func TestNewHandler(t *testing.T) {
	section := settings.Default[settings.MarkerFunction]()
	section.IndexBucket, section.OutputBucket, section.LogBucket = "index", "output", "logs"
	for name, tt := range map[string]struct {
		environment map[string]string
		want        string // in the error
	}{
		"complete":    {environment: map[string]string{settings.EnvSettings: section.Encode()}},
		"no settings": {want: settings.EnvSettings},
		"no buckets":  {environment: map[string]string{settings.EnvSettings: "{}"}, want: "indexBucket"},
		"a prefix that Firehose refuses": {
			environment: map[string]string{settings.EnvSettings: strings.Replace(section.Encode(), "{", `{"delivery":{"prefix":"!{date:x}/"},`, 1)},
			want:        "!{date:x}/",
		},
	} {
		_, err := newHandler(context.Background(), func(name string) (string, bool) {
			value, found := tt.environment[name]
			return value, found
		})
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}
