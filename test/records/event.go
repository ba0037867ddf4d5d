package main

import (
	"bytes"
	"encoding/json"

	"github.com/resolverwatch/resolverwatch/test/records/check"
)

// encodeEvent returns a transformation event with these records.
func encodeEvent(records []check.Record) []byte {
	var out bytes.Buffer
	out.WriteString(`{"invocationId":"i","deliveryStreamArn":"arn:aws:firehose:us-east-1:123456789012:deliverystream/s",` +
		`"region":"us-east-1","records":[`)
	for i := range records {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(`{"recordId":`)
		out.Write(quote(records[i].ID))
		out.WriteString(`,"approximateArrivalTimestamp":1795000000000`)
		if !records[i].Missing {
			out.WriteString(`,"data":`)
			out.Write(quote(records[i].Data))
		}
		out.WriteByte('}')
	}
	out.WriteString(`]}`)
	return out.Bytes()
}

func quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can always be written
	}
	return quoted
}
