package list_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Read drops an entry that is too broad, and sorts and merges the other entries.
func ExampleRead() {
	const text = "worse.example\nevil.example\nco.uk\nEVIL.example.\n"
	guards := list.Guards{Guards: settings.DefaultGuards()}
	entries, report, err := list.Read(strings.NewReader(text), list.Options{}, guards, list.Hooks{
		OnDrop: func(d list.Drop) { fmt.Printf("line %d: %s: %s\n", d.Line, d.Entry, d.Reason.Explain()) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Format, report.Repeats, "repeat")
	for entry := range entries.All() {
		fmt.Println(entry.Value(), entry.Scope)
	}
	// Output:
	// line 3: co.uk: a public suffix: the names under it belong to unrelated owners
	// plain 1 repeat
	// evil.example subtree
	// worse.example subtree
}

// A text that is not a list is refused, and the refusal says what its owner can do.
func ExampleRead_refused() {
	_, _, err := list.Read(strings.NewReader("<html><body>503</body></html>"),
		list.Options{}, list.Guards{Guards: settings.DefaultGuards()}, list.Hooks{})
	var refusals list.Refusals
	if errors.As(err, &refusals) {
		fmt.Println(refusals[0].Code)
		fmt.Println(refusals[0].What)
		fmt.Println(refusals[0].Todo)
	}
	// Output:
	// unreadable
	// a web page or XML document instead of a list, it begins with <
	// open the list's address and check its path, key and quota
}
