package backfill

import (
	"encoding/json"

	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// Bounds of a task. The state machine passes a task as the input of an execution, which takes
// 256 KiB, and an invocation marks 64 MiB of compressed text in some seconds.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
const (
	maxTaskObjects = 100
	maxTaskBytes   = 64 << 20
	maxTaskText    = 200 << 10
)

// batcher cuts objects into tasks.
type batcher struct {
	run   string
	part  int
	alert bool
	emit  func(line []byte) error

	task  marker.Task
	bytes int64
	text  int
	tasks int
}

// add adds an object to the current task, or begins a new one.
func (b *batcher) add(o *marker.Object) error {
	encoded, err := json.Marshal(o)
	if err != nil {
		panic(err) // a struct of texts and numbers always encodes
	}
	full := len(b.task.Objects) == maxTaskObjects || b.bytes+o.Size > maxTaskBytes || b.text+len(encoded) > maxTaskText
	if full && len(b.task.Objects) > 0 {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.task.Objects = append(b.task.Objects, *o)
	b.bytes += o.Size
	b.text += len(encoded)
	return nil
}

// flush ends the current task.
func (b *batcher) flush() error {
	if len(b.task.Objects) == 0 {
		return nil
	}
	b.task.Run, b.task.Part, b.task.Alert = b.run, b.part, b.alert
	line, err := json.Marshal(&b.task)
	if err != nil {
		panic(err) // a struct of texts and numbers always encodes
	}
	b.task, b.bytes, b.text = marker.Task{}, 0, 0
	b.tasks++
	return b.emit(append(line, '\n'))
}
