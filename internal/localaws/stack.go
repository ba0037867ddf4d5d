// Package localaws runs Resolverwatch's pipeline on this machine: S3, DynamoDB, the
// Parameter Store, Secrets Manager, Lambda and Firehose as endpoints on loopback that
// keep AWS's rules, wired the way the deployed stack is, with the really built functions
// as child processes. What goes in are the paths of the functions' binaries and their
// settings; what comes out is a [Stack] with one URL that the AWS SDKs and the AWS CLI
// understand.
//
// Each service is a package of its own below this one and says there what it keeps
// and what it leaves out. All of it lives in memory and ends with [Stack.Close].
// Nothing here is ever part of a Lambda function.
package localaws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
	"github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/internal/localaws/lambda"
	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/internal/localaws/secretsmanager"
	"github.com/resolverwatch/resolverwatch/internal/localaws/ssm"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Names of what the stack consists of.
const (
	ListBucket     = "resolverwatch-lists"
	IndexBucket    = "resolverwatch-index"
	LogBucket      = "resolverwatch-logs"
	Table          = "resolverwatch-indicators"
	DeliveryStream = "resolverwatch"
	Importer       = "resolverwatch-importer"
	Transformer    = "resolverwatch-transformer"
)

// Config describes a stack.
type Config struct {
	// ImporterBinary and TransformerBinary are the paths of the two functions'
	// `bootstrap`, built for this machine. Required.
	ImporterBinary, TransformerBinary string
	// Importer and Transformer, if set, change the functions' settings from their
	// defaults. The names of buckets and table are the stack's.
	Importer    func(*settings.Importer)
	Transformer func(*settings.Transformer)
	// Delivery, if set, changes the delivery stream from the stack's defaults.
	Delivery func(*firehose.Config)
	// Feeds are the settings of feeds, by feed id.
	Feeds map[indicator.FeedID]settings.Feed
	// Logs returns where a function's output goes, by its name. Nil drops it.
	Logs func(function string) io.Writer
	// OnEventLost, if set, is told of an S3 event that the importer failed to handle
	// for good.
	OnEventLost func(event []byte, err error)
	// RetryDelays are the pauses before the importer is given a failed event again;
	// nil is 1 min and 2 min, as in AWS.
	RetryDelays []time.Duration
	// S3Fault and TableFault make the services fail on demand.
	S3Fault    func(s3.Request) *s3.Fault
	TableFault func(operation string) error
}

// Limits of the deployed functions.
const (
	importerMemoryMB    = 1024
	importerTimeout     = 5 * time.Minute
	transformerMemoryMB = 256
	transformerTimeout  = 2 * time.Minute
)

// Stack is a running pipeline. It must be closed.
type Stack struct {
	// URL is the endpoint of every service.
	URL string
	// Stream is the delivery stream that Resolver would write to.
	Stream *firehose.Stream
	// Importer and Transformer are the functions.
	Importer, Transformer *lambda.Function
	// Secrets are what feeds with a URL are asked for.
	Secrets secretsmanager.Store

	objects    *s3.Server
	table      *dynamodb.Server
	parameters ssm.Store
	name       string // of the stack
	legacyKey  string
	server     *http.Server
	served     chan error
}

// Start makes the buckets and the table, starts the endpoints on a free port, and
// returns when they answer. Functions start when they are first invoked.
func Start(ctx context.Context, config Config) (*Stack, error) {
	s := &Stack{served: make(chan error, 1)}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a local port: %w", err)
	}
	s.URL = "http://" + listener.Addr().String()
	if err := s.build(config); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.server = &http.Server{Handler: s.gateway(), ReadHeaderTimeout: 10 * time.Second}
	go func() { s.served <- s.server.Serve(listener) }()
	if err := s.create(ctx); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// build makes all parts; nothing runs yet.
