package settings_test

import (
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Athena decompresses objects by the last extension, so it must be the one of the compression.
func TestDelivery_FileExtension(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		format      settings.Format
		compression settings.Compression
		want        string
	}{
		{"", "", ".json.gz"},
		{settings.FormatJSON, settings.CompressionGZIP, ".json.gz"},
		{settings.FormatJSON, settings.CompressionUncompressed, ".json"},
		{settings.FormatJSON, "ZIP", ".json.zip"},
		{settings.FormatJSON, "Snappy", ".json.snappy"},
		{settings.FormatJSON, "HADOOP_SNAPPY", ".json.snappy"},
		{settings.FormatParquet, "", ".parquet"},
		{settings.FormatParquet, settings.CompressionUncompressed, ".parquet"},
	} {
		delivery := settings.Delivery{Format: test.format, Compression: test.compression}
		if got := delivery.FileExtension(); got != test.want {
			t.Errorf("%s, %s: %s, want %s", test.format, test.compression, got, test.want)
		}
	}
}
