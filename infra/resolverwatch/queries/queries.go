// Package queries has the named queries of marked logs. Each file is one of them, in SQL except for
// the placeholders ${...}: the tables, and the format of partitions. Its first line is the question
// that it answers.
package queries

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.sql
var files embed.FS

// Query is a named query.
type Query struct{ Name, Text string }

// All returns all named queries, sorted by name.
func All() []Query {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(fmt.Errorf("reading the named queries: %w", err))
	}
	var all []Query
	for _, entry := range entries {
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			panic(fmt.Errorf("reading a named query: %w", err))
		}
		all = append(all, Query{strings.TrimSuffix(entry.Name(), ".sql"), string(text)})
	}
	return all
}
