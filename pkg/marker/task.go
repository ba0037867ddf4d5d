package marker

import (
	"context"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// Task is a line of the manifest of a backfill: objects that one invocation marks.
type Task struct {
	Run string `json:"run"`
	// Part is the number of the manifest, from 1.
	Part    int      `json:"part,omitempty"`
	Objects []Object `json:"objects"`
	// Alert sends alerts for what is found.
	Alert bool `json:"alert,omitempty"`
}

// TaskResult says what became of the objects of a task. The state machine reads Blocked.
type TaskResult struct {
	Marked  int `json:"marked"`
	Skipped int `json:"skipped"` // they were marked before
	Missing int `json:"missing"` // they are gone
	Failed  int `json:"failed"`
	// Blocked means that every object failed, and that none of them is the cause. The other tasks
	// will probably fail as well.
	Blocked bool          `json:"blocked"`
	Errors  []ObjectError `json:"errors,omitempty"`
}

// ObjectError says why an object failed.
type ObjectError struct {
	Key   string `json:"key"`
	Error string `json:"error"`
}

// MarkTask marks the objects of a task. Objects that fail are listed in the result.
func (m *Marker) MarkTask(ctx context.Context, task *Task) *TaskResult {
	origin := alert.OriginBackfill
	if !task.Alert {
		origin = ""
	}
	r := m.begin(ctx, origin)
	defer r.end()
	result, blocked := &TaskResult{}, 0
	for i := range task.Objects {
		o := &task.Objects[i]
		err := r.markOld(o)
		if err == nil {
			continue
		}
		m.config.Log.Warn("object failed", "run", task.Run, "error", err)
		result.Failed++
		result.Errors = append(result.Errors, ObjectError{o.Key, err.Error()})
		if !isOfObject(err) {
			blocked++
		}
	}
	result.Blocked = blocked > 0 && blocked == len(task.Objects)
	result.Marked, result.Skipped, result.Missing = r.tally.marked, r.tally.skipped, r.tally.missing
	return result
}

// markOld marks an object of a backfill. It looks for the marked object first, because reading a
// log object costs more. If somebody is to be told of its matches, it reads the object in any case.
func (r *run) markOld(o *Object) error {
	name, err := ParseKey(o.Key)
	if err != nil {
		r.tally.failed++
		return err
	}
	marked, err := r.config.Output.Exists(r.ctx, r.config.Layout.Keys(o, name).Marked)
	if err != nil {
		r.tally.failed++
		return fmt.Errorf("looking for the marked object: %w", err)
	}
	if marked && r.origin == "" {
		r.tally.skipped++
		return nil
	}
	return r.markObject(o)
}
