package emf_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
)

func ExampleLine() {
	fmt.Printf("%s", emf.Line(time.UnixMilli(1_790_000_000_123), "Resolverwatch",
		[]emf.Dimension{{Name: "Stack", Value: "prod"}},
		[]emf.Metric{{Name: "Records", Unit: emf.Count, Value: 3}, {Name: "IndexAge", Unit: emf.Seconds, Value: 1.5}}))
	// Output:
	// {"IndexAge":1.5,"Records":3,"Stack":"prod","_aws":{"CloudWatchMetrics":[{"Namespace":"Resolverwatch","Dimensions":[["Stack"]],"Metrics":[{"Name":"Records","Unit":"Count"},{"Name":"IndexAge","Unit":"Seconds"}]}],"Timestamp":1790000000123}}
}

func TestLine_edges(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1)
	for _, tt := range []struct {
		name       string
		dimensions []emf.Dimension
		metrics    []emf.Metric
		want       string
	}{
		{"no metrics", nil, nil, `{"_aws":{"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[[]],"Metrics":[]}],"Timestamp":1}}` + "\n"},
		{
			"repeated name", nil, []emf.Metric{{"A", emf.Count, 1}, {"A", emf.Count, 2}},
			`{"A":2,"_aws":{"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[[]],"Metrics":[{"Name":"A","Unit":"Count"}]}],"Timestamp":1}}` + "\n",
		},
		{"not a number", nil, []emf.Metric{{"A", emf.Count, math.NaN()}}, ""},
	} {
		if got := string(emf.Line(now, "N", tt.dimensions, tt.metrics)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
