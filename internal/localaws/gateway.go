package localaws

import (
	"net/http"
	"strings"

	"github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
	"github.com/resolverwatch/resolverwatch/internal/localaws/lambda"
	"github.com/resolverwatch/resolverwatch/internal/localaws/secretsmanager"
	"github.com/resolverwatch/resolverwatch/internal/localaws/ssm"
)

// gateway serves all services under one address: JSON services are told apart by their
// target header, those of the query protocol by their form, Lambda by its path, and the
// rest is S3.
func (s *Stack) gateway() http.Handler {
	services := map[string]http.Handler{
		dynamodb.TargetPrefix:       s.table,
		ssm.TargetPrefix:            &s.parameters,
		secretsmanager.TargetPrefix: &s.Secrets,
		firehose.TargetPrefix:       firehose.API{DeliveryStream: s.Stream},
	}
	query := newQueryAPI(s.name)
	functions := lambda.API{Importer: s.Importer, Transformer: s.Transformer}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service, operation := awsjson.Target(r)
		switch handler := services[service]; {
		case handler != nil:
			handler.ServeHTTP(w, r)
		case service != "":
			api := awsjson.API{Version: "1.1"}
			api.WriteError(w, &awsjson.Error{Code: "UnknownOperationException",
				Message: "no local endpoint for " + service + "." + operation})
		case isQuery(r):
			query.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, lambda.PathPrefix):
			functions.ServeHTTP(w, r)
		default:
			s.objects.ServeHTTP(w, r)
		}
	})
}
