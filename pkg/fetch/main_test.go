package fetch_test

import (
	"flag"
	"os"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/golden"
)

var update = flag.Bool("update", false, "rewrite testdata/reasons.txt")

// reasons has the reason of each fetch that does not return a list. Users read them in status
// and in reports.
var reasons = golden.New("testdata/reasons.txt", update)

func TestMain(m *testing.M) { os.Exit(reasons.Main(m)) }
