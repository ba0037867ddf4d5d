package firehose

import (
	"encoding/json"
	"fmt"
	"time"
)

// Conversion makes Parquet of JSON records when they are delivered, with the OpenX JSON
// SerDe in its default settings.
type Conversion struct {
	// Schema has the columns of Table, but for its partitions. Required. It is from the
	// package conversion, which is given rather than imported: what writes Parquet would
	// double the size of every program that links this package.
	Schema Schema
	// Table is named by records that cannot be converted.
	Table SchemaTable
	// Compression of the pages in the file: SNAPPY, GZIP or UNCOMPRESSED; "" is SNAPPY.
	Compression string
}

// Schema converts records to Parquet by the columns of a table.
type Schema interface {
	// Convert returns a file of the records that can be converted, nil if none can, and
	// for each record why it cannot be, or nil. Compression is one of SNAPPY, GZIP and
	// UNCOMPRESSED.
	Convert(records [][]byte, compression string) (file []byte, failures []*ConversionFailure, err error)
}

// ConversionFailure is why a record cannot be converted, as it stands beside the record.
type ConversionFailure struct{ Code, Message string }

// Error returns the code and the message.
func (f *ConversionFailure) Error() string { return f.Code + ": " + f.Message }

// SchemaTable is the table of the Glue Data Catalog that the columns are from.
type SchemaTable struct {
	CatalogID    string `json:"catalogId"`
	DatabaseName string `json:"databaseName"`
	TableName    string `json:"tableName"`
	Region       string `json:"region"`
	VersionID    string `json:"versionId"` // "" is LATEST
}

// Rules of AWS for streams that convert.
const (
	defaultConversionMBs = 128
	minConversionMBs     = 64
	latestVersion        = "LATEST"
)

// conversionError is a line of a `format-conversion-failed` object. AWS writes null where
// a direct put has nothing to say.
type conversionError struct {
	AttemptsMade           int          `json:"attemptsMade"`
	ArrivalTimestamp       int64        `json:"arrivalTimestamp"` // ms since 1970
	LastErrorCode          string       `json:"lastErrorCode"`
	LastErrorMessage       string       `json:"lastErrorMessage"`
	AttemptEndingTimestamp int64        `json:"attemptEndingTimestamp"` // ms since 1970
	RawData                []byte       `json:"rawData"`                // what was to be converted, base64
	SequenceNumber         string       `json:"sequenceNumber"`
	SubSequenceNumber      *int64       `json:"subSequenceNumber"`
	DataCatalogTable       catalogTable `json:"dataCatalogTable"`
}

type catalogTable struct {
	SchemaTable
	CatalogARN *string `json:"catalogArn"`
}

// convert delivers items as a Parquet object, and those that cannot be converted, as they
// are, under the error prefix. What is converted is what the function answered.
func (s *Stream) convert(items []output) {
	records := make([][]byte, len(items))
	for i, item := range items {
		records[i] = item.data
	}
	file, failures, err := s.config.Conversion.Schema.Convert(records, s.config.Conversion.Compression)
	if err != nil {
		panic(fmt.Errorf("rows of the schema do not fit into its file: %w", err))
	}
	oldest := oldestOf(items)
	var good, failed []output
	for i, item := range items {
		if failures[i] != nil {
			failed = append(failed, s.unconverted(item, failures[i]))
		} else {
			good = append(good, item)
		}
	}
	if len(failed) > 0 {
		s.store(object{target: s.unconvertible, oldest: oldest, body: join(failed), items: failed})
	}
	if len(good) > 0 {
		s.store(object{target: s.data, oldest: oldest, body: file, items: good})
	}
}

// unconverted returns the line about a record that cannot be converted.
func (s *Stream) unconverted(item output, why *ConversionFailure) output {
	line, err := json.Marshal(conversionError{
		AttemptsMade: 1, ArrivalTimestamp: item.arrival.UnixMilli(), LastErrorCode: why.Code, LastErrorMessage: why.Message,
		AttemptEndingTimestamp: time.Now().UnixMilli(), RawData: append([]byte{}, item.data...), SequenceNumber: item.id,
		DataCatalogTable: catalogTable{SchemaTable: s.config.Conversion.Table},
	})
	if err != nil {
		panic(err) // a struct of texts and numbers always encodes
	}
	return output{id: item.id, data: append(line, '\n'), arrival: item.arrival, code: why.Code}
}

// description is the conversion in the shape of DescribeDeliveryStream.
func (c *Conversion) description() map[string]any {
	return map[string]any{
		"Enabled":                   true,
		"InputFormatConfiguration":  map[string]any{"Deserializer": map[string]any{"OpenXJsonSerDe": map[string]any{}}},
		"OutputFormatConfiguration": map[string]any{"Serializer": map[string]any{"ParquetSerDe": map[string]any{"Compression": c.Compression}}},
		"SchemaConfiguration": map[string]any{"CatalogId": c.Table.CatalogID, "DatabaseName": c.Table.DatabaseName,
			"TableName": c.Table.TableName, "Region": c.Table.Region, "VersionId": c.Table.VersionID},
	}
}
