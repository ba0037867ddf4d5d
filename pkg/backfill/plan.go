// Package backfill plans the marking of old log objects. The days of a request go in, and a
// manifest comes out: tasks for the marker, of a size that one invocation finishes. A state
// machine of Step Functions then runs the tasks, see docs/sources.md. Each task writes down which
// of its objects failed, and at the end the results are added up: too many failures fail the
// backfill.
//
// The same request over the same objects gives the same manifest. Objects that are marked
// already are left out; an object that is marked in the meantime is skipped by the marker.
package backfill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// Lister lists objects of a bucket in the order of their keys.
type Lister interface {
	// Folders returns the folders directly under prefix, which is empty or ends with a slash.
	// Their names end with a slash and include the prefix.
	Folders(ctx context.Context, prefix string) ([]string, error)
	// Objects calls each for the objects under prefix whose keys are greater than after.
	Objects(ctx context.Context, prefix, after string, each func(marker.Object) error) error
}

// Manifests stores manifests and results.
type Manifests interface {
	// Write replaces an object.
	Write(ctx context.Context, key string, body []byte) error
	// Read returns the bytes of an object.
	Read(ctx context.Context, key string) (io.ReadCloser, error)
}

// Config configures a [Planner]. All fields but LogPrefix and Now are required.
type Config struct {
	Logs      Lister
	LogPrefix string // what the keys of log objects begin with, before AWSLogs/
	Output    Lister // the bucket of the marked logs
	Layout    *marker.Layout
	Manifests Manifests
	Bucket    string           // of the manifests; the same as that of Output
	Now       func() time.Time // default: time.Now
}

// Planner plans backfills.
type Planner struct {
	Config
	maxTasks int // tests set it
}

// maxTasks bounds the tasks of a manifest. With more objects, the plan continues.
const maxTasks = 10_000

// NewPlanner returns a planner.
func NewPlanner(config Config) *Planner {
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Planner{Config: config, maxTasks: maxTasks}
}

// planShare is the share of the time of an invocation in which objects are listed.
const planShare = 0.7

// errEnough ends a listing early.
var errEnough = errors.New("enough objects for one manifest")

// plan lists the objects of a request and writes their tasks.
func (p *Planner) plan(ctx context.Context, request *Request) (*Plan, error) {
	if err := request.Check(); err != nil {
		return nil, fmt.Errorf("planning a backfill: %w", err)
	}
	w := p.newListing(ctx, request)
	folders, err := w.dayFolders(ctx)
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		after := ""
		if strings.HasPrefix(request.Continue, folder) {
			after = request.Continue
		}
		err := p.Logs.Objects(ctx, folder, after, func(o marker.Object) error { return w.add(ctx, &o) })
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("listing the log objects: %w", err)
		}
	}
	return w.finish(ctx)
}

// listing is the work for one plan.
type listing struct {
	*Planner
	request  *Request
	plan     Plan
	batch    batcher
	manifest []byte
	until    time.Time       // when the listing must end; zero if never
	marked   map[uint64]bool // hashes in the keys of marked objects
	folders  map[string]bool // of the output, that were listed
	last     string          // key of the last object
}

func (p *Planner) newListing(ctx context.Context, request *Request) *listing {
	w := &listing{
		Planner: p, request: request, marked: map[uint64]bool{}, folders: map[string]bool{},
		plan: Plan{Run: request.Run, Bucket: p.Bucket, Part: request.Part + 1}, last: request.Continue,
	}
	w.batch = batcher{run: request.Run, part: request.Part + 1, alert: request.Alert, emit: func(line []byte) error {
		w.manifest = append(w.manifest, line...)
		return nil
	}}
	if deadline, limited := ctx.Deadline(); limited {
		now := p.Now()
		w.until = now.Add(time.Duration(float64(deadline.Sub(now)) * planShare))
	}
	return w
}

