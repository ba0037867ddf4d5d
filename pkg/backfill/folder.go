package backfill

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// A backfill writes to backfill/<run>/: for each part a manifest, the results of its tasks, a list of
// the objects that failed, and the state machine's own record of its executions.

// partKey returns the key of an object about a part of a run, or of a folder.
func partKey(run, kind string, part int, end string) string {
	return settings.BackfillPrefix + run + "/" + kind + "-" + strconv.Itoa(part) + end
}

func manifestKey(run string, part int) string      { return partKey(run, "manifest", part, ".jsonl") }
func failedKey(run string, part int) string        { return partKey(run, "failed", part, ".jsonl") }
func resultsFolder(run string, part int) string    { return partKey(run, "results", part, "/") }
func executionsFolder(run string, part int) string { return partKey(run, "executions", part, "") }

// failedLists is the pattern of failedKey for all parts of a run.
func failedLists(run string) string { return settings.BackfillPrefix + run + "/failed-*.jsonl" }

// taskID returns the id of a task, which follows from its objects.
func taskID(task *marker.Task) string {
	hash := sha256.New()
	for i := range task.Objects {
		o := &task.Objects[i]
		_, _ = fmt.Fprintf(hash, "%s\n%s\n%s\n", o.Bucket, o.Key, o.ETag) // a hash takes all
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// resultKey returns the key of the result of a task, which says how many of its objects failed. A
// task that is run again writes a second result if that number differs.
func resultKey(task *marker.Task, failed int) string {
	return resultsFolder(task.Run, task.Part) + taskID(task) + "-" + strconv.Itoa(failed) + ".jsonl"
}

// parseResultKey returns the id of a task, and how many of its objects failed.
func parseResultKey(key string) (id string, failed int, ok bool) {
	id, count, hasBoth := strings.Cut(strings.TrimSuffix(path.Base(key), ".jsonl"), "-")
	failed, err := strconv.Atoi(count)
	return id, failed, hasBoth && err == nil
}
