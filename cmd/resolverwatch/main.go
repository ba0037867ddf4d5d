// Command resolverwatch marks Route 53 Resolver query logs against lists of
// malicious names, runs the whole pipeline on one machine, and looks after lists
// and indexes.
//
// Data goes to standard output; progress and messages go to standard error. Exit codes:
// 0 done, 1 an error, 2 wrong usage, 3 a match where the caller asked to fail on one.
package main

import "github.com/resolverwatch/resolverwatch/internal/cli"

func main() { cli.Main() }
