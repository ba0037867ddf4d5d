package firehose

// Backup keeps all records as they came, beside their processing. Objects are delivered
// as those of the stream are; AWS lets nobody turn a backup off again.
type Backup struct {
	// Bucket is where it is kept; nil is the stream's.
	Bucket Bucket
	// Prefix and ErrorOutputPrefix follow the rules of the stream's own. Nothing goes
	// under the second: a backup processes nothing, and is tried again until it is stored.
	Prefix, ErrorOutputPrefix string
	// BufferingHints say when an object is written; nil is 5 MB and 300 s.
	BufferingHints *BufferingHints
	// CompressionFormat is UNCOMPRESSED or GZIP; "" is UNCOMPRESSED.
	CompressionFormat string
}

// description is the backup in the shape of DescribeDeliveryStream.
func (b *Backup) description() map[string]any {
	return map[string]any{"Prefix": b.Prefix, "ErrorOutputPrefix": b.ErrorOutputPrefix,
		"CompressionFormat": b.CompressionFormat, "BufferingHints": b.BufferingHints,
		"EncryptionConfiguration": map[string]string{"NoEncryptionConfig": "NoEncryption"}}
}
