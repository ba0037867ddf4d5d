package stack

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// refused is a call as the SDK reports it.
func refused(service, operation, code, message string) error {
	return fmt.Errorf("looking at it: %w", &smithy.OperationError{ServiceID: service, OperationName: operation,
		Err: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusForbidden}},
			Err:      &smithy.GenericAPIError{Code: code, Message: message},
		}})
}

// A refused call names the action that is missing; the words around it stay.
func TestExplain_denied(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, service, operation, code, message string
		action, resource                        string
	}{
		{"an action and a resource", "CloudFormation", "DescribeStacks", "AccessDenied",
			"User: arn:aws:iam::111122223333:user/a is not authorized to perform: cloudformation:DescribeStacks on resource: " +
				"arn:aws:cloudformation:eu-west-1:111122223333:stack/x/* because no identity-based policy allows the cloudformation:DescribeStacks action",
			"cloudformation:DescribeStacks", "arn:aws:cloudformation:eu-west-1:111122223333:stack/x/*"},
		{"an action in lower case", "SQS", "SendMessage", "AccessDenied",
			"User: u is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:eu-west-1:111122223333:q", "sqs:SendMessage",
			"arn:aws:sqs:eu-west-1:111122223333:q"},
		{"another service", "SQS", "SendMessage", "AccessDenied",
			"User: u is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:111122223333:key/k",
			"kms:GenerateDataKey", "arn:aws:kms:eu-west-1:111122223333:key/k"},
		{"no resource", "CloudWatch", "GetMetricData", "AccessDenied", "User: u is not authorized to perform: cloudwatch:GetMetricData",
			"cloudwatch:GetMetricData", ""},
		{"no sentence", "Route53Resolver", "ListResolverQueryLogConfigs", "AccessDeniedException", "", "route53resolver:ListResolverQueryLogConfigs", ""},
		{"a call with another name", "S3", "ListObjectsV2", "AccessDenied", "Access Denied", "s3:ListBucket", ""},
		{"a head without a body", "S3", "HeadObject", "Forbidden", "Forbidden", "s3:GetObject", ""},
		{"a function", "Lambda", "Invoke", "AccessDeniedException", "", "lambda:InvokeFunction", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := refused(test.service, test.operation, test.code, test.message)
			var got *Refusal
			if !errors.As(Explain(err), &got) || got.action != test.action || got.resource != test.resource {
				t.Fatalf("%+v", got)
			}
			want := "looking at it: access denied: the credentials may not call " + test.action
			if test.resource != "" {
				want += " on " + test.resource
			}
			if want += "; " + policyPage + " has the policy that allows it"; got.Error() != want {
				t.Errorf("says %q, want %q", got, want)
			}
			if !errors.Is(got, err) {
				t.Error("the error of the SDK is lost")
			}
		})
	}
}

// Credentials that are expired or wrong are not a missing permission.
func TestExplain_credentials(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"ExpiredToken":         "looking at it: the AWS credentials have expired (ExpiredToken): log in again, for example with 'aws sso login'; no permission is missing",
		"RequestTimeTooSkewed": "looking at it: the clock of this machine differs from that of AWS (RequestTimeTooSkewed): set the clock",
		"InvalidClientTokenId": "looking at it: AWS does not accept these credentials (InvalidClientTokenId): check AWS_PROFILE, or AWS_ACCESS_KEY_ID, " +
			"AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and that the Region is turned on in the account; no permission is missing",
	} {
		var got *Refusal
		if err := Explain(refused("STS", "GetCallerIdentity", code, "")); !errors.As(err, &got) || got.action != "" || err.Error() != want {
			t.Errorf("%s: %v", code, err)
		}
	}
	lapsed := &smithy.OperationError{ServiceID: "S3", OperationName: "GetObject",
		Err: errors.New("get identity: get credentials: failed to refresh cached credentials, the SSO session has expired")}
	var got *Refusal
	if !errors.As(Explain(lapsed), &got) || got.action != "" {
		t.Errorf("a session that lapsed: %v", got)
	}
}

// Errors that are no refusal keep what they are about, and lose the words of the SDK.
func TestExplain_withoutSDK(t *testing.T) {
	t.Parallel()
	unsent := fmt.Errorf("looking at it: %w", &smithy.OperationError{ServiceID: "S3", OperationName: "ListObjectsV2",
		Err: &smithyhttp.RequestSendError{Err: fmt.Errorf("Get \"https://s3.test\": %w", errors.New("lookup s3.test: no such host"))}})
	for want, err := range map[string]error{
		"looking at it: CloudFormation answers ValidationError to DescribeStacks: Stack with id x does not exist": refused(
			"CloudFormation", "DescribeStacks", "ValidationError", "Stack with id x does not exist"),
		"looking at it: AWS cannot be reached (lookup s3.test: no such host): check the network, the Region, and AWS_ENDPOINT_URL if it is set": unsent,
	} {
		got := Explain(err)
		var refusal *Refusal
		if !errors.Is(got, err) || errors.As(got, &refusal) || got.Error() != want {
			t.Errorf("%v became %v, want %s", err, got, want)
		}
	}
}

// Other errors are not changed.
func TestExplain_others(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		nil, io.EOF,
		&smithy.OperationError{ServiceID: "S3", OperationName: "GetObject", Err: io.EOF},
	} {
		if got := Explain(err); !errors.Is(got, err) || got != nil && got.Error() != err.Error() {
			t.Errorf("%v became %v", err, got)
		}
	}
}
