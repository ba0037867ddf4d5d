package firehose

import (
	"errors"
	"fmt"
)

// target is where objects of one kind go.
type target struct {
	bucket    Bucket
	prefix    prefix
	errorType string // what !{firehose:error-output-type} stands for
	gzip      bool
	encoding  string // of the content
	extension string // of the key
	counted   func(*counters, []output)
}

// newTarget returns where objects go that are compressed as a whole, or not.
func newTarget(bucket Bucket, prefix prefix, compression string) target {
	t := target{bucket: bucket, prefix: prefix, counted: (*counters).delivered}
	if compression == GZIP {
		t.gzip, t.encoding, t.extension = true, "gzip", ".gz"
	}
	return t
}

// setTargets parses what says where objects go, and what is in them.
func (s *Stream) setTargets() error {
	c := &s.config
	data, failures, err := parsePrefixes(c.Prefix, c.ErrorOutputPrefix)
	s.data = newTarget(c.Bucket, data, c.CompressionFormat)
	s.failures = newTarget(c.Bucket, failures, c.CompressionFormat)
	s.failures.errorType = processingFailed
	s.unconvertible = newTarget(c.Bucket, failures, Uncompressed)
	s.unconvertible.errorType = conversionFailed
	if c.Conversion != nil {
		// AWS labels a file so whose pages are compressed by Snappy.
		s.data.extension, s.data.encoding = ".parquet", "hadoop-snappy"
	}
	if c.FileExtension != "" {
		s.data.extension, s.failures.extension = c.FileExtension, c.FileExtension
	}
	if b := c.Backup; b != nil {
		raw, _, backupErr := parsePrefixes(b.Prefix, b.ErrorOutputPrefix)
		if backupErr != nil {
			err = errors.Join(err, fmt.Errorf("Backup: %w", backupErr))
		}
		bucket := b.Bucket
		if bucket == nil {
			bucket = c.Bucket
		}
		s.backupData = newTarget(bucket, raw, b.CompressionFormat)
		s.backupData.counted = (*counters).backedUp
	}
	return err
}
