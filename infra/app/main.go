// App synthesizes Resolverwatch: context in, cloud assembly out. The CDK's command runs
// it by cdk.json.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/stack"
)

func main() {
	defer jsii.Close()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "resolverwatch:", err)
		jsii.Close()
		os.Exit(1) //nolint:gocritic // closed above
	}
}

// run turns the panics by which constructs refuse props into an error to read.
func run() (err error) {
	defer func() {
		err = errors.Join(err, stack.Refusal(recover()))
	}()
	app := awscdk.NewApp(nil)
	context, _ := app.Node().GetAllContext(nil).(map[string]any)
	settings, err := config.Decode(context)
	if err != nil {
		return err
	}
	stack.New(app, settings)
	app.Synth(nil)
	return nil
}
