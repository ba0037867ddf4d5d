// Package localaws runs Resolverwatch's pipeline on this machine, for the demo and for
// tests. It serves S3, DynamoDB, the Parameter Store, Lambda and Firehose on loopback, wired
// like the deployed stack, and runs the compiled functions as child processes. Given the
// paths of the functions' binaries and their settings, [Start] returns a [Stack] with one
// URL that the AWS SDKs and the AWS CLI can use.
//
// Each service is a package below this one. Its documentation lists the rules of AWS that it
// enforces and the features that it lacks. Everything is kept in memory until [Stack.Close].
// No Lambda function imports this package.
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
	"github.com/resolverwatch/resolverwatch/internal/localaws/role"
	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/internal/localaws/ssm"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Names of the resources in the stack.
const (
	ListBucket     = "resolverwatch-lists"
	IndexBucket    = "resolverwatch-index"
	LogBucket      = "resolverwatch-logs"
	tableName      = "resolverwatch-indicators"
	DeliveryStream = "resolverwatch"
	Importer       = "resolverwatch-importer"
	Transformer    = "resolverwatch-transformer"
)

// Config describes a stack.
type Config struct {
	// ImporterBinary and TransformerBinary are the paths of the two functions' `bootstrap`
	// executables, compiled for this machine. Required.
	ImporterBinary, TransformerBinary string

	// Importer and Transformer, if set, modify the default settings of the functions. The
	// stack sets the names of the buckets and the table.
	Importer    func(*settings.ImporterFunction)
	Transformer func(*settings.TransformerFunction)

	// Delivery, if set, modifies the default delivery stream.
	Delivery func(*firehose.Config)

	// Feeds holds the settings of feeds by feed id.
	Feeds map[indicator.FeedID]settings.Feed

	// Logs returns the writer for the output of a function, given its name. If nil, the
	// output is discarded.
	Logs func(function string) io.Writer

	// OnEventLost, if set, is called for each S3 event that failed on every try.
	OnEventLost func(event []byte, err error)

	// RetryDelays are the pauses before the importer retries a failed event. Nil means
	// 1 min and 2 min, as on AWS.
	RetryDelays []time.Duration
}

// Stack is a running pipeline. Call [Stack.Close] to stop it.
type Stack struct {
	// URL is the endpoint of all services.
	URL string
	// Stream is the delivery stream that receives query logs.
	Stream *firehose.Stream
	// Importer is the importer's function.
	Importer *lambda.Function

	transformer *lambda.Function
	objects     *s3.Server
	table       *dynamodb.Server
	parameters  ssm.Store
	name        string // name of the stack
	listKey     string // key of the list that is the feed "default"
	server      *http.Server
	served      chan error
}

// Start starts the services on a free port and creates the buckets and the table. A
// function starts when it is first invoked.
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

// build creates all parts of the stack without starting them.
func (s *Stack) build(config Config) error {
	forImporter, forTransformer := functionSettings(&config)
	s.name, s.listKey = forImporter.Stack, forImporter.ListKey

	deployment := role.Deployment{
		ListBucket:  ListBucket,
		IndexBucket: IndexBucket,
		LogBucket:   LogBucket,
		ListKey:     s.listKey,
		Feeds:       config.Feeds,
	}
	s.objects = s3.New(s3.Config{
		Policies: deployment.Policies(),
		OnEvent:  s.invokeImporter,
	})
	s.table = dynamodb.New(dynamodb.Config{})
	if err := s.storeFeeds(forImporter.Stack, config.Feeds); err != nil {
		return err
	}

	if err := s.buildFunctions(&config, &forImporter, &forTransformer); err != nil {
		return err
	}

	var err error
	s.Stream, err = firehose.New(s.delivery(&config))
	return err
}

// buildFunctions creates the functions without starting them, with the limits of the deployed
// ones.
func (s *Stack) buildFunctions(config *Config, forImporter *settings.ImporterFunction,
	forTransformer *settings.TransformerFunction) (err error) {
	s.Importer, err = lambda.New(lambda.Config{
		Name:        Importer,
		Binary:      config.ImporterBinary,
		Environment: s.environment(forImporter.Encode()),
		AccessKey:   role.Importer,
		MemoryMB:    forImporter.MemoryMiB,
		Timeout:     settings.ImporterTimeout,
		Concurrency: 1,
		RetryDelays: config.RetryDelays,
		OnFailure:   config.OnEventLost,
		Logs:        config.logs(Importer),
	})
	if err != nil {
		return err
	}

	s.transformer, err = lambda.New(lambda.Config{
		Name:        Transformer,
		Binary:      config.TransformerBinary,
		Environment: s.environment(forTransformer.Encode()),
		AccessKey:   role.Transformer,
		MemoryMB:    forTransformer.MemoryMiB,
		Timeout:     forTransformer.Timeout.Std(),
		Logs:        config.logs(Transformer),
	})
	return err
}

