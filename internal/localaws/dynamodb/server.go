// Package dynamodb serves DynamoDB from memory. It wraps minidyn and adds checks where minidyn
// is laxer than AWS, so that code that works here also works there.
//
// Added: parallel scans return every item in exactly one segment, Scan and Query return pages,
// PutItem returns the old item, a batch that names a key twice is refused, items and keys have
// AWS's size limits, time to live can be turned on, and tests can inject throttling and
// unprocessed items.
//
// Missing: items do not expire and capacity is not counted. Adding an item takes time in
// proportion to the size of the table, so tables should stay below 50,000 items.
package dynamodb

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/truora/minidyn/server"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// TargetPrefix is the service's name in the X-Amz-Target header.
const TargetPrefix = "DynamoDB_20120810"

// defaultPageItems approximates the 1 MB limit of a page on AWS, for items of about 200 bytes.
const defaultPageItems = 5000

// ErrThrottled is the error that AWS returns when the capacity of a table is used up, for use
// in [Config.Fault].
var ErrThrottled error = &awsjson.Error{Code: "ProvisionedThroughputExceededException",
	Message: "The level of configured provisioned throughput for the table was exceeded. " +
		"Consider increasing your provisioning level with the UpdateTable API."}

// Config configures a server. The zero Config works without faults.
type Config struct {
	// PageItems limits the items in a page of Scan or Query. 0 means 5,000.
	PageItems int
	// Fault, if set, is called before every call with the name of the operation. If it
	// returns an error, the server sends it and does nothing else.
	Fault func(operation string) error
	// Unprocessed, if set, is called for every write of a BatchWriteItem and every key of a
	// BatchGetItem, with its position. If it returns true, the item is left unprocessed.
	Unprocessed func(table string, position int) bool
}

// Server serves the JSON 1.0 protocol of DynamoDB. It is safe for concurrent use.
type Server struct {
	config Config
	api    awsjson.API

	mu     sync.Mutex // guards minidyn too, which reads its tables without a lock
	engine *server.Server
	tables map[string]*table
}

// table holds the facts about a table that the checks need.
type table struct {
	keys         []string // names of the key attributes, partition key first
	ttlAttribute string   // "" if time to live is off
}

