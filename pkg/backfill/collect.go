package backfill

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// Tally is what a backfill came to.
type Tally struct {
	// Objects counts the log objects of the time of the request: those in tasks, and those that
	// were marked before.
	Objects int `json:"objects"`
	// Failed counts the objects that could not be marked. It includes those of a task that never
	// ended.
	Failed int `json:"failed"`
	// First has the first failures.
	First []marker.ObjectError `json:"first,omitempty"`
	// TooMany means that more objects failed than a backfill tolerates.
	TooMany bool `json:"too_many"`
	// Message says how many failed, and where they are listed. It is empty if none did.
	Message string `json:"message,omitempty"`
}

// and returns the tally with more objects.
func (t *Tally) and(objects int) *Tally {
	sum := Tally{}
	if t != nil {
		sum = *t
	}
	sum.Objects += objects
	return &sum
}

// A backfill succeeds if 1 % of its objects fail at most. A few are always tolerated, or one
// damaged object would fail a backfill of a small VPC each time, but never more than half.
const (
	toleratedPercent = 1
	toleratedFew     = 10
)

// tolerated returns how many of a number of objects may fail.
func tolerated(objects int) int {
	return max(objects*toleratedPercent/100, min(toleratedFew, objects/2))
}

const (
	// maxListed bounds the list of a part. The results of the tasks have all failures.
	maxListed = 1000
	// maxFirst and maxErrorText bound what the state machine passes on, which may be 256 KiB long.
	maxFirst     = 5
	maxErrorText = 1000
)

// storeResult writes down which objects of a task failed, and returns the answer for the state
// machine. A task without a result counts as failed.
func (p *Planner) storeResult(ctx context.Context, task *marker.Task, result *marker.TaskResult) (*marker.TaskResult, error) {
	if !runName.MatchString(task.Run) {
		return nil, fmt.Errorf("storing the result of a task: %q is not the name of a run", task.Run)
	}
	if err := p.Manifests.Write(ctx, resultKey(task, result.Failed), encodeLines(result.Errors)); err != nil {
		return nil, fmt.Errorf("storing the result of a task: %w", err)
	}
	answer := *result
	answer.Errors = first(nil, result.Errors)
	return &answer, nil
}

// encodeLines returns the failures as JSON lines.
func encodeLines(failures []marker.ObjectError) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, failure := range failures {
		if err := encoder.Encode(failure); err != nil {
			panic(err) // a struct of texts always encodes
		}
	}
	return text.Bytes()
}

// first returns the first of both lists, with short texts.
func first(have, more []marker.ObjectError) []marker.ObjectError {
	for _, failure := range more[:min(len(more), max(0, maxFirst-len(have)))] {
		failure.Error = failure.Error[:min(len(failure.Error), maxErrorText)]
		have = append(have, failure)
	}
	return have
}

// collect adds the results of the tasks of a plan to its tally, and lists the objects that failed.
// It can be repeated.
func (p *Planner) collect(ctx context.Context, plan *Plan) (*Plan, error) {
	if !runName.MatchString(plan.Run) || plan.Tally == nil {
		return nil, fmt.Errorf("collecting the results of a backfill: %q is not the name of a run, or its plan has no tally", plan.Run)
	}
	c := collection{Planner: p, plan: plan, results: map[string]int{}}
	if err := c.listResults(ctx); err != nil {
		return nil, err
	}
	if err := c.addTasks(ctx); err != nil {
		return nil, err
	}
	if len(c.listed) > 0 {
		if err := p.Manifests.Write(ctx, failedKey(plan.Run, plan.Part), encodeLines(c.listed)); err != nil {
			return nil, fmt.Errorf("listing the objects that failed: %w", err)
		}
	}
	return c.add(), nil
}

// collection is the work of one collect.
type collection struct {
	*Planner
	plan    *Plan
	results map[string]int // objects that failed, by the id of the task
	failed  int
	listed  []marker.ObjectError
}

// listResults lists the results of the plan. If a task was run twice, the result with fewer failures
// counts, because a marked object stays marked.
func (c *collection) listResults(ctx context.Context) error {
	err := c.Output.Objects(ctx, resultsFolder(c.plan.Run, c.plan.Part), "", func(o marker.Object) error {
		id, failed, ok := parseResultKey(o.Key)
		if before, twice := c.results[id]; ok && (!twice || failed < before) {
			c.results[id] = failed
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing the results of the tasks: %w", err)
	}
	return nil
}

// addTasks adds the results of all tasks in the manifest.
func (c *collection) addTasks(ctx context.Context) error {
	manifest, err := c.Manifests.Read(ctx, manifestKey(c.plan.Run, c.plan.Part))
	if err != nil {
		return fmt.Errorf("reading the manifest: %w", err)
	}
	defer func() { _ = manifest.Close() }() // it was read
	for lines := bufio.NewReader(manifest); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the manifest: %w", err)
		}
		var task marker.Task
		if err := json.Unmarshal(line, &task); err != nil {
			return fmt.Errorf("reading a task of the manifest: %w", err)
		}
		if err := c.addTask(ctx, &task); err != nil {
			return err
		}
	}
}

// notEnded is the error of the objects of a task that has no result.
const notEnded = "the task did not end: the log of the marker, or the execution of the task, says why"

// addTask adds the result of a task.
func (c *collection) addTask(ctx context.Context, task *marker.Task) error {
	failed, ended := c.results[taskID(task)]
	if !ended {
		failed = len(task.Objects)
	}
	c.failed += failed
	if failed == 0 || len(c.listed) >= maxListed {
		return nil
	}
	if !ended {
		for i := range task.Objects {
			c.listed = append(c.listed, marker.ObjectError{Key: task.Objects[i].Key, Error: notEnded})
		}
		return nil
	}
	result, err := c.Manifests.Read(ctx, resultKey(task, failed))
	if err != nil {
		return fmt.Errorf("reading the result of a task: %w", err)
	}
	defer func() { _ = result.Close() }() // it was read
	for decoder := json.NewDecoder(result); ; {
		var failure marker.ObjectError
		switch err := decoder.Decode(&failure); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the result of a task: %w", err)
		}
		c.listed = append(c.listed, failure)
	}
}

// add returns the plan with its tally.
func (c *collection) add() *Plan {
	plan, sum := *c.plan, *c.plan.Tally
	sum.Failed += c.failed
	sum.First = first(sum.First, c.listed)
	sum.TooMany = sum.Failed > tolerated(sum.Objects)
	if sum.Failed > 0 {
		sum.Message = fmt.Sprintf("%d of %d log objects were not marked, %d are tolerated; s3://%s/%s list them",
			sum.Failed, sum.Objects, tolerated(sum.Objects), c.Bucket, failedLists(plan.Run))
	}
	plan.Tally = &sum
	if plan.Next != nil {
		next := *plan.Next
		next.Tally = &sum
		plan.Next = &next
	}
	return &plan
}