// storeFeeds writes the settings of feeds to the Parameter Store, where the importer reads
// them.
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

// functionSettings returns the settings of both functions: the defaults, modified by config.
func functionSettings(config *Config) (settings.ImporterFunction, settings.TransformerFunction) {
	forImporter := settings.Default[settings.ImporterFunction]()
	forImporter.ListBucket, forImporter.IndexBucket, forImporter.Table = ListBucket, IndexBucket, tableName
	forTransformer := settings.Default[settings.TransformerFunction]()
	forTransformer.IndexBucket = IndexBucket

	if config.Importer != nil {
		config.Importer(&forImporter)
	}
	if config.Transformer != nil {
		config.Transformer(&forTransformer)
	}

	return forImporter, forTransformer
}

func (c *Config) logs(function string) io.Writer {
	if c.Logs == nil {
		return nil
	}
	return c.Logs(function)
}

// environment returns the variables of a function with the given settings.
func (s *Stack) environment(encoded string) map[string]string {
	return map[string]string{settings.EnvSettings: encoded, "AWS_ENDPOINT_URL": s.URL}
}

// delivery returns the configuration of the delivery stream.
func (s *Stack) delivery(config *Config) firehose.Config {
	preset := settings.Delivery{}.Filled()
	processing := firehose.NewProcessing(s.transformer, s.transformer.ARN())
	processing.BufferSizeInMBs = settings.ProcessorBufferMiB
	processing.BufferIntervalInSeconds = int(settings.ProcessorBufferInterval.Seconds())

	stream := firehose.Config{
		DeliveryStreamName: DeliveryStream,
		Bucket:             &logBucket{client: s.s3Client(role.Delivery)},
		Prefix:             preset.Prefix,
		ErrorOutputPrefix:  preset.ErrorPrefix,
		BufferingHints: &firehose.BufferingHints{
			SizeInMBs:         preset.BufferSizeMiB,
			IntervalInSeconds: int(preset.BufferInterval.Std().Seconds()),
		},
		CompressionFormat: string(preset.Compression),
		FileExtension:     preset.FileExtension(),
		Processing:        processing,
	}
	if config.Delivery != nil {
		config.Delivery(&stream)
	}
	return stream
}

// invokeImporter replaces the EventBridge rule of the deployed stack. It invokes the
// importer for changes of lists only, because the importer writes other objects to the same
// bucket.
func (s *Stack) invokeImporter(event s3.Event) {
	key := event.Detail.Object.Key
	isList := strings.HasPrefix(key, settings.BlockPrefix) || strings.HasPrefix(key, settings.AllowPrefix) ||
		strings.HasPrefix(key, settings.GuardPrefix) || key == s.listKey
	if event.Detail.Bucket.Name != ListBucket || !isList {
		return
	}

	text, err := json.Marshal(event)
	if err == nil {
		err = s.Importer.InvokeAsync(text)
	}
	if err != nil && !errors.Is(err, lambda.ErrClosed) {
		panic(err) // events always encode and are smaller than the limit
	}
}

// Close delivers the records that are still buffered, then stops the functions and the
// services. If ctx ends first, records may be lost and Close returns an error.
func (s *Stack) Close(ctx context.Context) error {
	err := s.Stream.Close(ctx)
	err = errors.Join(err, s.Importer.Close(), s.transformer.Close(), s.server.Close())
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// gateway serves all services at one address. It recognizes services of the JSON protocol
// by their target header, those of the query protocol by their form, and Lambda by its path.
// Everything else is S3.
func (s *Stack) gateway() http.Handler {
	services := map[string]http.Handler{
		dynamodb.TargetPrefix: s.table,
		ssm.TargetPrefix:      &s.parameters,
		firehose.TargetPrefix: firehose.API{DeliveryStream: s.Stream},
	}
	query := newQueryAPI(s.name)
	functions := lambda.API{Importer: s.Importer, Transformer: s.transformer}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service, operation := awsjson.Target(r)
		switch handler := services[service]; {
		case handler != nil:
			handler.ServeHTTP(w, r)
		case service != "":
			api := awsjson.API{Version: "1.1"}
			api.WriteError(w, &awsjson.Error{Code: "UnknownOperationException",
				Message: "no local endpoint for " + service + "." + operation})
		case strings.HasPrefix(r.URL.Path, cborPath):
			refuseCBOR(w, r)
		case isQuery(r):
			query.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, lambda.PathPrefix):
			functions.ServeHTTP(w, r)
		default:
			s.objects.ServeHTTP(w, r)
		}
	})
}
