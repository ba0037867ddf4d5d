package dynamodb

import (
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strconv"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// page answers Scan and Query with at most PageItems items, and of a parallel scan
// with those of the segment asked for. Every item belongs to one segment, by its
// partition key; a page may be empty and still not the last, as in AWS.
func (s *Server) page(operation string, body []byte) (*reply, error) {
	var in map[string]json.RawMessage
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	var asked struct {
		TableName              string
		Limit                  *int
		Segment, TotalSegments *int
	}
	if err := awsjson.Decode(body, &asked); err != nil {
		return nil, err
	}
	limit := s.config.PageItems
	if asked.Limit != nil {
		if *asked.Limit < 1 {
			return nil, awsjson.Invalid("Limit must be greater than or equal to 1")
		}
		limit = min(limit, *asked.Limit)
	}
	in["Limit"] = json.RawMessage(strconv.Itoa(limit))
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	answer := s.forward(operation, body)
	known := s.tables[asked.TableName]
	if operation == "Query" || answer.status != http.StatusOK || known == nil {
		return answer, nil
	}
	switch {
	case asked.Segment == nil && asked.TotalSegments == nil:
		return answer, nil
	case asked.Segment == nil || asked.TotalSegments == nil:
		return nil, awsjson.Invalid("Segment and TotalSegments must both be present in a parallel scan")
	case *asked.TotalSegments < 1 || *asked.Segment < 0 || *asked.Segment >= *asked.TotalSegments:
		return nil, awsjson.Invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments")
	}
	return segment(answer, known.keys[0], *asked.Segment, *asked.TotalSegments)
}

// segment keeps of a page what belongs to one segment. Items whose projection
// leaves the partition key out share a segment.
func segment(answer *reply, partitionKey string, number, total int) (*reply, error) {
	var page struct {
		Items            []map[string]json.RawMessage
		Count            int
		LastEvaluatedKey json.RawMessage `json:",omitempty"`
	}
	if err := json.Unmarshal(answer.body.Bytes(), &page); err != nil {
		return nil, err
	}
	kept := make([]map[string]json.RawMessage, 0, len(page.Items)/total)
	for _, item := range page.Items {
		hash := fnv.New32a()
		_, _ = hash.Write(item[partitionKey])          // never fails
		if int(hash.Sum32()%uint32(total)) == number { //nolint:gosec // total is small and positive
			kept = append(kept, item)
		}
	}
	page.Items, page.Count = kept, len(kept)
	return encode(page)
}
