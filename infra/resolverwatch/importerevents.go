package resolverwatch

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

const (
	eventsService  = "events.amazonaws.com"
	maxEventAge    = 6 * time.Hour // the longest that Lambda keeps an event
	eventRetries   = 2             // the most retries in Lambda
	targetID       = "Importer"
	publishPayload = settings.PublishEvent
)

// invokeOnEvents invokes the function when lists change. The rule does not match objects
// that the function itself writes.
func (i *Importer) invokeOnEvents(p ImporterProps) {
	i.newRule("ListEvents", &awsevents.CfnRuleProps{
		Description: jsii.String("A list was uploaded or deleted"),
		EventPattern: map[string]any{
			"source":      []any{"aws.s3"},
			"detail-type": []any{"Object Created", "Object Deleted"},
			"detail": map[string]any{
				"bucket": map[string]any{"name": []any{*p.Store.ListBucket().BucketName()}},
				"object": map[string]any{"key": []any{
					map[string]any{"prefix": settings.BlockPrefix},
					map[string]any{"prefix": settings.AllowPrefix},
					map[string]any{"prefix": settings.GuardPrefix},
					p.ListKey,
				}},
			},
		},
	}, nil)
	awslambda.NewCfnEventInvokeConfig(i, jsii.String("EventInvokeConfig"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName:             i.function.FunctionName(),
		Qualifier:                jsii.String("$LATEST"),
		MaximumEventAgeInSeconds: jsii.Number(maxEventAge.Seconds()),
		MaximumRetryAttempts:     jsii.Number(eventRetries),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: i.deadLetters.QueueArn()},
		},
	})
}

// invokeOnSchedule makes the function publish regularly.
func (i *Importer) invokeOnSchedule(interval time.Duration) {
	i.newRule("Schedule", &awsevents.CfnRuleProps{
		Description:        jsii.String("Publish: entries and feeds expire, the index is renewed"),
		ScheduleExpression: jsii.String(rate(interval)),
	}, jsii.String(publishPayload))
}

// rate formats whole minutes as a rate expression of EventBridge.
func rate(interval time.Duration) string {
	minutes := int(interval.Minutes())
	switch {
	case minutes == 1:
		return "rate(1 minute)"
	case minutes == 60:
		return "rate(1 hour)"
	case minutes%60 == 0:
		return fmt.Sprintf("rate(%d hours)", minutes/60)
	default:
		return fmt.Sprintf("rate(%d minutes)", minutes)
	}
}

// newRule defines a rule whose target is the function. Resources are defined one by one,
// because the CDK's own targets package pulls in the constructs of forty services.
func (i *Importer) newRule(id string, props *awsevents.CfnRuleProps, input *string) {
	props.State = jsii.String("ENABLED")
	props.Targets = &[]any{&awsevents.CfnRule_TargetProperty{
		Arn:              i.function.FunctionArn(),
		Id:               jsii.String(targetID),
		Input:            input,
		DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: i.deadLetters.QueueArn()},
	}}
	rule := awsevents.NewCfnRule(i, &id, props)
	awslambda.NewCfnPermission(i, jsii.String(id+"Permission"), &awslambda.CfnPermissionProps{
		Action:        jsii.String("lambda:InvokeFunction"),
		FunctionName:  i.function.FunctionArn(),
		Principal:     jsii.String(eventsService),
		SourceArn:     rule.AttrArn(),
		SourceAccount: awscdk.Stack_Of(i).Account(),
	})
	i.deadLetters.AddToResourcePolicy(statement{
		sid:       id,
		actions:   []string{"sqs:SendMessage"},
		resources: []string{*i.deadLetters.QueueArn()},
		conditions: map[string]any{
			"ArnEquals":    map[string]any{"aws:SourceArn": *rule.AttrArn()},
			"StringEquals": map[string]any{"aws:SourceAccount": *awscdk.Stack_Of(i).Account()},
		},
	}.forPrincipal(awsiam.NewServicePrincipal(jsii.String(eventsService), nil)))
}
