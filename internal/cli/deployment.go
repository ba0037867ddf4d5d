package cli

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athenaio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/importerio"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// deployment is the flags by which a command finds a deployed stack. What the outputs of
// the stack would say can be given by hand, so that no CloudFormation is needed.
type deployment struct {
	stack, pipeline              string
	indexBucket, table, importer string
	workGroup, database          string
	outputBucket                 string

	config  aws.Config
	outputs stack.Outputs
}

// deploymentHelp says for a command's help how it finds the stack.
const deploymentHelp = `
The stack is found by its name with the usual AWS credentials and Region (AWS_PROFILE,
AWS_REGION, ...). Flags that name its parts stand in for its outputs. In a stack of several
pipelines, --pipeline names the one that is meant, by the name of its outputs.`

func (d *deployment) register(cmd *cobra.Command) {
	d.registerIndex(cmd)
	flags := cmd.Flags()
	flags.StringVar(&d.table, "table", "", "`NAME` of the table (default: by the outputs of the stack)")
	flags.StringVar(&d.importer, "importer", "", "`NAME` of the importer function (default: by the outputs of the stack)")
}

// registerStack adds the flags by which every command finds a pipeline.
func (d *deployment) registerStack(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&d.stack, "stack", settings.DefaultStack, "`NAME` of the deployed stack")
	flags.StringVar(&d.pipeline, "pipeline", "", "`NAME` of the pipeline's outputs, in a stack of several (default: the outputs without a name)")
}

// registerIndex adds the flags of a command that needs the index alone.
func (d *deployment) registerIndex(cmd *cobra.Command) {
	d.registerStack(cmd)
	flags := cmd.Flags()
	flags.StringVar(&d.indexBucket, "index-bucket", "", "`NAME` of the index bucket (default: by the outputs of the stack)")
}

// registerAthena adds the flags of a command that asks Athena.
func (d *deployment) registerAthena(cmd *cobra.Command) {
	d.registerStack(cmd)
	flags := cmd.Flags()
	flags.StringVar(&d.workGroup, "workgroup", "", "`NAME` of the Athena workgroup (default: by the outputs of the stack)")
	flags.StringVar(&d.database, "database", "", "`NAME` of the Glue database (default: by the outputs of the stack)")
}

// isNamed reports whether a flag names a deployment.
func (d *deployment) isNamed(cmd *cobra.Command) bool {
	return cmd.Flags().Changed("stack") || cmd.Flags().Changed("pipeline") || cmd.Flags().Changed("index-bucket")
}

// need is a part of a deployment that a command works with.
type need struct {
	flag   string
	value  *string
	output string
}

func (d *deployment) needIndex() need {
	return need{"--index-bucket", &d.indexBucket, settings.OutputIndexBucketName}
}

func (d *deployment) needTable() need {
	return need{"--table", &d.table, settings.OutputTableName}
}

func (d *deployment) needImporter() need {
	return need{"--importer", &d.importer, settings.OutputImporterFunctionName}
}

func (d *deployment) needOutput() need {
	return need{"--output-bucket", &d.outputBucket, settings.OutputOutputBucketName}
}

// athena finds the workgroup.
func (d *deployment) athena(ctx context.Context) (*athenaio.WorkGroup, error) {
	if err := d.findAll(ctx, need{"--workgroup", &d.workGroup, settings.OutputWorkGroupName},
		need{"--database", &d.database, settings.OutputDatabaseName}); err != nil {
		return nil, err
	}
	return athenaio.New(d.config, d.workGroup, d.database), nil
}

// findAll finds the parts that a command needs.
func (d *deployment) findAll(ctx context.Context, needs ...need) (err error) {
	if d.config, err = awsConfig(ctx); err != nil {
		return err
	}
	for _, need := range needs {
		if err := d.find(ctx, need); err != nil {
			return err
		}
	}
	return nil
}

// awsConfig returns the configuration by which AWS is asked. Its error says what to set, where
// the SDK, call by call, would say what it tried last.
func awsConfig(ctx context.Context) (aws.Config, error) {
	config, err := awsio.Config(ctx)
	switch {
	case err != nil:
		return config, err
	case config.Region == "":
		return config, errors.New("no AWS Region: set AWS_REGION, or AWS_PROFILE to a profile with one")
	}
	if _, err := config.Credentials.Retrieve(ctx); err != nil {
		return config, fmt.Errorf("no AWS credentials: log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %w", err)
	}
	return config, nil
}

// operator finds the parts that a command needs and returns who acts on them.
func (d *deployment) operator(ctx context.Context, needs ...need) (*operator.Operator, error) {
	if err := d.findAll(ctx, needs...); err != nil {
		return nil, err
	}
	table := dynamodb.NewFromConfig(d.config)
	return &operator.Operator{
		Index:     importerio.NewIndexStore(awsio.NewS3(d.config), d.indexBucket),
		Feeds:     importerio.NewTable(table, d.table),
		Edits:     stack.NewEdits(table, d.table),
		Publisher: stack.NewPublisher(lambda.NewFromConfig(d.config), d.importer),
		Now:       time.Now,
		Pause:     time.Second,
	}, nil
}

// find takes over what the stack says of a part, unless a flag says it.
func (d *deployment) find(ctx context.Context, n need) (err error) {
	if *n.value != "" {
		return nil
	}
	if d.outputs == nil {
		if d.outputs, err = stack.Find(ctx, d.config, d.stack); err != nil {
			return err
		}
	}
	key := settings.OutputKey(d.pipeline, n.output)
	if *n.value = d.outputs[key]; *n.value == "" {
		return fmt.Errorf("the stack %q has no output %s: its settings leave that part out, it is older than this command, or it has "+
			"several pipelines and needs --pipeline: give %s", d.stack, key, n.flag)
	}
	return nil
}

// caller is who acts, for the record: the identity of the credentials or, where AWS
// cannot be asked, the user of this machine.
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
