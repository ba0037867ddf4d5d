package feed_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func ExampleParse() {
	const list = `[Adblock Plus 2.0]
||evil.example^
||203.0.113.7^$all
@@||status.evil.example^
||shop.example/malware.exe^
||under..score.example^
`
	report, err := feed.Parse(strings.NewReader(list), feed.Options{
		OnReject: func(e feed.LineError) { fmt.Println("rejected", e) },
		OnSkip:   func(s feed.SkippedLine) { fmt.Println("skipped", s.Text, "-", s.Why) },
	}, func(i *indicator.Indicator) error {
		fmt.Println(i.Action, i.Scope, i.Value())
		return nil
	})
	fmt.Println(report.Format, report.Entries, "=", report.Accepted, "+", report.Rejected, "+", report.Skipped, err)
	// Output:
	// block subtree evil.example
	// block cidr 203.0.113.7
	// allow subtree status.evil.example
	// skipped ||shop.example/malware.exe^ - rule for some URLs of a host
	// rejected line 6: "under..score.example": empty label
	// adblock 5 = 3 + 1 + 1 <nil>
}

// A web page instead of a list is refused, so the caller can keep the previous list.
func ExampleParse_refused() {
	_, err := feed.Parse(strings.NewReader("<title>429 Too Many Requests</title>"), feed.Options{},
		func(*indicator.Indicator) error { return nil })
	fmt.Println(err)
	fmt.Println(errors.Is(err, feed.ErrPage))
	// Output:
	// line 1: a web page or XML document instead of a list (it says "429 Too Many Requests"); open the list's address and check its path, key and quota
	// true
}

func ExampleDetect() {
	format, err := feed.Detect([]byte("# a list\n0.0.0.0 evil.example\n"))
	fmt.Println(format, err)
	// Output: hosts <nil>
}
