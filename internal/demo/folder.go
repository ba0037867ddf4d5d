package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// rawLogs is the file with the log objects as they were sent.
const rawLogs = "query-logs.jsonl"

// buckets are the buckets that are saved, each as a folder of its name.
func buckets() []string {
	return []string{localaws.ListBucket, localaws.IndexBucket, localaws.LogBucket}
}

// prepareFolder makes the folder for the results and removes those of an earlier demo
// from it; whatever else lies there stays.
func (d *demo) prepareFolder() error {
	for _, name := range append(buckets(), functionFolder, rawLogs) {
		if err := os.RemoveAll(filepath.Join(d.Out, name)); err != nil {
			return fmt.Errorf("removing the results of an earlier demo: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(d.Out, functionFolder), 0o755); err != nil { //nolint:gosec // for users to look at
		return fmt.Errorf("making the folder for the results: %w", err)
	}
	return nil
}

// save writes the buckets and the raw logs into the folder.
func (d *demo) save() error {
	for _, bucket := range buckets() {
		if _, err := d.stack.Save(bucket, "", filepath.Join(d.Out, bucket)); err != nil {
			return fmt.Errorf("saving the objects of %s: %w", bucket, err)
		}
	}
	return d.saveRawLogs()
}

func (d *demo) saveRawLogs() (err error) {
	file, err := os.Create(filepath.Join(d.Out, rawLogs))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriter(file)
	for _, key := range slices.Sorted(maps.Keys(d.ledger.Lines)) {
		_, _ = w.Write(d.ledger.Lines[key].Object) // Flush tells
		_ = w.WriteByte('\n')
	}
	return w.Flush()
}

// keepRunning tells how to look around and waits until the context ends. Then what came in
// meanwhile is delivered and saved.
func (d *demo) keepRunning(ctx context.Context) error {
	d.print("\nEverything still runs at %s. In another terminal, with the AWS CLI 2\n"+
		"(version 1 does without --cli-binary-format):\n\n", d.stack.URL)
	for _, command := range []string{
		"export AWS_ENDPOINT_URL=" + d.stack.URL + " AWS_DEFAULT_REGION=us-east-1 \\",
		"       AWS_ACCESS_KEY_ID=" + localaws.OwnerKey + " AWS_SECRET_ACCESS_KEY=local",
		"aws s3 ls --recursive s3://" + localaws.LogBucket,
		"",
		"# a list of your own, and a query that it marks within a few seconds",
		"echo www.evil.example | aws s3 cp - s3://" + localaws.ListBucket + "/feeds/mine/names.txt",
		"aws firehose put-record --delivery-stream-name " + localaws.DeliveryStream + " \\",
		`       --cli-binary-format raw-in-base64-out --record 'Data="{\"query_name\":\"www.evil.example.\"}"'`,
		"",
		"# what serves, a name allowed by hand, and back to the generation before",
		d.Command + " status",
		d.Command + ` allow www.evil.example --reason "a test"`,
		d.Command + " rollback",
	} {
		d.print("  %s\n", command)
	}
	d.print("\nCtrl-C ends it.\n")
	<-ctx.Done()
	d.progress("ending: what is buffered is delivered first")
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	return errors.Join(d.stack.Stream.Close(closing), d.save())
}

// ResultPaths returns where the marked logs and the published indicators lie in the folder of
// a demo, and whether path is one.
func ResultPaths(path string) (logs, indicators string, ok bool) {
	logs = filepath.Join(path, localaws.LogBucket, "dns-query-logs")
	indicators = filepath.Join(path, localaws.IndexBucket, filepath.FromSlash(catalog.IndicatorKey))
	for _, needed := range []string{logs, indicators} {
		if _, err := os.Stat(needed); err != nil {
			return "", "", false
		}
	}
	return logs, indicators, true
}
