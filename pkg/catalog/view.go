package catalog

import "strings"

// Names of the table of marked logs in JSON, of the table with the copies of closed days, and of
// the view of both.
const (
	LogTable       = "dns_logs"
	CompactedTable = "dns_logs_compacted"
	AllLogsView    = "dns_logs_all"
)

// CompactedPrefix is the folder of the output bucket with the copies of closed days.
const CompactedPrefix = "compacted/"

// Copied are the partitions that are read from the copies: from First to Last, both included,
// except for some. The zero value has none.
type Copied struct {
	First, Last string
	Except      []string
}

// ViewSQL returns the query of the view: each partition is read from one of the tables. A filter of
// partitions in a query of the view reaches both.
func ViewSQL(copied Copied) string {
	read := "SELECT " + columnList() + `, "` + Partition + `" FROM `
	if copied.First == "" {
		return read + LogTable
	}
	inLogs := Partition + " < " + quoted(copied.First) + " OR " + Partition + " > " + quoted(copied.Last)
	inCopies := Partition + " BETWEEN " + quoted(copied.First) + " AND " + quoted(copied.Last)
	if len(copied.Except) > 0 {
		var days []string
		for _, day := range copied.Except {
			days = append(days, quoted(day))
		}
		list := "(" + strings.Join(days, ", ") + ")"
		inLogs += " OR " + Partition + " IN " + list
		inCopies += " AND " + Partition + " NOT IN " + list
	}
	return read + LogTable + " WHERE " + inLogs + "\nUNION ALL\n" + read + CompactedTable + " WHERE " + inCopies
}

// columnList returns the columns of a table of marked logs.
func columnList() string {
	var columns []string
	for _, column := range Columns() {
		columns = append(columns, `"`+column.Name+`"`)
	}
	return strings.Join(columns, ", ")
}

// quoted returns a text as SQL.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// CopySQL returns the statement that copies a partition of the logs into an empty folder of a
// bucket. INSERT INTO would not do: it chooses the folder of a partition itself, and not the one
// that the table computes.
func CopySQL(partition, location string) string {
	return "UNLOAD (" + SelectSQL(partition) + ")\nTO " + quoted(location) + " WITH (format = 'PARQUET', compression = 'SNAPPY')"
}

// SelectSQL returns the query for the rows of a partition, without the partition itself.
func SelectSQL(partition string) string {
	return "SELECT " + columnList() + " FROM " + LogTable + " WHERE " + Partition + " = " + quoted(partition)
}

// PrestoType returns the type of a column in Athena's queries, for its type in Glue.
func PrestoType(glue string) string {
	switch inner, isArray := strings.CutPrefix(glue, "array<"); {
	case isArray:
		return "array(" + PrestoType(strings.TrimSuffix(inner, ">")) + ")"
	case strings.HasPrefix(glue, "struct<"):
		var members []string
		for _, member := range splitMembers(strings.TrimSuffix(strings.TrimPrefix(glue, "struct<"), ">")) {
			name, kind, _ := strings.Cut(member, ":")
			members = append(members, name+" "+PrestoType(kind))
		}
		return "row(" + strings.Join(members, ", ") + ")"
	case glue == typeString:
		return "varchar"
	case glue == typeInt:
		return "integer"
	}
	return glue
}

// splitMembers splits the members of a struct at the commas outside of other types.
func splitMembers(text string) (members []string) {
	depth, begin := 0, 0
	for i, c := range text {
		switch c {
		case '<':
			depth++
		case '>':
			depth--
		case ',':
			if depth == 0 {
				members = append(members, text[begin:i])
				begin = i + 1
			}
		}
	}
	return append(members, text[begin:])
}
