package recorder

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// nameSNS names a request of the query protocol.
func nameSNS(body []byte) ([]permission.Call, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if form.Get("Action") != "Publish" || form.Get("TopicArn") == "" {
		return nil, errors.New("the operation is not supported")
	}
	return []permission.Call{{Action: "sns:Publish", Resource: form.Get("TopicArn")}}, nil
}

// nameSecurityHub returns a call for each product whose findings are imported.
func nameSecurityHub(request *http.Request, body []byte) ([]permission.Call, error) {
	var in struct {
		Findings []struct{ ProductARN string }
	}
	if request.Method != http.MethodPost || request.URL.Path != "/findings/import" {
		return nil, errors.New("the operation is not supported")
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	var calls []permission.Call
	for _, finding := range in.Findings {
		calls = append(calls, permission.Call{Action: "securityhub:BatchImportFindings", Resource: finding.ProductARN})
	}
	return slices.CompactFunc(calls, func(a, b permission.Call) bool { return a.Resource == b.Resource }), nil
}

// groupOperations are the operations of Athena on a workgroup. executionOperations name only an
// execution or a query of one.
var (
	groupOperations     = []string{"ListNamedQueries", "StartQueryExecution"}
	executionOperations = []string{"BatchGetNamedQuery", "GetQueryExecution", "GetQueryResults", "StopQueryExecution"}
)

// nameAthena names a call of a caller who uses one workgroup: permission for an execution is that
// for its workgroup, which only some calls name.
func (n *namer) nameAthena(operation string, body []byte) ([]permission.Call, error) {
	var in struct{ WorkGroup string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case slices.Contains(groupOperations, operation) && in.WorkGroup != "":
		n.workGroup = in.WorkGroup
	case slices.Contains(executionOperations, operation) && n.workGroup != "":
	default:
		return nil, errors.New("the operation is not supported")
	}
	return []permission.Call{{Action: "athena:" + operation, Resource: n.arn("athena", "workgroup/"+n.workGroup)}}, nil
}
