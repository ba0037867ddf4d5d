package resolverwatch

import (
	"maps"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// How the state machine runs the tasks of a manifest. A task is at most 100 objects, and a marker
// invocation marks them one after the other.
const (
	mapLabel         = "Backfill" // part of the ARNs of its executions
	tasksAtOnce      = 20
	toleratedPercent = 1 // of the tasks of a manifest
)

// state is a state of Amazon States Language.
type state = map[string]any

// backfillMachine returns the definition of the state machine. Its input is a request of package
// backfill. The marker plans: it writes a manifest and says how many tasks it has. The tasks run
// in parallel. If the plan did not reach the end of the logs, it continues where it stopped.
//
// A second backfill finds what is already marked, so a run that fails is started again under
// another name, or redriven.
func backfillMachine(partition, marker string) state {
	m := machineTasks{partition, marker}
	return state{
		"Comment": "Marks query logs that are in the log bucket already",
		"StartAt": "Request",
		"States": state{
			"Request": state{"Type": "Pass", "Parameters": state{"request.$": "$"}, "Next": "Plan"},
			"Plan": m.invoke("$.request", state{
				"ResultSelector": state{
					"run.$": "$.Payload.run", "bucket.$": "$.Payload.bucket", "manifest.$": "$.Payload.manifest",
					"tasks.$": "$.Payload.tasks", "continue.$": "$.Payload.continue", "part.$": "$.Payload.part",
				},
				"ResultPath": "$.plan",
				"Next":       "Any",
			}),
			"Any":  choose(state{"Variable": "$.plan.manifest", "StringEquals": "", "Next": "More"}, "Mark"),
			"Mark": m.markTasks(),
			"More": choose(state{"Variable": "$.plan.continue", "StringEquals": "", "Next": "Done"}, "Continue"),
			"Done": state{"Type": "Succeed"},
			"Part": state{"Type": "Pass", "InputPath": "$.plan.part", "ResultPath": "$.request.part", "Next": "Plan"},
			"Continue": state{
				"Type": "Pass", "InputPath": "$.plan.continue", "ResultPath": "$.request.continue", "Next": "Part"},
		},
	}
}

// machineTasks makes the states that call services.
type machineTasks struct{ partition, marker string }

// service returns the resource of a task that calls a service.
func (m machineTasks) service(call string) string { return "arn:" + m.partition + ":states:::" + call }

// invoke returns a task that calls the marker.
func (m machineTasks) invoke(payload string, more state) state {
	task := state{
		"Type":       "Task",
		"Resource":   m.service("lambda:invoke"),
		"Parameters": state{"FunctionName": m.marker, "Payload.$": payload},
		"Retry": []state{{
			"ErrorEquals": []string{"Lambda.ClientExecutionTimeoutException", "Lambda.SdkClientException",
				"Lambda.ServiceException", "Lambda.TooManyRequestsException"},
			"IntervalSeconds": 2, "MaxAttempts": 5, "BackoffRate": 2,
		}},
	}
	maps.Copy(task, more)
	return task
}

// choose returns a state with one rule.
func choose(rule state, otherwise string) state {
	return state{"Type": "Choice", "Choices": []state{rule}, "Default": otherwise}
}

// markTasks returns the state that runs the tasks of a manifest, each in an execution of its own.
// A task with an object that failed fails.
func (m machineTasks) markTasks() state {
	return state{
		"Type":                       "Map",
		"Label":                      mapLabel,
		"MaxConcurrency":             tasksAtOnce,
		"ToleratedFailurePercentage": toleratedPercent,
		"ItemReader": state{
			"Resource":     m.service("s3:getObject"),
			"ReaderConfig": state{"InputType": "JSONL"},
			"Parameters":   state{"Bucket.$": "$.plan.bucket", "Key.$": "$.plan.manifest"},
		},
		"ItemProcessor": state{
			"ProcessorConfig": state{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
			"StartAt":         "Objects",
			"States": state{
				"Objects": m.invoke("$", state{
					"ResultSelector": state{"marked.$": "$.Payload.marked", "skipped.$": "$.Payload.skipped",
						"missing.$": "$.Payload.missing", "failed.$": "$.Payload.failed"},
					"Next": "Whole",
				}),
				"Whole":  choose(state{"Variable": "$.failed", "NumericGreaterThan": 0, "Next": "Failed"}, "Marked"),
				"Failed": state{"Type": "Fail", "Error": "ObjectsFailed", "Cause": "The log of the marker says why."},
				"Marked": state{"Type": "Succeed"},
			},
		},
		"ResultWriter": state{
			"Resource": m.service("s3:putObject"),
			"Parameters": state{
				"Bucket.$": "$.plan.bucket",
				"Prefix.$": "States.Format('" + settings.BackfillPrefix + "{}', $.plan.run)",
			},
		},
		"ResultPath": "$.result",
		"Next":       "More",
	}
}
