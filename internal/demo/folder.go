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
	"github.com/resolverwatch/resolverwatch/internal/localaws/role"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// rawLogs is the file with the query logs as they were sent.
const rawLogs = "query-logs.jsonl"

// markedLogs is the folder of the log bucket with the marked logs.
const markedLogs = "dns-query-logs"

// reportFile is the page about the marked logs.
const reportFile = "report.html"

// buckets returns the buckets that are saved. Each becomes a folder with its name.
func buckets() []string {
	return []string{localaws.ListBucket, localaws.IndexBucket, localaws.LogBucket}
}

// prepareFolder creates the folder for the results and removes the results of an earlier demo.
// It leaves other files in the folder alone.
func (d *demo) prepareFolder() error {
	for _, name := range append(buckets(), functionFolder, rawLogs, reportFile) {
		if err := os.RemoveAll(filepath.Join(d.Out, name)); err != nil {
			return fmt.Errorf("removing the results of an earlier demo: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(d.Out, functionFolder), 0o755); err != nil { //nolint:gosec // users may share the results
		return fmt.Errorf("creating the folder for the results: %w", err)
	}
	return nil
}

// save writes the buckets and the raw logs to the folder.
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
		_, _ = w.Write(d.ledger.Lines[key].Object) // Flush returns the error
		_ = w.WriteByte('\n')
	}
	return w.Flush()
}

// keepRunning prints how to explore the stack and waits until the context ends. Then it delivers
// and saves the records that arrived in the meantime.
func (d *demo) keepRunning(ctx context.Context) error {
	d.print("\nEverything keeps running at %s. Try this in another terminal with the AWS CLI 2\n"+
		"(with version 1, leave out --cli-binary-format):\n\n", d.stack.URL)
	for _, command := range []string{
		"export AWS_ENDPOINT_URL=" + d.stack.URL + " AWS_DEFAULT_REGION=us-east-1 \\",
		"       AWS_ACCESS_KEY_ID=" + role.Owner + " AWS_SECRET_ACCESS_KEY=local",
		"aws s3 ls --recursive s3://" + localaws.LogBucket,
		"",
		"# upload a list, then send a query that it matches a few seconds later",
		"echo www.evil.example | aws s3 cp - s3://" + localaws.ListBucket + "/feeds/mine/names.txt",
		"aws firehose put-record --delivery-stream-name " + localaws.DeliveryStream + " \\",
		`       --cli-binary-format raw-in-base64-out --record 'Data="{\"query_name\":\"www.evil.example.\"}"'`,
		"",
		"# show the status, allow a name, and roll back",
		d.command + " status",
		d.command + ` allow www.evil.example --reason "a test"`,
		d.command + " rollback",
	} {
		d.print("  %s\n", command)
	}
	d.print("\nPress Ctrl-C to stop.\n")
	<-ctx.Done()
	d.progress("stopping: delivering buffered records first")
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	return errors.Join(d.stack.Stream.Close(closing), d.save())
}

// ResultPaths returns the paths of the marked logs and the published indicators in the folder of
// a demo. ok is false if path is not the folder of a demo.
func ResultPaths(path string) (logs, indicators string, ok bool) {
	logs = filepath.Join(path, localaws.LogBucket, markedLogs)
	indicators = filepath.Join(path, localaws.IndexBucket, filepath.FromSlash(catalog.IndicatorKey))
	for _, needed := range []string{logs, indicators} {
		if _, err := os.Stat(needed); err != nil {
			return "", "", false
		}
	}
	return logs, indicators, true
}
