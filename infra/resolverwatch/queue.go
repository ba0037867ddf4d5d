package resolverwatch

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// queueProps are the properties in which the queues of this package differ.
type queueProps struct {
	visibility  awscdk.Duration
	days        int // that a message waits
	receives    int // after which a message goes to deadLetters
	deadLetters awssqs.Queue
	key         awskms.IKey // nil = keys of SQS
}

// newQueue defines a queue that is encrypted and only reachable over TLS.
func newQueue(c constructs.Construct, p queueProps) awssqs.Queue {
	props := &awssqs.QueueProps{
		EnforceSSL:        jsii.Bool(true),
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		VisibilityTimeout: p.visibility,
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(p.days)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: p.deadLetters, MaxReceiveCount: jsii.Number(p.receives)},
	}
	if p.key != nil {
		props.Encryption, props.EncryptionMasterKey = awssqs.QueueEncryption_KMS, p.key
	}
	return awssqs.NewQueue(c, jsii.String("Queue"), props)
}

// queueDays is how long a message waits while its function is broken. The dead-letter queue
// keeps it longer, because SQS counts the age of a message from when it was first sent.
const queueDays = 4

// receiveActions let a function receive the messages of a queue (Lambda developer guide, "Using
// Lambda with Amazon SQS").
var receiveActions = []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}

// queueReader says how Lambda gives the messages of a queue to a function.
type queueReader struct {
	queue       awssqs.IQueue
	function    *function
	batch       int
	window      time.Duration // in which a batch is collected
	concurrency int
}

// readQueue makes Lambda give batches of a queue to a function. The function says which messages
// of a batch failed.
func readQueue(c constructs.Construct, r queueReader) {
	props := &awslambda.CfnEventSourceMappingProps{
		FunctionName:          r.function.FunctionName(),
		EventSourceArn:        r.queue.QueueArn(),
		BatchSize:             jsii.Number(r.batch),
		FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
		ScalingConfig:         &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(r.concurrency)},
	}
	if r.window != 0 {
		props.MaximumBatchingWindowInSeconds = jsii.Number(r.window.Seconds())
	}
	source := awslambda.NewCfnEventSourceMapping(c, jsii.String("Source"), props)
	accept(source, finding{rule: "Serverless-LambdaEventSourceMappingDestination", reason: whyQueueKeeps})
}

const whyQueueKeeps = "SQS invokes the function, and its dead-letter queue keeps what fails five times"

// sendFrom lets a rule send to a queue.
func sendFrom(c constructs.Construct, rule awsevents.CfnRule, queue awssqs.IQueue) statement {
	return statement{
		sid:       *rule.Node().Id(),
		actions:   []string{"sqs:SendMessage"},
		resources: []string{*queue.QueueArn()},
		conditions: map[string]any{
			"ArnEquals":    map[string]any{"aws:SourceArn": *rule.AttrArn()},
			"StringEquals": map[string]any{"aws:SourceAccount": *awscdk.Stack_Of(c).Account()},
		},
	}
}
