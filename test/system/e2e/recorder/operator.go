package recorder

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// The calls of people: the command finds a stack, sends records to its stream, invokes a function
// and runs a state machine.

// nameStack names a request of the query protocol. A stack has an id at the end of its ARN.
func (n *namer) nameStack(body []byte) ([]permission.Call, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if form.Get("Action") != "DescribeStacks" || form.Get("StackName") == "" {
		return nil, errors.New("the operation is not supported")
	}
	return []permission.Call{{Action: "cloudformation:DescribeStacks", Resource: n.arn("cloudformation", "stack/"+form.Get("StackName")+"/id")}}, nil
}

// nameLambda names a request that invokes a function.
func (n *namer) nameLambda(request *http.Request) ([]permission.Call, error) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/2015-03-31/functions/"), "/")
	if request.Method != http.MethodPost || rest != "invocations" {
		return nil, errors.New("the operation is not supported")
	}
	return []permission.Call{{Action: "lambda:InvokeFunction", Resource: n.arn("lambda", "function:"+name)}}, nil
}

func (n *namer) nameFirehose(operation string, body []byte) ([]permission.Call, error) {
	var in struct{ DeliveryStreamName string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if operation != "PutRecordBatch" || in.DeliveryStreamName == "" {
		return nil, errors.New("the operation is not supported")
	}
	return []permission.Call{{Action: "firehose:PutRecordBatch", Resource: n.arn("firehose", "deliverystream/"+in.DeliveryStreamName)}}, nil
}

// machineOperations are the operations on state machines, each with the member that has the ARN.
var machineOperations = map[string]func(machineCall) string{
	"StartExecution":    func(in machineCall) string { return in.StateMachineArn },
	"DescribeExecution": func(in machineCall) string { return in.ExecutionArn },
	"ListMapRuns":       func(in machineCall) string { return in.ExecutionArn },
	"DescribeMapRun":    func(in machineCall) string { return in.MapRunArn },
}

type machineCall struct{ StateMachineArn, ExecutionArn, MapRunArn string }

func (n *namer) nameMachine(operation string, body []byte) ([]permission.Call, error) {
	var in machineCall
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	arn := machineOperations[operation]
	if arn == nil || arn(in) == "" {
		return nil, errors.New("the operation is not supported")
	}
	return []permission.Call{{Action: "states:" + operation, Resource: arn(in)}}, nil
}
