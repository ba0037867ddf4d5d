package resolverlog_test

import (
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

func ExampleScanner() {
	record := []byte(`{"query_name":"www.a.test.","answers":[{"Rdata":"192.0.2.1","Type":"A","Class":"IN"}]}` +
		`{"message":"{\"query_name\":\"b.test.\",\"srcids\":{\"instance\":\"i-0a1b2c3d\"}}"}`)
	var scanner resolverlog.Scanner
	for scanner.Reset(record); scanner.Next(); {
		object := scanner.Object()
		fmt.Printf("%s %d %q\n", object.QueryName.Raw(), len(object.Answers), object.Instance.Raw())
	}
	fmt.Println(scanner.Err())
	// Output:
	// www.a.test. 1 ""
	// b.test. 0 "i-0a1b2c3d"
	// <nil>
}
