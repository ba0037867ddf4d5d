package resolverwatch

import "maps"

// How the state machine runs the tasks of a manifest. A task is at most 100 objects, and a marker
// invocation marks them one after the other.
const (
	mapLabel    = "Backfill" // part of the ARNs of its executions
	tasksAtOnce = 20
	// toleratedPercent ends a manifest early if so many of its tasks fail. A task fails only if the
	// marker could not mark any of its objects, and none of them is the cause.
	toleratedPercent = 10
)

// state is a state of Amazon States Language.
type state = map[string]any

// backfillMachine returns the definition of the state machine. Its input is a request of package
// backfill. The marker plans: it writes a manifest, and answers with its plan, which is the state
// from then on. The tasks run in parallel. The marker then collects their results, and says
// whether too many objects failed. If the plan did not reach the end of the logs, it has the
// request for the next one.
//
// No state changes a part of its input: a Pass state with InputPath and ResultPath means different
// things to Step Functions and to an emulator.
//
// A second backfill finds what is already marked, so a run that fails is started again under
// another name, or redriven.
func backfillMachine(partition, marker string) state {
	m := machineTasks{partition, marker}
	return state{
		"Comment": "Marks query logs that are in the log bucket already",
		"StartAt": "Request",
		"States": state{
			"Request": state{"Type": "Pass", "Parameters": state{"next.$": "$"}, "Next": "Plan"},
			"Plan":    m.invoke(state{"Payload.$": "$.next"}, state{"OutputPath": "$.Payload", "Next": "Any"}),
			"Any":     choose(state{"Variable": "$.manifest", "StringEquals": "", "Next": "More"}, "Mark"),
			"Mark":    m.markTasks(),
			"Collect": m.invoke(state{"Payload": state{"action": "collect", "plan.$": "$"}},
				state{"OutputPath": "$.Payload", "Next": "TooMany"}),
			"TooMany": choose(state{"Variable": "$.tally.too_many", "BooleanEquals": true, "Next": "Failed"}, "More"),
			"Failed":  state{"Type": "Fail", "Error": "ObjectsFailed", "CausePath": "$.tally.message"},
			"More":    choose(state{"Variable": "$.continue", "StringEquals": "", "Next": "Done"}, "Plan"),
			"Done":    state{"Type": "Succeed"},
		},
	}
}

// machineTasks makes the states that call services.
type machineTasks struct{ partition, marker string }

// service returns the resource of a task that calls a service.
func (m machineTasks) service(call string) string { return "arn:" + m.partition + ":states:::" + call }

// invoke returns a task that calls the marker with a payload.
func (m machineTasks) invoke(payload, more state) state {
	parameters := state{"FunctionName": m.marker}
	maps.Copy(parameters, payload)
	task := state{
		"Type":       "Task",
		"Resource":   m.service("lambda:invoke"),
		"Parameters": parameters,
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
// If too many tasks fail, the results are collected all the same.
func (m machineTasks) markTasks() state {
	return state{
		"Type":                       "Map",
		"Label":                      mapLabel,
		"MaxConcurrency":             tasksAtOnce,
		"ToleratedFailurePercentage": toleratedPercent,
		"ItemReader": state{
			"Resource":     m.service("s3:getObject"),
			"ReaderConfig": state{"InputType": "JSONL"},
			"Parameters":   state{"Bucket.$": "$.bucket", "Key.$": "$.manifest"},
		},
		"ItemProcessor": state{
			"ProcessorConfig": state{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
			"StartAt":         "Objects",
			"States": state{
				"Objects": m.invoke(state{"Payload.$": "$"}, state{
					"ResultSelector": state{"marked.$": "$.Payload.marked", "skipped.$": "$.Payload.skipped",
						"missing.$": "$.Payload.missing", "failed.$": "$.Payload.failed", "blocked.$": "$.Payload.blocked"},
					"Next": "Nothing",
				}),
				"Nothing": choose(state{"Variable": "$.blocked", "BooleanEquals": true, "Next": "Blocked"}, "Ended"),
				"Blocked": state{"Type": "Fail", "Error": "NothingMarked", "Cause": "The log of the marker says why."},
				"Ended":   state{"Type": "Succeed"},
			},
		},
		"ResultWriter": state{
			"Resource":   m.service("s3:putObject"),
			"Parameters": state{"Bucket.$": "$.bucket", "Prefix.$": "$.results"},
		},
		"ResultPath": "$.result",
		"Catch": []state{{
			"ErrorEquals": []string{"States.ExceedToleratedFailureThreshold"}, "ResultPath": "$.result", "Next": "Collect",
		}},
		"Next": "Collect",
	}
}
