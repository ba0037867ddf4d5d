// Package dynamodb is DynamoDB in memory: minidyn, mended where it is laxer than
// AWS, so that code which works here does not break there.
//
// Mended: parallel scans give every item to exactly one segment, Scan and Query
// answer in pages, PutItem returns the old item, a batch that names a key twice is refused, items and keys have
// AWS's size limits, time to live can be switched on, and throttling and
// unprocessed items happen on demand.
//
// Left as it is: nothing expires, capacity is not counted, and every new item
// costs time in proportion to the table's size; some 50,000 items are the most
// that is pleasant.
package dynamodb

import (
	"bytes"
	"io"
	"net/http"
	"sync"

	"github.com/truora/minidyn/server"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// TargetPrefix is the service's name in the X-Amz-Target header.
const TargetPrefix = "DynamoDB_20120810"

// defaultPageItems stands for the 1 MB that end a page in AWS: so many rows of
// some 200 bytes.
const defaultPageItems = 5000

// ErrThrottled is what AWS answers when a table's capacity is used up; a Config's
// Fault returns it.
var ErrThrottled error = &awsjson.Error{Code: "ProvisionedThroughputExceededException",
	Message: "The level of configured provisioned throughput for the table was exceeded. " +
		"Consider increasing your provisioning level with the UpdateTable API."}

// Config says how the server behaves. The zero Config is a healthy DynamoDB.
type Config struct {
	// PageItems is the most items of a page of Scan or Query; 0 is 5,000.
	PageItems int
	// Fault, if set, is asked before every call, with the operation's name; its
	// error is the answer, and nothing is done.
	Fault func(operation string) error
	// Unprocessed, if set, is asked for every write of a BatchWriteItem and key of a
	// BatchGetItem, by its position; true leaves it unprocessed.
	Unprocessed func(table string, position int) bool
}

// Server serves DynamoDB's JSON 1.0 protocol. It is safe for concurrent use.
type Server struct {
	config Config
	api    awsjson.API

	mu     sync.Mutex // minidyn reads its table of tables without a lock
	engine *server.Server
	tables map[string]*table
}

// table is what the wrapper knows of a table.
type table struct {
	keys         []string // names of the key attributes, the partition key first
	ttlAttribute string   // "": time to live is off
}

// New returns a server without tables.
func New(config Config) *Server {
	if config.PageItems <= 0 {
		config.PageItems = defaultPageItems
	}
	return &Server{config: config, api: awsjson.API{Version: "1.0"},
		engine: server.NewServer(), tables: map[string]*table{}}
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

// call checks a request as AWS would, then leaves it to minidyn.
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

// reply collects what minidyn answers.
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
	if text := answer.body.Bytes(); len(text) == 0 || text[0] != '{' { // minidyn's text for what it does not know
		answer.status = http.StatusBadRequest
		answer.body.Reset()
		answer.body.WriteString(
			`{"__type":"UnknownOperationException","message":"the local endpoint has no ` + operation + `"}`)
	}
	return answer
}