// New returns a server without tables.
func New(config Config) *Server {
	if config.PageItems <= 0 {
		config.PageItems = defaultPageItems
	}
	return &Server{
		config: config,
		api:    awsjson.API{Version: "1.0"},
		engine: server.NewServer(),
		tables: map[string]*table{},
	}
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := awsjson.ReadBody(r)
	if err != nil {
		s.api.WriteError(w, err)
		return
	}
	_, operation := awsjson.Target(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, err := s.call(operation, body)
	if err != nil {
		s.api.WriteError(w, err)
		return
	}
	s.api.WriteRaw(w, answer.status, answer.body.Bytes())
}

// call checks a request like AWS does, then forwards it to minidyn.
func (s *Server) call(operation string, body []byte) (*reply, error) {
	if s.config.Fault != nil {
		if err := s.config.Fault(operation); err != nil {
			return nil, err
		}
	}

	switch operation {
	case "CreateTable":
		return s.createTable(body)
	case "DescribeTable":
		return active(s.forward(operation, body))
	case "DeleteTable":
		return s.deleteTable(body)
	case "ListTables":
		return s.listTables()
	case "UpdateTimeToLive":
		return s.updateTimeToLive(body)
	case "DescribeTimeToLive":
		return s.describeTimeToLive(body)
	case "Scan", "Query":
		return s.page(operation, body)
	case "PutItem":
		if err := s.checkPut(body); err != nil {
			return nil, err
		}
		return s.put(body)
	case "BatchWriteItem":
		if err := s.checkBatch(body); err != nil {
			return nil, err
		}
	}
	return s.forward(operation, body), nil
}

// reply records a response of minidyn.
type reply struct {
	status int
	body   bytes.Buffer
	header http.Header
}

func (a *reply) Header() http.Header         { return a.header }
func (a *reply) WriteHeader(status int)      { a.status = status }
func (a *reply) Write(p []byte) (int, error) { return a.body.Write(p) }

func (s *Server) forward(operation string, body []byte) *reply {
	answer := &reply{status: http.StatusOK, header: http.Header{}}
	request := &http.Request{Method: http.MethodPost, Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{"X-Amz-Target": {TargetPrefix + "." + operation}}}
	s.engine.ServeHTTP(answer, request)

	if text := answer.body.Bytes(); len(text) == 0 || text[0] != '{' { // minidyn reports an unknown operation as text
		answer.status = http.StatusBadRequest
		answer.body.Reset()
		answer.body.WriteString(
			`{"__type":"UnknownOperationException","message":"the local endpoint has no ` + operation + `"}`)
	}
	return answer
}

// createTable remembers the key schema, which the checks of writes need.
func (s *Server) createTable(body []byte) (*reply, error) {
	var in struct {
		TableName string
		KeySchema []struct{ AttributeName, KeyType string }
	}
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	answer := s.forward("CreateTable", body)
	if answer.status != http.StatusOK {
		return answer, nil
	}

	created := &table{}
	for _, kind := range []string{"HASH", "RANGE"} {
		for _, key := range in.KeySchema {
			if key.KeyType == kind {
				created.keys = append(created.keys, key.AttributeName)
			}
		}
	}
	s.tables[in.TableName] = created

	if s.config.Unprocessed != nil {
		s.engine.EmulateUnprocessedItems(in.TableName, func(n int, _ map[string]*server.AttributeValue) bool {
			return s.config.Unprocessed(in.TableName, n)
		})
	}
	return active(answer)
}

// active sets the status in the description of a table, which is usable immediately.
func active(answer *reply) (*reply, error) {
	if answer.status != http.StatusOK {
		return answer, nil
	}
	var description map[string]map[string]json.RawMessage
	if err := json.Unmarshal(answer.body.Bytes(), &description); err != nil {
		return nil, err
	}
	for _, table := range description {
		table["TableStatus"] = json.RawMessage(`"ACTIVE"`)
	}
	return encode(description)
}

func (s *Server) deleteTable(body []byte) (*reply, error) {
	in := tableRequest{}
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	delete(s.tables, in.TableName)
	return s.forward("DeleteTable", body), nil
}

func (s *Server) listTables() (*reply, error) {
	return encode(struct{ TableNames []string }{slices.Sorted(maps.Keys(s.tables))})
}

type tableRequest struct {
	TableName               string
	TimeToLiveSpecification timeToLive
}

type timeToLive struct {
	AttributeName string
	Enabled       bool
}

func (s *Server) updateTimeToLive(body []byte) (*reply, error) {
	in, known, err := s.findTable(body)
	if err != nil {
		return nil, err
	}
	switch wanted := in.TimeToLiveSpecification; {
	case wanted.AttributeName == "":
		return nil, awsjson.Invalid("TimeToLiveSpecification must name an attribute")
	case wanted.Enabled && known.ttlAttribute != "":
		return nil, awsjson.Invalid("TimeToLive is already enabled")
	case !wanted.Enabled && known.ttlAttribute == "":
		return nil, awsjson.Invalid("TimeToLive is already disabled")
	case wanted.Enabled:
		known.ttlAttribute = wanted.AttributeName
	default:
		known.ttlAttribute = ""
	}
	return encode(struct{ TimeToLiveSpecification timeToLive }{in.TimeToLiveSpecification})
}

func (s *Server) describeTimeToLive(body []byte) (*reply, error) {
	_, known, err := s.findTable(body)
	if err != nil {
		return nil, err
	}
	status := "DISABLED"
	if known.ttlAttribute != "" {
		status = "ENABLED"
	}
	return encode(map[string]any{"TimeToLiveDescription": struct {
		TimeToLiveStatus string
		AttributeName    string `json:",omitempty"`
	}{status, known.ttlAttribute}})
}

// findTable decodes a request and finds the table that it names.
func (s *Server) findTable(body []byte) (*tableRequest, *table, error) {
	in := &tableRequest{}
	if err := awsjson.Decode(body, in); err != nil {
		return nil, nil, err
	}
	known := s.tables[in.TableName]
	if known == nil {
		return nil, nil, &awsjson.Error{Code: "ResourceNotFoundException",
			Message: "Requested resource not found: Table: " + in.TableName + " not found"}
	}
	return in, known, nil
}

func encode(answer any) (*reply, error) {
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	out := &reply{status: http.StatusOK}
	out.body.Write(text)
	return out, nil
}

// page answers Scan and Query with at most PageItems items. A parallel scan returns only the
// items of the requested segment, to which they belong by their partition key. As on AWS, a
// page can be empty without being the last.
func (s *Server) page(operation string, body []byte) (*reply, error) {
	var in map[string]json.RawMessage
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	var request struct {
		TableName              string
		Limit                  *int
		Segment, TotalSegments *int
	}
	if err := awsjson.Decode(body, &request); err != nil {
		return nil, err
	}

	limit := s.config.PageItems
	if request.Limit != nil {
		if *request.Limit < 1 {
			return nil, awsjson.Invalid("Limit must be greater than or equal to 1")
		}
		limit = min(limit, *request.Limit)
	}

	in["Limit"] = json.RawMessage(strconv.Itoa(limit))
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	answer := s.forward(operation, body)

	known := s.tables[request.TableName]
	if operation == "Query" || answer.status != http.StatusOK || known == nil {
		return answer, nil
	}
	if request.Segment == nil && request.TotalSegments == nil {
		return answer, nil
	}
	if err := checkSegment(request.Segment, request.TotalSegments); err != nil {
		return nil, err
	}
	return filterSegment(answer, known.keys[0], *request.Segment, *request.TotalSegments)
}

// checkSegment checks the parameters of a parallel scan.
func checkSegment(segment, total *int) error {
	switch {
	case segment == nil || total == nil:
		return awsjson.Invalid("Segment and TotalSegments must both be present in a parallel scan")
	case *total < 1 || *segment < 0 || *segment >= *total:
		return awsjson.Invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments")
	}
	return nil
}

// filterSegment removes the items of other segments from a page. Items whose projection omits
// the partition key share a segment.
func filterSegment(answer *reply, partitionKey string, number, total int) (*reply, error) {
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
