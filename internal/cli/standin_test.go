package cli

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
	"github.com/resolverwatch/resolverwatch/internal/localaws/role"
	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// Names of the parts that the stand-in adds to the embedded stack.
const (
	alertQueue  = "resolverwatch-alerts"
	deadLetters = "resolverwatch-alerts-dead"
	sentTable   = "resolverwatch-sent"
)

// standIn stands before the embedded AWS. It judges every call of the operator by the policy in the documents, and
// serves what only an operator's commands use: CloudWatch, SQS, the query logging of Resolver, and
// the notifier with its table.
type standIn struct {
	policy *policy
	inner  http.Handler

	mu       sync.Mutex
	outputs  map[string]string
	denied   map[string]bool // actions that are denied whatever the policy says
	failure  string          // an error code for every call
	metrics  map[string]float64
	alarms   []cbor.Value
	waiting  map[string]int // messages by queue
	logging  bool           // a query logging configuration exists
	vpcs     []map[string]any
	notifier map[string]string // what each target says; nil: the notifier is stopped
	answers  map[string]any    // rows of the notifier's table
}

func newStandIn(stack *localaws.Stack, p *policy) *standIn {
	target, err := url.Parse(stack.URL)
	if err != nil {
		panic(err)
	}
	s := &standIn{policy: p, denied: map[string]bool{}, metrics: map[string]float64{}, waiting: map[string]int{},
		outputs: map[string]string{}, answers: map[string]any{}}
	s.inner = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: s.addOutputs,
	}
	return s
}

// turnOnAlerts adds the notifier with what its targets say.
func (s *standIn) turnOnAlerts(results map[string]string) {
	s.notifier = results
	s.outputs = map[string]string{
		"AlertQueueUrl":           "https://sqs.us-east-1.amazonaws.com/000000000000/" + alertQueue,
		"AlertDeadLetterQueueUrl": "https://sqs.us-east-1.amazonaws.com/000000000000/" + deadLetters,
		"AlertTableName":          sentTable,
		"NotifierFunctionName":    "resolverwatch-notifier",
	}
}

// addOutputs adds outputs to the description of the stack.
func (s *standIn) addOutputs(response *http.Response) error {
	if response.Header.Get("Content-Type") != "text/xml" {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var more bytes.Buffer
	for key, value := range s.outputs {
		fmt.Fprintf(&more, "<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>", key, value)
	}
	body = bytes.Replace(body, []byte("</Outputs>"), append(more.Bytes(), "</Outputs>"...), 1)
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

// cloudWatchPath begins the paths of CloudWatch's protocol.
const cloudWatchPath = "/service/GraniteServiceVersion20100801/operation/"

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	called := callOf(r, body)
	isOwner := strings.Contains(r.Header.Get("Authorization"), "Credential="+role.Owner+"/")
	switch {
	case s.failure != "":
		refuseCall(w, r, s.failure, "The security token included in the request is not accepted")
		return
	case s.denied[called.action] || !isOwner && !s.policy.allows(called):
		refuseCall(w, r, "AccessDenied", fmt.Sprintf("User: arn:aws:iam::000000000000:user/LOCALOPERATOR is not authorized to perform: %s "+
			"on resource: %s because no identity-based policy allows the %s action", called.action, called.resource, called.action))
		return
	}

	service, operation := awsjson.Target(r)
	switch {
	case strings.HasPrefix(r.URL.Path, cloudWatchPath):
		s.cloudWatch(w, path.Base(r.URL.Path), body)
	case service == "AmazonSQS":
		s.queue(w, operation, body)
	case service == "Route53Resolver":
		s.resolver(w, operation)
	case service == "DynamoDB_20120810" && bytes.Contains(body, []byte(`"`+sentTable+`"`)):
		s.answer(w, body)
	default:
		s.inner.ServeHTTP(w, r)
	}
}

func writeJSON(w http.ResponseWriter, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	api := awsjson.API{Version: "1.1"}
	api.WriteRaw(w, http.StatusOK, text)
}

func (s *standIn) queue(w http.ResponseWriter, operation string, body []byte) {
	var in struct{ QueueUrl, MessageBody string } //nolint:revive // the protocol's names
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err)
	}
	if operation == "GetQueueAttributes" {
		writeJSON(w, map[string]any{"Attributes": map[string]string{
			"ApproximateNumberOfMessages": strconv.Itoa(s.waiting[path.Base(in.QueueUrl)])}})
		return
	}

	var message alert.Message
	if err := json.Unmarshal([]byte(in.MessageBody), &message); err != nil {
		panic(err)
	}
	if s.notifier == nil {
		s.waiting[alertQueue]++
	} else {
		row := map[string]any{
			"key": map[string]string{"S": "test#" + message.Test}, "expires_at": map[string]string{"N": "1800000000"},
			"at": map[string]string{"S": time.Now().UTC().Format("2006-01-02T15:04:05.000Z")},
		}
		for target, text := range s.notifier {
			row[target] = map[string]string{"S": text}
		}
		s.answers["test#"+message.Test] = row
	}
	sum := md5.Sum([]byte(in.MessageBody))
	writeJSON(w, map[string]string{"MessageId": "1", "MD5OfMessageBody": hex.EncodeToString(sum[:])})
}

