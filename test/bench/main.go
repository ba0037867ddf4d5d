// Command bench measures what Resolverwatch promises about speed and size, each
// against a floor or a peer in the same run, and prints the ratios.
//
// Times on shared machines move by tens of per cent; ratios within one run hold.
// With RESOLVERWATCH_CORPUS set to a folder of real lists and logs, the measures
// use them; without it they use generated names and say so. With BENCH_JSON=FILE
// each measure is also written there as one JSON object a line.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

// suites in the order of the pipeline.
var suites = []struct {
	name string
	run  func(*report) error
}{
	{"feed", benchFeed},
	{"index", benchIndex},
	{"importer", benchImporter},
	{"transform", benchTransform},
	{"scan", benchScan},
}

func main() {
	only := flag.String("only", "", "comma-separated suites to run; all by default")
	list := flag.String("import", "", "import a `list` in this process alone and print the figures; the importer suite runs it")
	flag.Parse()
	work := func() error { return run(*only, os.Getenv("BENCH_JSON")) }
	if *list != "" {
		work = func() error { return importAlone(*list, os.Stdout) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(only, jsonPath string) error {
	r, err := newReport(os.Stdout, jsonPath)
	if err != nil {
		return err
	}
	for _, suite := range suites {
		if only != "" && !strings.Contains(","+only+",", ","+suite.name+",") {
			continue
		}
		r.section(suite.name)
		if err := suite.run(r); err != nil {
			return fmt.Errorf("%s: %w", suite.name, err)
		}
	}
	return r.close()
}
