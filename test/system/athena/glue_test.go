package athena_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// database is the one database of [glue].
const database = "resolverwatch"

// glue is the part of the Glue Data Catalog that Trino uses. It returns a table exactly as
// it was put, as the TableInput of a template, so that the queries run on the table that is
// deployed.
type glue struct {
	mu     sync.Mutex
	tables map[string]tableInput
}

// tableInput is the TableInput of an AWS::Glue::Table.
type tableInput map[string]any

func (g *glue) put(input tableInput) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tables == nil {
		g.tables = map[string]tableInput{}
	}
	g.tables[input["Name"].(string)] = input
}

func (g *glue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	out := g.answer(operation, in.Name)
	if out == nil {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]any{"__type": "EntityNotFoundException", "Message": "no " + operation + " of " + in.Name}
	}
	_ = json.NewEncoder(w).Encode(out) // fails only if Trino is gone
}

// answer returns nil for anything that does not exist.
func (g *glue) answer(operation, name string) map[string]any {
	g.mu.Lock()
	defer g.mu.Unlock()
	table := g.tables[name]
	switch {
	case operation == "GetDatabase" && name == database:
		return map[string]any{"Database": map[string]any{"Name": database}}
	case operation == "GetDatabases":
		return map[string]any{"DatabaseList": []any{map[string]any{"Name": database}}}
	case operation == "GetTables":
		var list []any
		for _, name := range slices.Sorted(maps.Keys(g.tables)) {
			list = append(list, g.tables[name].stored())
		}
		return map[string]any{"TableList": list}
	case operation == "GetTable" && table != nil:
		return map[string]any{"Table": table.stored()}
	case strings.HasPrefix(operation, "GetColumnStatistics"):
		return map[string]any{"ColumnStatisticsList": []any{}, "Errors": []any{}}
	default:
		return nil
	}
}

// stored adds the members that Glue adds to a table.
func (t tableInput) stored() map[string]any {
	table, storage := maps.Clone(t), map[string]any{"NumberOfBuckets": 0, "Compressed": false}
	maps.Copy(storage, t.storage())
	table["DatabaseName"], table["StorageDescriptor"] = database, storage
	return table
}
