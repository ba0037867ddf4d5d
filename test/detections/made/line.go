package made

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/test/detections/slow"
)

// Line returns a record as Resolver logs it, marked, without a line end.
func Line(r *slow.Record) []byte {
	line, err := json.Marshal(map[string]any{
		"version": "1.100000", "account_id": r.Account, "region": "eu-west-1", "vpc_id": r.VPC, "srcaddr": r.Address,
		"srcport": fmt.Sprint(10_000 + r.At.Unix()%50_000), "transport": "UDP", "srcids": map[string]string{},
		"query_timestamp": r.At.Format(time.RFC3339), "query_name": r.Name, "query_type": "A", "query_class": "IN",
		"rcode": r.RCODE, "answers": []any{}, "verdict": r.Verdict,
	})
	if err != nil {
		panic(fmt.Errorf("writing a made record: %w", err)) // it has only texts
	}
	return line
}
