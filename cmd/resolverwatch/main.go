// Command resolverwatch marks Route 53 Resolver query logs using lists of malicious names, runs
// the whole pipeline on one machine, and manages the lists and indexes of a deployed stack.
//
// Data goes to standard output; progress and messages go to standard error. The exit codes are
// 0 for success, 1 for an error, 2 for wrong usage, and 3 for a match with --fail-on-match.
package main

import "github.com/resolverwatch/resolverwatch/internal/cli"

func main() { cli.Main() }
