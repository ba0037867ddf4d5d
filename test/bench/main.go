// Command bench measures Resolverwatch's promises about speed and size. It compares each
// with a floor or a peer in the same run, and prints the ratios.
//
// Times on shared machines vary by tens of per cent, but ratios within one run are stable.
// If RESOLVERWATCH_CORPUS is set to a folder of real lists and logs, the measurements use
// them; otherwise they use generated names and say so. With BENCH_JSON=FILE each
// measurement is also written to that file, as one JSON object per line.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

// suites are in the order of the pipeline.
var suites = []struct {
	name string
	run  func(*report) error
}{
	{"feed", benchFeed},
	{"longtable", benchLongTable},
	{"index", benchIndex},
	{"tenmillion", benchTenMillion},
	{"importer", benchImporter},
	{"matcher", benchMatcher},
	{"transform", benchTransform},
	{"storm", benchStorm},
	{"marker", benchMarker},
	{"scan", benchScan},
	{"cold", benchCold},
}

// onlyIfNamed are the suites that take minutes. They run only if -only names them.
const onlyIfNamed = "tenmillion"

func main() {
	only := flag.String("only", "", "comma-separated suites to run; the default is all but "+onlyIfNamed)
	list := flag.String("import", "", "import a `list` in this process and print the figures; used by the importer suite")
	object := flag.String("mark", "", "mark an `object,index` in this process and print the figures; used by the marker suite")
	build := flag.String("build", "", "build an index `file,list,...` in this process and print the figures; used by the tenmillion suite")
	flag.Parse()
	work := func() error { return run(*only, os.Getenv("BENCH_JSON")) }
	switch {
	case *growthFolder != "":
		work = func() error { return measureGrowth(*growthFolder, &fullGrowth) }
	case *profileFolder != "":
		work = func() error { return writeProfiles(*profileFolder) }
	case *profileTask != "":
		work = func() error { return profileAlone(*profileTask) }
	}
	if *list != "" {
		work = func() error { return importAlone(*list, os.Stdout) }
	}
	if *object != "" {
		work = func() error { return markAlone(*object, os.Stdout) }
	}
	if *build != "" {
		work = func() error { return buildAlone(*build, os.Stdout) }
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
		if !isWanted(suite.name, only) {
			continue
		}
		r.section(suite.name)
		if err := suite.run(r); err != nil {
			return fmt.Errorf("%s: %w", suite.name, err)
		}
	}
	return r.close()
}

// isWanted reports whether a suite runs.
func isWanted(suite, only string) bool {
	if only == "" {
		return suite != onlyIfNamed
	}
	return strings.Contains(","+only+",", ","+suite+",")
}
