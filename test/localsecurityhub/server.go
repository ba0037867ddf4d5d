// Package localsecurityhub serves BatchImportFindings of Security Hub CSPM from memory, with the
// rules that the service documents. The emulators that others offer keep any finding, so code
// that works with them can fail on AWS.
//
// Enforced: only findings of the hub's own account and default product; the members, lengths,
// words and times of the AWS Security Finding Format that we use; the sizes of findings and
// requests; that a provider leaves alone what belongs to analysts. Members that the format does
// not have are refused. An update that is not later than the stored finding is ignored without
// an error, as on AWS.
//
// Missing: all other operations, the quotas of requests in a second, and the types of resources
// other than AwsEc2Instance and Other.
package localsecurityhub

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
)

// importPath is the path of BatchImportFindings.
const importPath = "/findings/import"

// Limits of a request.
const (
	maxFindings     = 100
	maxRequestBytes = 6 << 20
	maxFindingBytes = 240 << 10
)

// Codes of errors about one finding.
const (
	codeInvalidAccess = "InvalidAccess"
	codeInvalidInput  = "InvalidInput"
)

// Config configures a server.
type Config struct {
	Account, Region, Partition string // of the hub and its caller
	// IsOff says that Security Hub is not turned on.
	IsOff bool
	// Fault, if set, is called before every request. If it returns a code, the server sends it
	// as an error with the status 500 and does nothing else.
	Fault func() string
}

// Server is a hub. It is safe for concurrent use.
type Server struct {
	mu       sync.Mutex
	config   Config
	findings map[string]types.AwsSecurityFinding
	requests int
	ignored  int
	refused  []string
}

// New returns a hub without findings.
func New(config Config) *Server {
	return &Server{config: config, findings: map[string]types.AwsSecurityFinding{}}
}

// TurnOn turns the hub on.
func (s *Server) TurnOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config.IsOff = false
}

// Findings returns the findings by id.
func (s *Server) Findings() map[string]types.AwsSecurityFinding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.findings)
}

// Requests returns the number of requests.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Ignored returns the number of updates that were not later than the stored finding.
func (s *Server) Ignored() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ignored
}

// Refused returns the reasons for which findings were refused.
func (s *Server) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// failure is the result for a finding that was not imported.
type failure struct {
	ID      string `json:"Id"`
	Code    string `json:"ErrorCode"`
	Message string `json:"ErrorMessage"`
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.config.Fault != nil {
		if code := s.config.Fault(); code != "" {
			writeError(w, http.StatusInternalServerError, code, "injected")
			return
		}
	}
	if r.Method != http.MethodPost || r.URL.Path != importPath {
		writeError(w, http.StatusNotFound, "UnknownOperationException", "the local endpoint has only BatchImportFindings")
		return
	}

	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	var in struct{ Findings []json.RawMessage }
	switch {
	case err != nil || len(body) > maxRequestBytes:
		writeError(w, http.StatusBadRequest, "InvalidInputException", "the request is larger than 6 MB")
		return
	case json.Unmarshal(body, &in) != nil || len(in.Findings) == 0 || len(in.Findings) > maxFindings:
		writeError(w, http.StatusBadRequest, "InvalidInputException", "a request has 1 to 100 findings")
		return
	}

	failed := []failure{}
	for _, text := range in.Findings {
		if problem := s.importOne(text); problem != nil {
			failed = append(failed, *problem)
			s.refused = append(s.refused, problem.Message)
		}
	}
	write(w, http.StatusOK, map[string]any{
		"FailedCount": len(failed), "SuccessCount": len(in.Findings) - len(failed), "FailedFindings": failed,
	})
}

// importOne stores a finding, or returns why not.
func (s *Server) importOne(text []byte) *failure {
	var finding types.AwsSecurityFinding
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // the members of the SDK's model are all that there are
	err := decoder.Decode(&finding)
	id := aws.ToString(finding.Id)
	switch {
	case err != nil:
		return &failure{id, codeInvalidInput, err.Error()}
	case len(text) > maxFindingBytes:
		return &failure{id, codeInvalidInput, "the finding is larger than 240 KB"}
	case s.config.IsOff:
		return &failure{id, codeInvalidAccess, "the account is not subscribed to Security Hub"}
	case aws.ToString(finding.AwsAccountId) != s.config.Account || aws.ToString(finding.ProductArn) != s.productARN():
		return &failure{id, codeInvalidAccess, "the account or the product is another one"}
	}
	if problem := check(&finding); problem != "" {
		return &failure{id, codeInvalidInput, problem}
	}

	stored, found := s.findings[id]
	if found && !isLater(finding.UpdatedAt, stored.UpdatedAt) {
		s.ignored++
		return nil
	}
	s.findings[id] = finding
	return nil
}

func (s *Server) productARN() string {
	return "arn:" + s.config.Partition + ":securityhub:" + s.config.Region + ":" + s.config.Account + ":product/" + s.config.Account + "/default"
}

func isLater(a, b *string) bool {
	first, _ := time.Parse(time.RFC3339, aws.ToString(a)) // check has read both
	second, _ := time.Parse(time.RFC3339, aws.ToString(b))
	return first.After(second)
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-ErrorType", code)
	write(w, status, map[string]string{"Code": code, "Message": message})
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // the client has disconnected
}
