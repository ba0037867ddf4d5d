package settings

// Delivery configures the Firehose delivery stream and the bucket that it writes to.
type Delivery struct {
	// OutputBucketName is the name of the bucket for the marked logs.
	OutputBucketName string `json:"outputBucketName" unset:"chosen by CloudFormation"`
	// Prefix begins the keys of marked logs. It may contain Firehose's !{timestamp:...}
	// expressions, which become the partitions of the Athena table; without any, Firehose
	// appends year, month, day and hour. A missing final slash is added.
	Prefix string `json:"prefix" default:"dns-query-logs/!{timestamp:yyyy/MM/dd}/"`
	// Format of the objects: JSON, one record per line, or PARQUET, which has only the columns
	// of the table and is written under dns-query-logs-parquet/: see docs/parquet.md.
	Format Format `json:"format" default:"JSON" oneof:"JSON PARQUET"`
	// SourceBackup keeps the records as Resolver wrote them, under raw/, from where scan can
	// restore them: see docs/parquet.md. Firehose cannot turn it off again: set it to true when a
	// stream goes back to JSON.
	SourceBackup *bool `json:"sourceBackup" unset:"false; true with PARQUET"`
	// ErrorPrefix begins the keys of records that could not be marked or delivered. A missing
	// final slash is added.
	ErrorPrefix string `json:"errorPrefix" default:"delivery-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"`
	// Compression of the objects, named as in Firehose. Keys end in .json.gz, .json.zip and so on,
	// or in .parquet; Parquet files are compressed inside.
	Compression Compression `json:"compression" unset:"GZIP; UNCOMPRESSED with PARQUET" oneof:"GZIP ZIP Snappy HADOOP_SNAPPY UNCOMPRESSED"`
	// BufferInterval is the time after which an object is written, whatever its size; 0s means
	// at once.
	BufferInterval *Duration `json:"bufferInterval" default:"60s" min:"0s" max:"15m" was:"bufferIntervalSeconds"`
	// BufferSizeMiB is the size at which an object is written before the interval ends. PARQUET
	// needs at least 64.
	BufferSizeMiB int `json:"bufferSizeMiB" unset:"5; 128 with PARQUET" min:"1" max:"128"`
	// MarkedLogRetentionDays is the number of days after which marked logs are deleted.
	MarkedLogRetentionDays int `json:"markedLogRetentionDays" unset:"kept forever" min:"1" max:"36500"`
}

// Format is the file format of the marked logs.
type Format string

// The zero Format is FormatJSON.
const (
	FormatJSON    Format = "JSON"
	FormatParquet Format = "PARQUET"
)

// Compression is the compression of objects, named as in Firehose.
type Compression string

// The default Compression is GZIP with JSON, and UNCOMPRESSED with Parquet.
const (
	CompressionGZIP         Compression = "GZIP"
	CompressionUncompressed Compression = "UNCOMPRESSED"
)

// compressedExtensions are the extensions of compressed objects. They are those that Firehose
// appends by itself, because Athena finds the decompression by them. The developer guide names
// .hsnappy for HADOOP_SNAPPY, but Firehose appends .snappy.
var compressedExtensions = map[Compression]string{
	CompressionGZIP: ".gz",
	"ZIP":           ".zip",
	"Snappy":        ".snappy",
	"HADOOP_SNAPPY": ".snappy",
}

// Defaults that depend on the format. Firehose needs at least 64 MiB to write Parquet, and
// queries read large files faster.
const (
	jsonBufferMiB    = 5
	parquetBufferMiB = 128
)

// Filled returns the settings with all defaults, those that depend on the format included.
func (d Delivery) Filled() Delivery {
	Fill(&d)
	parquet := d.Format == FormatParquet
	if d.SourceBackup == nil {
		d.SourceBackup = &parquet
	}
	if d.Compression == "" {
		d.Compression = CompressionGZIP
		if parquet {
			d.Compression = CompressionUncompressed
		}
	}
	if d.BufferSizeMiB == 0 {
		d.BufferSizeMiB = jsonBufferMiB
		if parquet {
			d.BufferSizeMiB = parquetBufferMiB
		}
	}
	return d
}

// FileExtension returns the end of the keys of marked logs, such as ".json.gz", by which DuckDB
// and others recognise their format.
func (d Delivery) FileExtension() string {
	filled := d.Filled()
	if filled.Format == FormatParquet {
		return ".parquet"
	}
	return ".json" + compressedExtensions[filled.Compression]
}
