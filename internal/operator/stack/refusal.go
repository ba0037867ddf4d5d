package stack

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// policyPage is where the documents say what an operator may do.
const policyPage = `"What an operator may do" in docs/operating.md`

// Refusal reports a call that AWS refused because of who made it. Its text names what is missing,
// without the request ids and the repetitions of the SDK.
type Refusal struct {
	// action is the IAM action that the credentials lack, such as "cloudwatch:GetMetricData". It
	// is empty if the credentials themselves are the problem.
	action string
	// resource is the ARN that AWS named, or "" if it named none.
	resource string

	text string
	err  error
}

func (r *Refusal) Error() string { return r.text }
func (r *Refusal) Unwrap() error { return r.err }

// Error codes by which AWS services refuse a call.
var (
	deniedCodes = []string{
		"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "Forbidden",
		"KMSAccessDeniedException", "KMS.AccessDeniedException", "UnauthorizedOperation",
	}
	expiredCodes = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
	unknownCodes = []string{
		"AuthFailure", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException",
		"InvalidToken", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "NotSignedUp", "OptInRequired",
		"SignatureDoesNotMatch", "UnrecognizedClientException",
	}
	clockCodes = []string{"RequestTimeTooSkewed", "RequestInTheFuture"}
)

// Explain returns a [Refusal] if AWS refused a call. If a call did not reach AWS, or AWS answered with
// another error, it returns an error without the words of the SDK. Otherwise it returns err itself. The
// text that callers put before the error of the SDK stays.
func Explain(err error) error {
	var call *smithy.OperationError
	if !errors.As(err, &call) {
		return err
	}

	refusal := refusalOf(call)
	if refusal == nil {
		return withoutSDK(err, call)
	}
	refusal.text = strings.Replace(err.Error(), call.Error(), refusal.text, 1)
	refusal.err = err
	return refusal
}

// explained is an error in words of our own.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// withoutSDK returns the error of a call without the words of the SDK.
func withoutSDK(err error, call *smithy.OperationError) error {
	var unsent *smithyhttp.RequestSendError
	var answer smithy.APIError
	text := ""
	switch {
	case errors.As(call, &unsent):
		text = fmt.Sprintf("AWS cannot be reached (%s): check the network, the Region, and AWS_ENDPOINT_URL if it is set", cause(unsent))
	case errors.As(call, &answer) && answer.ErrorMessage() != "":
		text = fmt.Sprintf("%s answers %s to %s: %s", call.Service(), answer.ErrorCode(), call.Operation(), answer.ErrorMessage())
	default:
		return err
	}
	return &explained{strings.Replace(err.Error(), call.Error(), text, 1), err}
}

// cause returns the text of the innermost error.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// refusalOf returns why AWS refused a call, or nil if it did not refuse it.
func refusalOf(call *smithy.OperationError) *Refusal {
	var answer smithy.APIError
	var unsent *smithyhttp.RequestSendError
	switch {
	case errors.As(call, &answer):
	case errors.As(call, &unsent):
		return nil
	case strings.Contains(call.Error(), "failed to refresh cached credentials"):
		return &Refusal{text: expiredText("")}
	default:
		return nil
	}

	code := answer.ErrorCode()
	switch {
	case slices.Contains(deniedCodes, code):
		return denied(call, answer.ErrorMessage())
	case slices.Contains(expiredCodes, code):
		return &Refusal{text: expiredText(" (" + code + ")")}
	case slices.Contains(clockCodes, code), strings.Contains(answer.ErrorMessage(), "Signature expired"):
		return &Refusal{text: fmt.Sprintf("the clock of this machine differs from that of AWS (%s): set the clock", code)}
	case slices.Contains(unknownCodes, code):
		return &Refusal{text: fmt.Sprintf("AWS does not accept these credentials (%s): check AWS_PROFILE, or AWS_ACCESS_KEY_ID, "+
			"AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and that the Region is turned on in the account; no permission is missing", code)}
	}
	return nil
}

func expiredText(code string) string {
	return "the AWS credentials have expired" + code + ": log in again, for example with 'aws sso login'; no permission is missing"
}

// notAuthorized matches the sentence by which most services name the action and the resource.
var notAuthorized = regexp.MustCompile(`not authorized to perform: ([A-Za-z0-9-]+:[A-Za-z0-9*]+)(?: on (?:the )?resource: (\S+))?`)

func denied(call *smithy.OperationError, message string) *Refusal {
	r := &Refusal{action: actionOf(call)}
	if match := notAuthorized.FindStringSubmatch(message); match != nil {
		r.resource = strings.TrimRight(match[2], `".,`)
		// SQS writes actions in lower case. A service that acts for us, such as KMS, is another one.
		if !strings.EqualFold(match[1], r.action) {
			r.action = match[1]
		}
	}

	r.text = "access denied: the credentials may not call " + r.action
	if r.resource != "" {
		r.text += " on " + r.resource
	}
	if strings.Contains(message, "explicit deny") {
		r.text += ", which a policy denies explicitly"
	}
	r.text += "; " + policyPage + " has the policy that allows it"
	return r
}

// otherActions are the actions whose names differ from those of the calls.
var otherActions = map[string]string{
	"s3:HeadObject":    "s3:GetObject",
	"s3:ListObjectsV2": "s3:ListBucket",
	"lambda:Invoke":    "lambda:InvokeFunction",
}

// actionOf returns the IAM action that allows a call.
func actionOf(call *smithy.OperationError) string {
	service := strings.ToLower(strings.ReplaceAll(call.Service(), " ", ""))
	action := service + ":" + call.Operation()
	if other := otherActions[action]; other != "" {
		return other
	}
	return action
}
