package recorder

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// namer converts requests to calls.
type namer struct {
	account, region string

	mu        sync.Mutex
	workGroup string // of the last call of Athena that named one
}

// tlsVersion is the version that Go's clients use with AWS.
const tlsVersion = "1.3"

// name returns the calls that must be allowed for a request. In a deployment, every call
// uses HTTPS.
func (n *namer) name(request *http.Request, body []byte) ([]permission.Call, error) {
	service, operation, isJSON := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	calls, err := []permission.Call(nil), error(nil)
	_, signed := signer(request.Header.Get("Authorization"))
	switch {
	case isJSON:
		calls, err = n.nameJSON(service, operation, body)
	case signed == "sns":
		calls, err = nameSNS(body)
	case signed == "securityhub":
		calls, err = nameSecurityHub(request, body)
	case signed == "cloudformation":
		calls, err = n.nameStack(body)
	case signed == "lambda":
		calls, err = n.nameLambda(request)
	default:
		calls, err = nameS3(request, body)
	}
	for i := range calls {
		if calls[i].Context == nil {
			calls[i].Context = map[string][]string{}
		}
		calls[i].Context["aws:securetransport"] = []string{"true"}
		if strings.HasPrefix(calls[i].Action, "s3:") {
			calls[i].Context["s3:tlsversion"] = []string{tlsVersion}
		}
	}
	return calls, err
}

// jsonServices are the services of the JSON protocol, by target prefix.
var jsonServices = map[string]func(*namer, string, []byte) ([]permission.Call, error){
	"DynamoDB_20120810": (*namer).nameDynamoDB,
	"AmazonSSM":         (*namer).nameSSM,
	"AmazonSQS":         (*namer).nameSQS,
	"AWSEvents":         (*namer).nameEvents,
	"secretsmanager":    (*namer).nameSecret,
	"AmazonAthena":      (*namer).nameAthena,
	"Firehose_20150804": (*namer).nameFirehose,
	"AWSStepFunctions":  (*namer).nameMachine,
}

func (n *namer) nameJSON(service, operation string, body []byte) ([]permission.Call, error) {
	name := jsonServices[service]
	if name == nil {
		return nil, errors.New("the service is not supported")
	}
	return name(n, operation, body)
}

func (n *namer) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + n.region + ":" + n.account + ":" + resource
}

// tableOperations are the operations on one table; each is an action with the same name.
var tableOperations = []string{"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DescribeTable"}

func (n *namer) nameDynamoDB(operation string, body []byte) ([]permission.Call, error) {
	var in struct {
		TableName, IndexName string
		RequestItems         map[string]json.RawMessage
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(tableOperations, operation):
		resource := "table/" + in.TableName
		if in.IndexName != "" {
			resource += "/index/" + in.IndexName
		}
		return []permission.Call{{Action: "dynamodb:" + operation, Resource: n.arn("dynamodb", resource)}}, nil
	case operation == "BatchWriteItem", operation == "BatchGetItem":
		var calls []permission.Call
		for table := range in.RequestItems {
			calls = append(calls, permission.Call{
				Action: "dynamodb:" + operation, Resource: n.arn("dynamodb", "table/"+table)})
		}
		return calls, nil
	}
	return nil, errors.New("the operation is not supported")
}

func (n *namer) nameSSM(operation string, body []byte) ([]permission.Call, error) {
	var in struct {
		Name, Path string
		Names      []string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	switch operation {
	case "GetParameter", "PutParameter", "DeleteParameter":
		in.Names = []string{in.Name}
	case "GetParameters":
	case "GetParametersByPath":
		in.Names = []string{in.Path}
	default:
		return nil, errors.New("the operation is not supported")
	}
	var calls []permission.Call
	for _, name := range in.Names {
		resource := n.arn("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
		calls = append(calls, permission.Call{Action: "ssm:" + operation, Resource: resource})
	}
	return calls, nil
}

func (n *namer) nameSQS(operation string, body []byte) ([]permission.Call, error) {
	var in struct{ QueueURL string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	queue := in.QueueURL[strings.LastIndexByte(in.QueueURL, '/')+1:]
	switch operation {
	case "SendMessageBatch":
		operation = "SendMessage"
	case "DeleteMessageBatch":
		operation = "DeleteMessage"
	case "SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility":
	default:
		return nil, errors.New("the operation is not supported")
	}
	return []permission.Call{{Action: "sqs:" + operation, Resource: n.arn("sqs", queue)}}, nil
}

// nameEvents returns a call for each event, because each one has a source of its own.
func (n *namer) nameEvents(operation string, body []byte) ([]permission.Call, error) {
	var in struct {
		Entries []struct{ Source, DetailType, EventBusName string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if operation != "PutEvents" {
		return nil, errors.New("the operation is not supported")
	}
	var calls []permission.Call
	for _, entry := range in.Entries {
		bus := entry.EventBusName
		if bus == "" {
			bus = "default"
		}
		if !strings.HasPrefix(bus, "arn:") {
			bus = n.arn("events", "event-bus/"+bus)
		}
		calls = append(calls, permission.Call{Action: "events:PutEvents", Resource: bus, Context: map[string][]string{
			"events:source": {entry.Source}, "events:detail-type": {entry.DetailType}}})
	}
	return calls, nil
}

func (n *namer) nameSecret(operation string, body []byte) ([]permission.Call, error) {
	var in struct{ SecretID string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if operation != "GetSecretValue" || !strings.HasPrefix(in.SecretID, "arn:") {
		return nil, fmt.Errorf("%s of %q: only GetSecretValue by an ARN is supported", operation, in.SecretID)
	}
	return []permission.Call{{Action: "secretsmanager:GetSecretValue", Resource: in.SecretID}}, nil
}
