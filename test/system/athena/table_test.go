package athena_test

import "github.com/resolverwatch/resolverwatch/pkg/catalog"

// SerDes of JSON.
const (
	hiveSerde  = "org.apache.hive.hcatalog.data.JsonSerDe"
	openxSerde = "org.openx.data.jsonserde.JsonSerDe"
)

// jsonTable is a table of JSON lines without partitions.
func jsonTable(name, location, library string, columns []catalog.Column) tableInput {
	serdeParameters := map[string]any{}
	if library == openxSerde {
		serdeParameters["ignore.malformed.json"] = "TRUE"
	}
	return tableInput{
		"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": map[string]any{"EXTERNAL": "TRUE"},
		"StorageDescriptor": map[string]any{
			"Columns": glueColumns(columns), "Location": location,
			"InputFormat":  "org.apache.hadoop.mapred.TextInputFormat",
			"OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
			"SerdeInfo":    map[string]any{"SerializationLibrary": library, "Parameters": serdeParameters},
		},
	}
}

func glueColumns(columns []catalog.Column) (out []any) {
	for _, column := range columns {
		out = append(out, map[string]any{"Name": column.Name, "Type": column.Type, "Comment": column.Description})
	}
	return out
}
