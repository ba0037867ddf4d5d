package lambda

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// PathPrefix begins the paths of Lambda's API.
const PathPrefix = "/2015-03-31/functions/"

// API serves the operation Invoke for functions by name, so that `aws lambda invoke` works.
type API map[string]*Function

// ServeHTTP serves POST /2015-03-31/functions/NAME/invocations. The header
// X-Amz-Invocation-Type is RequestResponse (the default), Event or DryRun.
func (a API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, PathPrefix), "/")
	if _, short, isARN := strings.Cut(name, ":function:"); isARN {
		name = short
	}

	function := a[name]
	switch {
	case r.Method != http.MethodPost || rest != "invocations":
		refuse(w, http.StatusNotFound, "UnknownOperationException", "the local endpoint supports only Invoke")
		return
	case function == nil:
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+name)
		return
	}

	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", errTooLarge.Error())
		return
	}

	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		output, err := function.Invoke(r.Context(), payload)
		respond(w, output, err)
	case "Event":
		if err := function.InvokeAsync(payload); err != nil {
			respond(w, nil, err)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusBadRequest, "InvalidParameterValueException", "unknown invocation type "+kind)
	}
}

// respond sends the result of an invocation. If the function failed, the call still succeeds and
// a header reports the failure.
func respond(w http.ResponseWriter, output []byte, err error) {
	failed := (*FunctionError)(nil)
	switch {
	case errors.As(err, &failed):
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		send(w, http.StatusOK, failed)
	case errors.Is(err, errTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", err.Error())
	case errors.Is(err, ErrThrottled):
		refuse(w, http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	case err != nil:
		refuse(w, http.StatusInternalServerError, "ServiceException", err.Error())
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(output) // fails only if the client has disconnected
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	send(w, status, struct{ Type, Message string }{"User", message})
}
