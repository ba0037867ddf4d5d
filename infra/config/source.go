package config

import (
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// checkSource rejects sources of logs that cannot work together, and settings that have no effect
// on the sources that there are.
func (d *decoder) checkSource(deployment *settings.Deployment) {
	source := deployment.Source
	const path = ContextKey + ".source"
	d.checkVPCs(path+".vpcIds", source.VPCIDs, deployment.QueryLogging.VPCIDs)
	withoutFirehose := source.Firehose != nil && !*source.Firehose
	if !source.S3 {
		if withoutFirehose && !d.refused(path+".firehose") {
			d.refuse(path+".firehose", false, "needs "+path+".s3, because nothing would be logged otherwise")
		}
		d.checkIdle("source", source, settings.Default[settings.SourceSection](), path+".s3 off", "s3", "firehose")
		return
	}
	if deployment.Delivery.Format == settings.FormatParquet {
		d.refuse(ContextKey+".delivery.format", string(settings.FormatParquet), "must be JSON with "+path+".s3, because only Firehose writes Parquet, "+
			"and the queries would not find the logs that come through S3: unset one of them")
	}
	if deployment.Delivery.ExistingStream != "" {
		d.refuse(path+".s3", true, "needs a bucket for marked logs, which there is not with "+ContextKey+".delivery.existingStream: unset one of them")
	}
	if off := deployment.QueryLogging.Enabled; off != nil && !*off && len(source.VPCIDs) > 0 {
		d.refuse(path+".vpcIds", source.VPCIDs, "has no effect without "+ContextKey+".queryLogging.enabled")
	}
	if withoutFirehose {
		d.checkNoStream(deployment)
	}
}

// checkNoStream rejects settings of a stream that does not exist.
func (d *decoder) checkNoStream(deployment *settings.Deployment) {
	delivery, transformer := deployment.Delivery, deployment.Transformer
	for _, setting := range []struct {
		path   string
		value  any
		set    bool
		remedy string
	}{
		{"queryLogging.vpcIds", deployment.QueryLogging.VPCIDs, len(deployment.QueryLogging.VPCIDs) > 0, "set source.vpcIds"},
		{"transformer.memoryMiB", transformer.MemoryMiB, transformer.MemoryMiB != 0, "set source.marker.memoryMiB"},
		{"transformer.timeout", transformer.Timeout, transformer.Timeout != 0, "set source.marker.timeout"},
		{"delivery.sourceBackup", delivery.SourceBackup, delivery.SourceBackup != nil, "the log bucket has what Resolver wrote"},
		{"delivery.compression", delivery.Compression, delivery.Compression != "", "the marker always uses gzip"},
		{"delivery.bufferInterval", delivery.BufferInterval, delivery.BufferInterval != nil, "unset it"},
		{"delivery.bufferSizeMiB", delivery.BufferSizeMiB, delivery.BufferSizeMiB != 0, "unset it"},
	} {
		if setting.set {
			d.refuse(ContextKey+"."+setting.path, setting.value, "has no effect without "+ContextKey+".source.firehose: "+setting.remedy)
		}
	}
}