func (s *Stack) build(config Config) error {
	forImporter, forTransformer, err := functionSettings(&config)
	if err != nil {
		return err
	}
	s.name, s.legacyKey = forImporter.Stack, forImporter.LegacyKey
	s.objects = s3.New(s3.Config{Policies: policies(s.legacyKey, config.Feeds), Fault: config.S3Fault, OnEvent: s.onEvent})
	s.table = dynamodb.New(dynamodb.Config{Fault: config.TableFault})
	if err := s.storeFeeds(forImporter.Stack, config.Feeds); err != nil {
		return err
	}
	s.Importer, err = lambda.New(lambda.Config{
		Name: Importer, Binary: config.ImporterBinary, Environment: s.withEndpoint(forImporter.Encode()),
		AccessKey: importerKey, MemoryMB: importerMemoryMB, Timeout: importerTimeout, Concurrency: 1,
		RetryDelays: config.RetryDelays,
		OnFailure:   config.OnEventLost, Logs: config.logs(Importer),
	})
	if err != nil {
		return err
	}
	s.Transformer, err = lambda.New(lambda.Config{
		Name: Transformer, Binary: config.TransformerBinary, Environment: s.withEndpoint(forTransformer.Encode()),
		AccessKey: transformerKey, MemoryMB: transformerMemoryMB, Timeout: transformerTimeout,
		Logs: config.logs(Transformer),
	})
	if err != nil {
		return err
	}
	s.Stream, err = firehose.New(s.delivery(&config))
	return err
}

// storeFeeds puts the settings of feeds where the importer looks for them.
func (s *Stack) storeFeeds(stack string, feeds map[indicator.FeedID]settings.Feed) error {
	for id, feed := range feeds {
		text, err := json.Marshal(feed)
		if err == nil {
			err = s.parameters.Put(settings.FeedParameter(stack, string(id)), string(text))
		}
		if err != nil {
			return fmt.Errorf("storing the settings of feed %q: %w", id, err)
		}
	}
	return nil
}

// functionSettings returns the settings of both functions.
func functionSettings(config *Config) (settings.Importer, settings.Transformer, error) {
	names := map[string]string{
		settings.EnvListBucket: ListBucket, settings.EnvIndexBucket: IndexBucket, settings.EnvTable: Table}
	lookup := func(name string) (string, bool) { value, found := names[name]; return value, found }
	forImporter, err := settings.DecodeImporter(lookup)
	forTransformer, transformerErr := settings.DecodeTransformer(lookup)
	if config.Importer != nil {
		config.Importer(&forImporter)
	}
	if config.Transformer != nil {
		config.Transformer(&forTransformer)
	}
	return forImporter, forTransformer, errors.Join(err, transformerErr)
}

func (c *Config) logs(function string) io.Writer {
	if c.Logs == nil {
		return nil
	}
	return c.Logs(function)
}

func (s *Stack) withEndpoint(environment map[string]string) map[string]string {
	environment["AWS_ENDPOINT_URL"] = s.URL
	return environment
}

// delivery is the stream as the stack deploys it.
func (s *Stack) delivery(config *Config) firehose.Config {
	stream := firehose.Config{
		DeliveryStreamName: DeliveryStream,
		Bucket:             &logBucket{client: s.s3Client(firehoseKey)},
		Prefix:             "dns-query-logs/!{timestamp:yyyy/MM/dd}/",
		ErrorOutputPrefix:  "delivery-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/",
		BufferingHints:     &firehose.BufferingHints{SizeInMBs: 5, IntervalInSeconds: 60},
		CompressionFormat:  firehose.GZIP,
		Processing:         firehose.NewProcessing(s.Transformer, s.Transformer.ARN()),
	}
	if config.Delivery != nil {
		config.Delivery(&stream)
	}
	return stream
}

// onEvent is the rule that invokes the importer: changes of lists, and only those,
// because the importer itself writes beside them.
func (s *Stack) onEvent(event s3.Event) {
	key := event.Detail.Object.Key
	isList := strings.HasPrefix(key, settings.BlockPrefix) || strings.HasPrefix(key, settings.AllowPrefix) ||
		strings.HasPrefix(key, settings.GuardPrefix) || key == s.legacyKey
	if event.Detail.Bucket.Name != ListBucket || !isList {
		return
	}
	text, err := json.Marshal(event)
	if err == nil {
		err = s.Importer.InvokeAsync(text)
	}
	if err != nil && !errors.Is(err, lambda.ErrClosed) {
		panic(err) // an event always encodes, to less than the limit
	}
}

// Close delivers what the stream still holds, ends the functions and closes the
// endpoints. If the context ends first, records may be lost, which is an error.
func (s *Stack) Close(ctx context.Context) error {
	err := s.Stream.Close(ctx)
	err = errors.Join(err, s.Importer.Close(), s.Transformer.Close(), s.server.Close())
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

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
