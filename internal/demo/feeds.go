package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// importedFeed is a feed and the report of its import.
type importedFeed struct {
	feed    sample.Feed
	version string
	report  list.Report
}

// importFeeds uploads lists and waits until the importer has published them.
func (d *demo) importFeeds(ctx context.Context, feeds []sample.Feed) ([]importedFeed, error) {
	client := s3.NewFromConfig(d.stack.AWSConfig())
	all := make([]importedFeed, len(feeds))
	for i, feed := range feeds {
		out, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(localaws.ListBucket), Key: &feed.Key, Body: bytes.NewReader(feed.Body())})
		if err != nil {
			return nil, err
		}
		all[i] = importedFeed{feed: feed, version: aws.ToString(out.VersionId)}
	}
	if err := d.stack.Importer.Wait(ctx); err != nil {
		return nil, err
	}
	if err := d.importFailures(); err != nil {
		return nil, err
	}
	var err error
	if d.published, err = d.readCurrent(); err != nil {
		return nil, err
	}
	for i := range all {
		if err := d.checkImport(&all[i], d.published); err != nil {
			return nil, fmt.Errorf("feed %s: %w", all[i].feed.ID, err)
		}
	}
	d.progress("%d lists imported, index generation %d published", len(feeds), d.published.Generation)
	return all, nil
}

// readCurrent reads the pointer to the current index.
func (d *demo) readCurrent() (index.Current, error) {
	objects := d.stack.Objects(localaws.IndexBucket, index.CurrentKey)
	if len(objects) != 1 {
		return index.Current{}, fmt.Errorf("the importer published no index: see %s", d.logFile(localaws.Importer))
	}
	return index.DecodeCurrent(objects[0].Body)
}

// checkImport checks that the list was accepted and is in the index.
func (d *demo) checkImport(uploaded *importedFeed, current index.Current) error {
	key := settings.ReportPrefix + string(uploaded.feed.ID) + "/" + uploaded.version + ".json"
	objects := d.stack.Objects(localaws.ListBucket, key)
	if len(objects) != 1 {
		return fmt.Errorf("there is no report %s: see %s", key, d.logFile(localaws.Importer))
	}
	if err := json.Unmarshal(objects[0].Body, &uploaded.report); err != nil {
		return fmt.Errorf("reading the report %s: %w", key, err)
	}
	if uploaded.report.Outcome != list.OutcomeAccepted {
		return fmt.Errorf("the list was %s: %s", uploaded.report.Outcome, objects[0].Body)
	}
	for _, published := range current.Feeds {
		if published.ID == uploaded.feed.ID {
			if published.VersionID != uploaded.version || published.Count != uploaded.report.Names {
				return fmt.Errorf("the index has version %s with %d entries, want %s with %d",
					published.VersionID, published.Count, uploaded.version, uploaded.report.Names)
			}
			return nil
		}
	}
	return fmt.Errorf("generation %d does not have the feed", current.Generation)
}

// The name that leaves a list, and a query for it.
const (
	leavingName  = "beacon.botnet.example"
	leavingQuery = "x9." + leavingName + "."
)

// change is a query for a name before and after the name was removed from a feed.
type change struct{ before, after sample.MarkedRecord }

// removeName removes a name from a feed, uploads the list again, and repeats a query for the name.
// before is how the query was marked the first time.
func (d *demo) removeName(ctx context.Context, before sample.MarkedRecord) (*change, error) {
	if _, err := d.importFeeds(ctx, []sample.Feed{changingFeed().With(sample.LateLine).Without(leavingName)}); err != nil {
		return nil, err
	}
	if err := sleep(ctx, indexDelay); err != nil { // the interval at which the transformer checks for a new index
		return nil, err
	}
	after, err := d.ask(ctx, leavingQuery, sample.Want{Verdict: sample.Clean})
	return &change{before, after}, err
}

// changingFeed returns the feed whose list changes during the demo.
func changingFeed() sample.Feed {
	for _, feed := range sample.Feeds() {
		if feed.ID == sample.BotnetC2 {
			return feed
		}
	}
	panic("there is no feed " + sample.BotnetC2)
}

// ask sends one query through the pipeline and returns its marked record. It returns an error if
// the record is not marked as want says.
func (d *demo) ask(ctx context.Context, name string, want sample.Want) (sample.MarkedRecord, error) {
	record := d.generator.Ask(name, want)
	if err := d.send(ctx, []sample.Record{record}); err != nil {
		return sample.MarkedRecord{}, err
	}
	if err := d.waitDelivered(ctx); err != nil {
		return sample.MarkedRecord{}, err
	}
	found, err := (&auditor{stack: d.stack, ledger: d.ledger}).audit(ctx)
	if err != nil {
		return sample.MarkedRecord{}, err
	}
	return found.marked[record.Lines[0].Key], nil
}

// logFile returns the path of the log of a function.
func (d *demo) logFile(function string) string {
	return strings.Join([]string{d.Out, functionFolder, function + ".log"}, "/")
}