// dayFolders returns the folders of all days of the request, in the order of keys. Folders that
// end before the key to continue from are left out.
func (w *listing) dayFolders(ctx context.Context) ([]string, error) {
	accounts, err := w.Logs.Folders(ctx, w.LogPrefix+"AWSLogs/")
	if err != nil {
		return nil, fmt.Errorf("listing the accounts with log objects: %w", err)
	}
	var days []string
	for _, account := range accounts {
		vpcs, err := w.Logs.Folders(ctx, account+"vpcdnsquerylogs/")
		if err != nil {
			return nil, fmt.Errorf("listing the VPCs with log objects: %w", err)
		}
		for _, vpc := range vpcs {
			if len(w.request.VPCs) > 0 && !slices.Contains(w.request.VPCs, path.Base(vpc)) {
				continue
			}
			days = append(days, w.daysOf(vpc)...)
		}
	}
	slices.Sort(days)
	return days, nil
}

// daysOf returns the folders of the days of a VPC. The day of a folder can differ from the one in
// the name of an object, so there is one folder more on each side.
func (w *listing) daysOf(vpc string) (days []string) {
	const day = 24 * time.Hour
	for at := w.request.From.UTC().Truncate(day).Add(-day); at.Before(w.request.Until.Add(day)); at = at.Add(day) {
		folder := vpc + at.Format("2006/01/02/")
		if past := folder < w.request.Continue && !strings.HasPrefix(w.request.Continue, folder); !past {
			days = append(days, folder)
		}
	}
	return days
}

// add adds an object to the plan, unless it is marked already, outside of the request, or not a
// log.
func (w *listing) add(ctx context.Context, o *marker.Object) error {
	if w.batch.tasks >= w.maxTasks || !w.until.IsZero() && w.Now().After(w.until) {
		if w.plan.Continue = w.last; w.last == "" {
			return errors.New("listing the folders took all the time: plan fewer days or VPCs at a time")
		}
		return errEnough
	}
	w.last = o.Key
	name, err := marker.ParseKey(o.Key)
	switch {
	case err != nil:
		w.plan.NotLogs++
		return nil //nolint:nilerr // it is counted
	case name.Time.Before(w.request.From), !name.Time.Before(w.request.Until):
		return nil
	}
	if marked, err := w.isMarked(ctx, o, name); err != nil {
		return err
	} else if marked {
		w.plan.Marked++
		return nil
	}
	w.plan.Objects++
	w.plan.Bytes += o.Size
	return w.batch.add(o)
}

// isMarked reports whether the marked object exists. It lists each folder of the output once.
func (w *listing) isMarked(ctx context.Context, o *marker.Object, name marker.Name) (bool, error) {
	key := w.Layout.Keys(o, name).Marked
	folder := path.Dir(key) + "/"
	if !w.folders[folder] {
		w.folders[folder] = true
		err := w.Output.Objects(ctx, folder, "", func(o marker.Object) error {
			if hash, ok := marker.HashInKey(o.Key); ok {
				w.marked[hash] = true
			}
			return nil
		})
		if err != nil {
			return false, fmt.Errorf("listing the marked objects: %w", err)
		}
	}
	hash, _ := marker.HashInKey(key)
	return w.marked[hash], nil
}

// finish writes the manifest and returns the plan.
func (w *listing) finish(ctx context.Context) (*Plan, error) {
	if err := w.batch.flush(); err != nil {
		return nil, err
	}
	w.plan.Tasks = w.batch.tasks
	w.plan.Tally = w.request.Tally.and(w.plan.Objects + w.plan.Marked)
	if w.plan.Continue != "" {
		next := *w.request
		next.Continue, next.Part, next.Tally = w.plan.Continue, w.plan.Part, w.plan.Tally
		w.plan.Next = &next
	}
	if w.request.DryRun || w.plan.Tasks == 0 {
		return &w.plan, nil
	}
	w.plan.Manifest, w.plan.Results = manifestKey(w.plan.Run, w.plan.Part), executionsFolder(w.plan.Run, w.plan.Part)
	if err := w.Manifests.Write(ctx, w.plan.Manifest, w.manifest); err != nil {
		return nil, fmt.Errorf("writing the manifest: %w", err)
	}
	return &w.plan, nil
}
