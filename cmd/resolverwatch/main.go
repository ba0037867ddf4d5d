// Command resolverwatch marks Route 53 Resolver query logs using lists of malicious names, runs
// the whole pipeline on one machine, and manages the lists and indexes of a deployed stack.
//
// Data goes to standard output; progress and messages go to standard error. The exit codes are
// 0 for success, 1 for an error, 2 for wrong usage, 3 for a match with --fail-on-match, and 130
// or 143 after an interrupt or a termination.
package main

import "github.com/resolverwatch/resolverwatch/internal/cli"

// The linker sets these in a release, as in -ldflags="-X main.version=v1.2.3". Without them, the
// command uses what Go recorded when it built the binary.
var version, commit, date string

func main() { cli.Main(version, commit, date) }
