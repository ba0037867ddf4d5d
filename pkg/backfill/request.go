package backfill

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// ActionPlan is the action of a [Request].
const ActionPlan = "plan"

// actionCollect is the action that adds up the results of the tasks of a plan.
const actionCollect = "collect"

// Request asks for a plan: which log objects of a time are not marked yet.
type Request struct {
	Action string `json:"action"` // [ActionPlan]
	// Run names the backfill: 1 to 64 letters, digits and hyphens. It is a part of keys.
	Run string `json:"run"`
	// From and Until bound the days of the objects, From included and Until not. Resolver names
	// an object after the minute in which it began, so records of the first minutes of a day can
	// be in an object of the day before.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// VPCs are the VPCs whose objects are marked. Default: all.
	VPCs []string `json:"vpcs,omitempty"`
	// DryRun counts the objects and writes no manifest.
	DryRun bool `json:"dry_run,omitempty"`
	// Alert sends alerts for what is found. Default: old matches tell nobody.
	Alert bool `json:"alert,omitempty"`
	// Continue is the last key of the plan before, see [Plan.Continue].
	Continue string `json:"continue,omitempty"`
	// Part is the number of manifests before this one.
	Part int `json:"part,omitempty"`
	// Tally is what the parts before came to.
	Tally *Tally `json:"tally,omitempty"`
}

var (
	runName = regexp.MustCompile(`^[a-zA-Z0-9-]{1,64}$`)
	vpcID   = regexp.MustCompile(`^vpc-[0-9a-f]{1,40}$`)
)

// maxDays bounds the days of a backfill. Each day of each VPC is one listing at least.
const maxDays = 3660

// Check returns what is wrong with a request.
func (r *Request) Check() error {
	var problems []error
	problem := func(wrong bool, format string, values ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf(format, values...))
		}
	}
	problem(r.Action != ActionPlan, "action: must be %q, got %q", ActionPlan, r.Action)
	problem(!runName.MatchString(r.Run), "run: must have 1 to 64 letters, digits and hyphens, got %q", r.Run)
	problem(r.From.IsZero(), "from: is missing")
	problem(r.Until.IsZero(), "until: is missing")
	problem(!r.From.Before(r.Until), "until: must be later than from")
	problem(r.Until.Sub(r.From) > maxDays*24*time.Hour, "from: must be at most %d days before until", maxDays)
	problem(r.Part < 0, "part: must not be negative")
	for _, vpc := range r.VPCs {
		problem(!vpcID.MatchString(vpc), "vpcs: %q is not the id of a VPC", vpc)
	}
	return errors.Join(problems...)
}

// Plan is the answer to a [Request]. The state machine reads it.
type Plan struct {
	Run string `json:"run"`
	// Bucket and Manifest say where the tasks are, one JSON object a line.
	Bucket   string `json:"bucket"`
	Manifest string `json:"manifest"`
	Tasks    int    `json:"tasks"`
	Objects  int    `json:"objects"`
	Bytes    int64  `json:"bytes"` // of the objects, compressed
	// Marked counts the objects that are marked already, and NotLogs those that Resolver did not
	// write.
	Marked  int `json:"marked"`
	NotLogs int `json:"not_logs"`
	// Continue is set if the plan ends before the last object. The next request has it and Part.
	Continue string `json:"continue"`
	Part     int    `json:"part"`
	// Next is the request for the next plan. It is nil after the last object.
	Next *Request `json:"next,omitempty"`
	// Results is where the state machine writes what became of the executions of its tasks.
	Results string `json:"results,omitempty"`
	// Tally is what the backfill came to so far. It has the failures of this plan after its results
	// are collected.
	Tally *Tally `json:"tally,omitempty"`
}
