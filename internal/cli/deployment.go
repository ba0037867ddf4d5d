package cli

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	awstable "github.com/resolverwatch/resolverwatch/pkg/awsio/table"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// deployment holds the flags by which a command finds the resources of a deployed stack. A
// resource that a flag names is not looked up in the outputs of the stack, so CloudFormation
// is asked only if necessary.
type deployment struct {
	stack, pipeline              string
	indexBucket, table, importer string
	workGroup, database          string
	outputBucket                 string

	config  aws.Config
	outputs stack.Outputs
}

// deploymentHelp is the part of a command's help that explains how the stack is found.
const deploymentHelp = `
The command uses the usual AWS credentials and Region (AWS_PROFILE, AWS_REGION, ...) and
reads the names of resources from the outputs of the stack. Flags can name resources
instead. If a stack has several pipelines, choose one with --pipeline.`

func (d *deployment) register(cmd *cobra.Command) {
	d.registerIndex(cmd)
	flags := cmd.Flags()
	flags.StringVar(&d.table, "table", "", "`NAME` of the table (default: from the outputs of the stack)")
	flags.StringVar(&d.importer, "importer", "", "`NAME` of the importer function (default: from the outputs of the stack)")
}

// registerStack adds the flags by which every command finds a pipeline.
func (d *deployment) registerStack(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&d.stack, "stack", settings.DefaultStack, "`NAME` of the deployed stack")
	flags.StringVar(&d.pipeline, "pipeline", "", "`NAME` of the pipeline, if the stack has several; its outputs begin with it (default: outputs without such a name)")
}

// registerIndex adds the flags of a command that needs only the index.
func (d *deployment) registerIndex(cmd *cobra.Command) {
	d.registerStack(cmd)
	flags := cmd.Flags()
	flags.StringVar(&d.indexBucket, "index-bucket", "", "`NAME` of the index bucket (default: from the outputs of the stack)")
}

// registerAthena adds the flags of a command that queries Athena.
func (d *deployment) registerAthena(cmd *cobra.Command) {
	d.registerStack(cmd)
	flags := cmd.Flags()
	flags.StringVar(&d.workGroup, "workgroup", "", "`NAME` of the Athena workgroup (default: from the outputs of the stack)")
	flags.StringVar(&d.database, "database", "", "`NAME` of the Glue database (default: from the outputs of the stack)")
}

// isNamed reports whether a flag names a stack or an index bucket.
func (d *deployment) isNamed(cmd *cobra.Command) bool {
	return cmd.Flags().Changed("stack") || cmd.Flags().Changed("pipeline") || cmd.Flags().Changed("index-bucket")
}

// resource is a part of a deployed stack that a command needs.
type resource struct {
	flag   string
	value  *string
	output string
}

func (d *deployment) needIndex() resource {
	return resource{"--index-bucket", &d.indexBucket, settings.OutputIndexBucketName}
}

func (d *deployment) needTable() resource {
	return resource{"--table", &d.table, settings.OutputTableName}
}

func (d *deployment) needImporter() resource {
	return resource{"--importer", &d.importer, settings.OutputImporterFunctionName}
}

func (d *deployment) needOutput() resource {
	return resource{"--output-bucket", &d.outputBucket, settings.OutputOutputBucketName}
}

// athena finds the workgroup and the database.
func (d *deployment) athena(ctx context.Context) (*athena.WorkGroup, error) {
	if err := d.findAll(ctx, resource{"--workgroup", &d.workGroup, settings.OutputWorkGroupName},
		resource{"--database", &d.database, settings.OutputDatabaseName}); err != nil {
		return nil, err
	}
	return athena.New(d.config, d.workGroup, d.database), nil
}

// findAll loads the AWS configuration and finds the resources that a command needs.
func (d *deployment) findAll(ctx context.Context, needed ...resource) (err error) {
	if d.config, err = awsConfig(ctx); err != nil {
		return err
	}
	for _, r := range needed {
		if err := d.find(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// awsConfig returns the AWS configuration. It checks the Region and the credentials first, to
// say what to set; the SDK would only name the last source that it tried.
func awsConfig(ctx context.Context) (aws.Config, error) {
	loaded, err := awsio.Config(ctx, config.WithLogger(logging.Nop{})) // the SDK's warnings are for programmers
	switch {
	case err != nil:
		return loaded, err
	case loaded.Region == "":
		return loaded, errors.New("no AWS Region: set AWS_REGION, or AWS_PROFILE to a profile with one")
	}
	if _, err := loaded.Credentials.Retrieve(ctx); err != nil {
		const remedy = "no AWS credentials: log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
		if strings.Contains(err.Error(), "EC2 IMDS") {
			return loaded, errors.New(remedy) // it names only the last place where the SDK looked
		}
		return loaded, fmt.Errorf(remedy+": %w", err)
	}
	return loaded, nil
}

// operator finds the resources that a command needs and returns an operator that uses them.
func (d *deployment) operator(ctx context.Context, needed ...resource) (*operator.Operator, error) {
	if err := d.findAll(ctx, needed...); err != nil {
		return nil, err
	}

	table := dynamodb.NewFromConfig(d.config)
	return &operator.Operator{
		Index:     bucket.NewIndex(bucket.NewClient(d.config), d.indexBucket),
		Feeds:     awstable.NewTable(table, d.table),
		Edits:     stack.NewEdits(table, d.table),
		Publisher: stack.NewPublisher(lambda.NewFromConfig(d.config), d.importer),
		Now:       time.Now,
		Pause:     time.Second,
	}, nil
}

// find reads the name of a resource from the outputs of the stack, unless a flag set it.
func (d *deployment) find(ctx context.Context, r resource) (err error) {
	if *r.value != "" {
		return nil
	}
	if err := readOutputs(ctx, d); err != nil {
		return err
	}

	key := settings.OutputKey(d.pipeline, r.output)
	if *r.value = d.outputs[key]; *r.value == "" {
		return fmt.Errorf("the stack %q has no output %s: its settings leave this resource out, it was deployed by an older version, or it "+
			"has several pipelines and needs --pipeline; name the resource with %s", d.stack, key, r.flag)
	}
	return nil
}

// readOutputs reads the outputs of the stack once.
func readOutputs(ctx context.Context, d *deployment) (err error) {
	if d.outputs == nil {
		d.outputs, err = stack.Find(ctx, d.config, d.stack)
	}
	return err
}

// caller returns the name that is stored with a change: the identity of the AWS credentials
// or, if that is unknown, the user of this machine.
func (d *deployment) caller(ctx context.Context) string {
	arn, err := stack.Caller(ctx, d.config)
	if err == nil {
		return arn
	}
	me, userErr := user.Current()
	if userErr != nil || errors.Is(err, context.Canceled) {
		return "unknown"
	}
	return me.Username
}

// defaultWait is how long commands wait for the importer. Publishing an index of a million
// names takes half a minute.
const defaultWait = 5 * time.Minute
