package verdict_test

import (
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

func ExampleMarker() {
	name, err := domainname.Parse("evil.example")
	if err != nil {
		panic(err)
	}
	builder := index.NewBuilder()
	builder.Feed("corp", false)
	if err := builder.Add("corp", &indicator.Indicator{
		Name: name, Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock,
		Severity: indicator.SeverityHigh, Confidence: 90, Category: "phishing",
	}); err != nil {
		panic(err)
	}
	data, err := builder.Build(index.Options{Generation: 7})
	if err != nil {
		panic(err)
	}
	x, err := index.Open(data)
	if err != nil {
		panic(err)
	}

	marker := verdict.NewMarker(x, verdict.Options{})
	for _, record := range []string{
		`{"query_name":"www.example.test.","srcaddr":"10.0.0.5"}`,
		`{"query_name":"login.evil.example.","srcaddr":"10.0.0.5"}`,
	} {
		lines, err := marker.Mark(nil, []byte(record))
		if err != nil {
			panic(err)
		}
		fmt.Print(string(lines))
	}
	counts := marker.Counts()
	fmt.Printf("%d malicious, %d clean\n", counts.Malicious, counts.Clean)

	// Output:
	// {"query_name":"www.example.test.","srcaddr":"10.0.0.5","verdict":"clean","index_generation":7}
	// {"query_name":"login.evil.example.","srcaddr":"10.0.0.5","verdict":"malicious","index_generation":7,"threat":{"indicator":"evil.example","scope":"subtree","matched":"login.evil.example","part":"query_name","feeds":["corp"],"category":"phishing","severity":"high","confidence":90}}
	// 1 malicious, 1 clean
}
