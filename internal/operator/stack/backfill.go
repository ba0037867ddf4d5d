package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Backfills implements [operator.Backfills] with the marker function and the state machine.
type Backfills struct {
	functions *lambda.Client
	marker    string // name of the function
	machines  *sfn.Client
	machine   string // ARN of the state machine
}

// NewBackfills returns the backfills of a stack.
func NewBackfills(config aws.Config, marker, machine string) *Backfills {
	return &Backfills{lambda.NewFromConfig(config), marker, sfn.NewFromConfig(config), machine}
}

// Plan implements [operator.Backfills].
func (b *Backfills) Plan(ctx context.Context, request *backfill.Request) (*backfill.Plan, error) {
	event, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	out, err := b.functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &b.marker, Payload: event})
	if err != nil {
		return nil, awsio.Explain(err, "invoking the function %q", b.marker)
	}
	if out.FunctionError != nil {
		var failure struct{ ErrorMessage string }
		_ = json.Unmarshal(out.Payload, &failure) // without a message, its logs say more
		return nil, fmt.Errorf("the function %q failed (%s): %s", b.marker, *out.FunctionError, failure.ErrorMessage)
	}
	plan := &backfill.Plan{}
	if err := json.Unmarshal(out.Payload, plan); err != nil {
		return nil, fmt.Errorf("reading the plan of the function %q: %w", b.marker, err)
	}
	return plan, nil
}

// Start implements [operator.Backfills].
func (b *Backfills) Start(ctx context.Context, request *backfill.Request) error {
	input, err := json.Marshal(request)
	if err != nil {
		return err
	}
	_, err = b.machines.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &b.machine, Name: &request.Run, Input: aws.String(string(input))})
	var exists *types.ExecutionAlreadyExists
	if errors.As(err, &exists) {
		return storage.ErrExists
	}
	if err != nil {
		return awsio.Explain(err, "starting the state machine %q", b.machine)
	}
	return nil
}

// execution returns the ARN of the execution of a run.
func (b *Backfills) execution(run string) string {
	return strings.Replace(b.machine, ":stateMachine:", ":execution:", 1) + ":" + run
}

// State implements [operator.Backfills].
func (b *Backfills) State(ctx context.Context, run string) (*operator.BackfillState, error) {
	execution := b.execution(run)
	described, err := b.machines.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &execution})
	if err != nil {
		return nil, awsio.Explain(err, "reading the execution %q", execution)
	}
	state := &operator.BackfillState{
		Run: run, Status: string(described.Status),
		Cause: strings.TrimSpace(aws.ToString(described.Error) + " " + aws.ToString(described.Cause)),
	}
	var output backfill.Plan
	if described.Output != nil {
		if err := json.Unmarshal([]byte(*described.Output), &output); err != nil {
			return nil, fmt.Errorf("reading the output of the execution %q: %w", execution, err)
		}
	}
	state.Tally = output.Tally
	return state, b.count(ctx, execution, state)
}

// count adds the tasks of all manifests of an execution.
func (b *Backfills) count(ctx context.Context, execution string, state *operator.BackfillState) error {
	pages := sfn.NewListMapRunsPaginator(b.machines, &sfn.ListMapRunsInput{ExecutionArn: &execution})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return awsio.Explain(err, "listing the map runs of %q", execution)
		}
		for _, found := range page.MapRuns {
			described, err := b.machines.DescribeMapRun(ctx, &sfn.DescribeMapRunInput{MapRunArn: found.MapRunArn})
			if err != nil {
				return awsio.Explain(err, "reading the map run %q", aws.ToString(found.MapRunArn))
			}
			if c := described.ItemCounts; c != nil {
				state.Tasks += c.Total
				state.Succeeded += c.Succeeded
				state.Failed += c.Failed + c.TimedOut + c.Aborted
			}
		}
	}
	return nil
}
