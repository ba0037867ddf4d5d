// Package machine runs the state machine of backfills on an emulator of Step Functions that
// really runs Distributed Map: kumo. The definition is the one of the template, and the function
// is the core of the marker with the adapters to S3. `make machine` runs the tests.
//
// Kumo cannot redrive an execution. It finishes all tasks even if too many have failed, where Step
// Functions stops the others, and it leaves out the cause of an execution that a path gives. The
// tests show what is marked and how an execution ends. They do not show how long it takes.
package machine
