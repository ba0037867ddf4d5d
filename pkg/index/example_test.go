package index_test

import (
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func Example() {
	name, err := domainname.Parse("evil.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	b := index.NewBuilder()
	b.Feed("phishing", false)
	err = b.Add("phishing", &indicator.Indicator{
		Name: name, Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock,
		Severity: indicator.SeverityHigh, Confidence: 90,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := b.Build(index.Options{Generation: 1})
	if err != nil {
		fmt.Println(err)
		return
	}

	x, err := index.Open(file) // what a reader does with the bytes of the file
	if err != nil {
		fmt.Println(err)
		return
	}
	var q domainname.Query
	var m index.Match
	for _, observed := range []string{"login.evil.example.", "notevil.example"} {
		if err := q.Set([]byte(observed)); err != nil {
			fmt.Println(err)
			return
		}
		x.Match(&q, &m)
		fmt.Println(observed, m.Outcome, string(m.Indicator), m.Feeds)
	}
	// Output:
	// login.evil.example. malicious evil.example [phishing]
	// notevil.example none  []
}
