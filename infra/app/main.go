// App synthesizes Resolverwatch: it reads the settings in the context and writes a cloud assembly.
// The CDK command runs it as cdk.json says.
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

// run converts the panics with which constructs reject props into a readable error.
func run() (err error) {
	defer func() {
		err = errors.Join(err, stack.Refusal(recover()))
	}()
	app := awscdk.NewApp(nil)
	context, _ := app.Node().GetAllContext(nil).(map[string]any)
	deployment, err := config.Decode(context)
	if err != nil {
		return err
	}
	stack.New(app, deployment)
	app.Synth(nil)
	return nil
}
