package localaws

import (
	"encoding/xml"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// queryAPI serves the two calls of AWS's query protocol that the command line needs to find
// a stack: CloudFormation's DescribeStacks and GetCallerIdentity of STS.
type queryAPI struct {
	stack   string
	created time.Time
	outputs []stackOutput
}

type stackOutput struct {
	Key   string `xml:"OutputKey"`
	Value string `xml:"OutputValue"`
}

func newQueryAPI(stack string) *queryAPI {
	return &queryAPI{stack: stack, created: time.Now().UTC(), outputs: []stackOutput{
		{settings.OutputListBucketName, ListBucket},
		{settings.OutputIndexBucketName, IndexBucket},
		{settings.OutputTableName, tableName},
		{settings.OutputOutputBucketName, LogBucket},
		{settings.OutputDeliveryStreamName, DeliveryStream},
		{settings.OutputMarkedPrefix, settings.Default[settings.Delivery]().Prefix},
		{settings.OutputErrorPrefix, settings.Default[settings.Delivery]().ErrorPrefix},
		{settings.OutputImporterFunctionName, Importer},
	}}
}

// cborPath begins the paths of services that speak CBOR, such as CloudWatch. None of them is here.
const cborPath = "/service/"

func refuseCBOR(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(cbor.Encode(cbor.Map{ // the client has disconnected
		"__type":  cbor.String("UnknownOperationException"),
		"message": cbor.String("no local endpoint for " + path.Base(r.URL.Path)),
	}))
}

// isQuery reports whether a request uses the query protocol. S3 never receives forms of this
// type.
func isQuery(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/" &&
		strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

const maxFormBytes = 64 << 10

func (q *queryAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil {
		writeQueryError(w, "MalformedInput", err.Error())
		return
	}
	switch action := r.PostForm.Get("Action"); action {
	case "DescribeStacks":
		q.describe(w, r.PostForm.Get("StackName"))
	case "GetCallerIdentity":
		writeXML(w, http.StatusOK, callerIdentity{Arn: "arn:aws:iam::000000000000:user/" + callerOf(r)})
	default:
		writeQueryError(w, "InvalidAction", "no local endpoint for "+action)
	}
}

type describeStacks struct {
	XMLName xml.Name      `xml:"DescribeStacksResponse"`
	Name    string        `xml:"DescribeStacksResult>Stacks>member>StackName"`
	Status  string        `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
	Created string        `xml:"DescribeStacksResult>Stacks>member>CreationTime"`
	Outputs []stackOutput `xml:"DescribeStacksResult>Stacks>member>Outputs>member"`
}

func (q *queryAPI) describe(w http.ResponseWriter, name string) {
	if name != "" && name != q.stack {
		writeQueryError(w, "ValidationError", "Stack with id "+name+" does not exist")
		return
	}
	writeXML(w, http.StatusOK, describeStacks{
		Name:    q.stack,
		Status:  "CREATE_COMPLETE",
		Created: q.created.Format(time.RFC3339),
		Outputs: q.outputs,
	})
}

type callerIdentity struct {
	XMLName xml.Name `xml:"GetCallerIdentityResponse"`
	Arn     string   `xml:"GetCallerIdentityResult>Arn"`
}

// callerOf returns the access key that signed a request.
func callerOf(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(credential, "/")
	return key
}

type queryError struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
}

func writeQueryError(w http.ResponseWriter, code, message string) {
	writeXML(w, http.StatusBadRequest, queryError{Type: "Sender", Code: code, Message: message})
}

func writeXML(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(answer) // the client has disconnected
}
