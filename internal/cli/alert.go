package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func newAlert(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "alert",
		Short:   "Check that alerts of a deployed stack reach somebody",
		Example: `  resolverwatch alert test`,
		Args:    noCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAlertTest(std))
	return cmd
}

// alertTestOptions are the flags of alert test.
type alertTestOptions struct {
	deployment
	queue, alertTable string
	wait              time.Duration
	form              string
}

func newAlertTest(std streams) *cobra.Command {
	var o alertTestOptions
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send one alert that is marked as a test, and show what each target said",
		Long: `Test sends one alert that is marked as a test the way that matches go: into the queue of the
stack, from where the notifier takes it and sends it to every target, which are EventBridge,
the SNS topic, and Security Hub. It waits for the notifier and shows what each target said.

A target said "ok" if AWS accepted the alert. Whether a person received the mail, AWS does not
know: look for it, and confirm the subscription of the topic if there is none.

The exit code is 1 if a target failed or nothing came back in time. The notifier collects
messages for up to 30 seconds, so an answer takes about as long.
` + deploymentHelp,
		Example: `  resolverwatch alert test
  resolverwatch alert test --wait 5m -o json | jq '.targets[]'`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, std) },
	}
	o.registerStack(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.queue, "alert-queue", "", "`URL` of the queue of alerts (default: from the outputs of the stack)")
	flags.StringVar(&o.alertTable, "alert-table", "", "`NAME` of the table of sent alerts (default: from the outputs of the stack)")
	flags.DurationVar(&o.wait, "wait", 2*time.Minute, "how long to wait for the notifier")
	registerForm(cmd, &o.form, "", formText, formJSON)
	return cmd
}

// targetTitles are the targets as people name them.
var targetTitles = map[string]string{"bus": "EventBridge", "topic": "SNS topic", "hub": "Security Hub"}

func (o *alertTestOptions) run(cmd *cobra.Command, std streams) error {
	if o.wait <= 0 {
		return usagef(cmd, "--wait %s: must be longer than 0", o.wait)
	}
	ctx := cmd.Context()
	if err := o.findAlerts(ctx); err != nil {
		return err
	}

	if o.form == formText {
		fmt.Fprintln(std.err, "waiting for the notifier, which collects messages for up to 30 s ...")
	}
	tester := operator.AlertTester{
		Queue:   stack.NewAlertQueue(o.config, o.queue),
		Answers: stack.NewAlertAnswers(o.config, o.alertTable),
		Stack:   o.stack,
		Wait:    o.wait,
		Pause:   time.Second,
		Now:     time.Now,
	}
	test, err := tester.Run(ctx)
	if err != nil && !errors.Is(err, operator.ErrNoAnswer) {
		return err
	}
	if err := printAlertTest(std.out, test, o.form); err != nil {
		return err
	}
	return o.outcome(ctx, test, err)
}

// findAlerts finds the queue and the table. A stack without them has alerts turned off.
func (o *alertTestOptions) findAlerts(ctx context.Context) error {
	if err := o.findAll(ctx); err != nil {
		return err
	}
	if o.queue == "" || o.alertTable == "" {
		if err := readOutputs(ctx, &o.deployment); err != nil {
			return err
		}
		if o.outputs.Of(o.pipeline, settings.OutputAlertQueueURL) == "" {
			return fmt.Errorf("alerts are off in the stack %q: it has no output %s; set alerts.enabled to true and deploy it, "+
				"or name a pipeline with --pipeline", o.stack, settings.OutputKey(o.pipeline, settings.OutputAlertQueueURL))
		}
	}
	if err := o.find(ctx, resource{"--alert-queue", &o.queue, settings.OutputAlertQueueURL}); err != nil {
		return err
	}
	return o.find(ctx, resource{"--alert-table", &o.alertTable, settings.OutputAlertTableName})
}

func printAlertTest(out io.Writer, test *operator.AlertTest, form string) error {
	if form == formJSON {
		return json.NewEncoder(out).Encode(test)
	}
	fmt.Fprintf(out, "test alert %s\n", test.ID)
	for _, target := range test.Targets {
		title := targetTitles[target.Target]
		if title == "" {
			title = target.Target
		}
		line := fmt.Sprintf("%-14s%s", title, target.State)
		if target.Error != "" {
			line += ": " + target.Error
		}
		fmt.Fprintln(out, printable.Line(line))
	}
	return nil
}

// outcome returns the error of a test, with what to do.
func (o *alertTestOptions) outcome(ctx context.Context, test *operator.AlertTest, err error) error {
	switch failed := test.Failed(); {
	case err != nil:
		return o.noAnswer(ctx)
	case len(failed) > 0:
		return fmt.Errorf("%d of %d targets failed: %s; the notifier's log says more%s", len(failed), len(test.Targets),
			strings.Join(failed, ", "), o.logsHint())
	case len(test.Targets) == 0:
		return errors.New("the notifier has no target: turn on alerts.topic or alerts.securityHub, and deploy the stack")
	}
	return nil
}

// noAnswer says where the test alert may be. The queues are only looked at to help, so an error
// there changes nothing.
func (o *alertTestOptions) noAnswer(ctx context.Context) error {
	text := fmt.Sprintf("no answer came in %s", o.wait)
	queues := stack.NewQueues(o.config)
	if waiting, err := queues.Waiting(ctx, o.queue); err == nil {
		text += fmt.Sprintf("; %d messages wait in the queue, so the notifier may be behind or stopped", waiting)
	}
	dead := o.outputs.Of(o.pipeline, settings.OutputAlertDeadLetterQueueURL)
	if waiting, err := queues.Waiting(ctx, dead); dead != "" && err == nil && waiting > 0 {
		text += fmt.Sprintf("; %d dead letters in %s, which the notifier failed to handle five times", waiting, dead)
	}
	return errors.New(text + "; look into the notifier's log" + o.logsHint() + ", and repeat the test with a longer --wait")
}

// logsHint returns the command that shows the notifier's log, in parentheses.
func (o *alertTestOptions) logsHint() string {
	if name := o.outputs.Of(o.pipeline, settings.OutputNotifierFunctionName); name != "" {
		return fmt.Sprintf(` (aws logs tail --since 15m "$(aws lambda get-function-configuration --function-name %s `+
			`--query LoggingConfig.LogGroup --output text)")`, name)
	}
	return ""
}
