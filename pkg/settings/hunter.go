package settings

import (
	"errors"
	"fmt"
	"time"
)

// Constants of the hunter.
const (
	// HunterTimeout is Lambda's maximum. A query may take most of it: see [QueryTimeout].
	HunterTimeout = 15 * time.Minute
	// QueryTimeout is how long the hunter waits for a scheduled query before it stops it. The rest
	// of HunterTimeout is for the rows.
	QueryTimeout = 13 * time.Minute
	// QueryDelay is how much of the newest logs a scheduled query leaves out, because their
	// delivery is still under way. The next run includes them.
	QueryDelay = 10 * time.Minute
	// RetroHuntInterval is the least time between two retro-hunts, which read all logs of
	// RetroLookBack. With a retro-hunt for each publish, their cost would not be bounded. It is
	// an hour less than a day, so that a daily schedule that is a little early still counts.
	RetroHuntInterval = 23 * time.Hour
)

// QueryRetroHunt is the named query that runs after a publish with new indicators. A schedule may
// ask for it too; it then runs only if a publish is waiting for it.
const QueryRetroHunt = "retro-hunt"

// HunterFunction has the settings that the hunter receives. LogRetentionDays matters only to the
// deployment, so the function sees its default.
type HunterFunction struct {
	// Stack is the value of the metrics' dimension `Stack`.
	Stack string `json:"stack" default:"Resolverwatch"`
	// WorkGroup is the name of the Athena workgroup that has the named queries and runs them.
	WorkGroup string `json:"workGroup" required:"true"`
	// Database is the name of the Glue database of the queries.
	Database string `json:"database" required:"true"`
	// Table is the name of the table of sent alerts. It also keeps when the retro-hunt ran.
	Table string `json:"table" required:"true"`
	// AlertQueue is the URL of the notifier's queue.
	AlertQueue string `json:"alertQueue" unset:"rows are counted but sent nowhere"`
	// LookBack is how far back a scheduled query looks, so that records that arrive late are
	// found by a later run. Queries with results for each day begin at the start of that day.
	LookBack Duration `json:"lookBack" default:"26h" min:"1h" max:"31d"`
	// RetroLookBack is how far back the retro-hunt looks.
	RetroLookBack Duration `json:"retroLookBack" default:"30d" min:"1d" max:"400d"`
	// MaxRows is how many rows of a result are read. The rest is counted.
	MaxRows int `json:"maxRows" default:"1000" min:"1" max:"10000"`
	// CompactBucket is the name of the bucket of the marked logs, whose closed days are copied.
	CompactBucket string `json:"compactBucket" unset:"no day is copied"`
	// LogFolder is what the keys of marked logs begin with, before their day.
	LogFolder string `json:"logFolder"`
	// LogDay is the form of the day in these keys, with %Y, %m and %d.
	LogDay string `json:"logDay"`
	// LogFolderAfter follows the day in these keys.
	LogFolderAfter string `json:"logFolderAfter"`
	Logging
}

// CompactEvent is the event that has a closed day copied.
const CompactEvent = `{"compact":true}`

// DecodeHunter reads the environment of the hunter. Its error joins all problems.
func DecodeHunter(lookup Lookup) (HunterFunction, error) {
	text, found := lookup(EnvSettings)
	if !found {
		return HunterFunction{}, fmt.Errorf("%s: must be set", EnvSettings)
	}
	section := Default[HunterFunction]()
	// Unknown members pass: after a rollback, the code is older than its configuration.
	problems := []error{decodeKnown([]byte(text), &section)}
	problems = append(problems, asErrors(missing(section))...)
	if err := errors.Join(problems...); err != nil {
		return section, fmt.Errorf("%s: %w", EnvSettings, err)
	}
	return section, nil
}

// Encode returns the value of [EnvSettings]. It leaves out the settings that the function does not
// read from there.
func (f *HunterFunction) Encode() string {
	sent := *f
	sent.LogRetention = Default[HunterFunction]().LogRetention
	return encode(&sent)
}