// answer serves GetItem of the notifier's table.
func (s *standIn) answer(w http.ResponseWriter, body []byte) {
	var in struct {
		Key map[string]struct{ S string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err)
	}
	out := map[string]any{}
	if row := s.answers[in.Key["key"].S]; row != nil {
		out["Item"] = row
	}
	writeJSON(w, out)
}

func (s *standIn) resolver(w http.ResponseWriter, operation string) {
	switch {
	case operation == "ListResolverQueryLogConfigAssociations":
		writeJSON(w, map[string]any{"ResolverQueryLogConfigAssociations": s.vpcs})
	case s.logging:
		writeJSON(w, map[string]any{"ResolverQueryLogConfigs": []map[string]string{
			{"Id": "rqlc-1", "DestinationArn": "arn:aws:firehose:us-east-1:000000000000:deliverystream/" + localaws.DeliveryStream},
			{"Id": "rqlc-2", "DestinationArn": "arn:aws:s3:::elsewhere"},
		}})
	default:
		writeJSON(w, map[string]any{"ResolverQueryLogConfigs": []any{}})
	}
}

func (s *standIn) cloudWatch(w http.ResponseWriter, operation string, body []byte) {
	decoded, err := cbor.Decode(body)
	if err != nil {
		panic(err)
	}
	in := decoded.(cbor.Map)
	if operation == "DescribeAlarms" {
		writeCBOR(w, http.StatusOK, cbor.Map{"MetricAlarms": cbor.List(s.alarms)})
		return
	}
	results := cbor.List{}
	for _, query := range in["MetricDataQueries"].(cbor.List) {
		query := query.(cbor.Map)
		stat := query["MetricStat"].(cbor.Map)
		name := string(stat["Metric"].(cbor.Map)["MetricName"].(cbor.String))
		values := cbor.List{}
		if value, found := s.metrics[name]; found {
			values = cbor.List{cbor.Float64(value / 2), cbor.Float64(value / 2)}
			if stat["Stat"] == cbor.String("Maximum") {
				values = cbor.List{cbor.Float64(value), cbor.Float64(1)}
			}
		}
		results = append(results, cbor.Map{"Id": query["Id"], "Values": values, "StatusCode": cbor.String("Complete")})
	}
	writeCBOR(w, http.StatusOK, cbor.Map{"MetricDataResults": results})
}

func writeCBOR(w http.ResponseWriter, status int, answer cbor.Value) {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	w.WriteHeader(status)
	_, _ = w.Write(cbor.Encode(answer))
}

// refuseCall answers with an error in the protocol of the request.
func refuseCall(w http.ResponseWriter, r *http.Request, code, message string) {
	service, _ := awsjson.Target(r)
	switch {
	case strings.HasPrefix(r.URL.Path, cloudWatchPath):
		writeCBOR(w, http.StatusForbidden, cbor.Map{"__type": cbor.String(code), "message": cbor.String(message)})
	case service != "" || strings.HasPrefix(r.URL.Path, "/2015-03-31/"):
		w.Header().Set("X-Amzn-Errortype", code)
		api := awsjson.API{Version: "1.1"}
		api.WriteError(w, &awsjson.Error{Status: http.StatusForbidden, Code: code, Message: message})
	case isForm(r):
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
	default:
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
	}
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}
