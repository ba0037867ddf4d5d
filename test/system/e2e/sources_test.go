//go:build e2e

package e2e_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// hasStream reports whether logs come through Firehose.
func (d *deployed) hasStream() bool { return d.stream != nil }

// hasLogBucket reports whether logs come through a bucket.
func (d *deployed) hasLogBucket() bool { return d.marker.FunctionName != "" }

// VPCs of the sample. With both sources, the first two log to S3 and the others to Firehose,
// because a VPC has one source.
const (
	bucketVPC = "vpc-0a1b2c3d4e5f60001"
	streamVPC = "vpc-0a1b2c3d4e5f60003"
)

// logsToBucket reports whether the logs of a VPC come through the bucket.
func (d *deployed) logsToBucket(vpc string) bool {
	return d.hasLogBucket() && (!d.hasStream() || strings.HasSuffix(vpc, "0001") || strings.HasSuffix(vpc, "0002"))
}

// originOf returns the origin of alerts about hosts of a VPC.
func (d *deployed) originOf(vpc string) alert.Origin {
	if d.logsToBucket(vpc) {
		return alert.OriginS3
	}
	return alert.OriginFirehose
}

// inVPC returns a record with one line as if its host were in another VPC.
func inVPC(record sample.Record, vpc string) sample.Record {
	line := record.Lines[0]
	line.Object = bytes.Replace(line.Object, []byte(line.Host.VPCID), []byte(vpc), 1)
	line.Host.VPCID = vpc
	return oneLine(line)
}

// oneLine returns a record with one log object, as it is a line in a file of Resolver.
func oneLine(line sample.Line) sample.Record {
	return sample.Record{Data: append(bytes.Clone(line.Object), '\n'), Lines: []sample.Line{line}}
}

// send logs the queries of records through the source of their VPC, has them marked, and adds
// them to the ledger.
func (m *machine) send(t *testing.T, ledger *sample.Ledger, records []sample.Record) {
	t.Helper()
	toStream, toBucket := m.split(records)
	for _, part := range [][]sample.Record{toStream, toBucket} {
		for i := range part {
			ledger.Add(&part[i])
		}
	}
	if len(toStream) > 0 {
		m.sendToStream(t, toStream)
	}
	if len(toBucket) > 0 {
		m.sendToBucket(t, toBucket, 0)
	}
}

// split returns the records that log to each source. Resolver writes one log object a line into
// a bucket, so records with several, and envelopes, are only in the stream.
func (d *deployed) split(records []sample.Record) (toStream, toBucket []sample.Record) {
	if !d.hasLogBucket() {
		return records, nil
	}
	for i, record := range records {
		bad, isLine := asLine(record)
		switch {
		case len(record.Lines) > 0:
			stream, bucket := d.splitLines(record)
			toStream, toBucket = append(toStream, stream...), append(toBucket, bucket...)
		case isLine && (i%2 == 0 || !d.hasStream()):
			toBucket = append(toBucket, bad)
		case d.hasStream():
			toStream = append(toStream, record)
		}
	}
	return toStream, toBucket
}

// splitLines splits a record by the VPCs of its lines. A record whose lines all log to the stream
// stays as it is.
func (d *deployed) splitLines(record sample.Record) (toStream, toBucket []sample.Record) {
	for _, line := range record.Lines {
		if d.logsToBucket(line.Host.VPCID) {
			toBucket = append(toBucket, oneLine(line))
		} else {
			toStream = append(toStream, oneLine(line))
		}
	}
	if len(toBucket) == 0 {
		return []sample.Record{record}, nil
	}
	return toStream, toBucket
}

// asLine returns a malformed record as a line of a file, if it can be one.
func asLine(record sample.Record) (line sample.Record, ok bool) {
	text := bytes.TrimRight(record.Data, "\r\n")
	ok = record.Failed != "" && !bytes.ContainsRune(text, '\n')
	return sample.Record{Data: text, Failed: record.Failed}, ok
}
