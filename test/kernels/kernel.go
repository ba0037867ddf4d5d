package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// kernelOut is the environment variable that makes this program a kernel. Its value is the
// folder for the cloud assembly.
const kernelOut = "RESOLVERWATCH_KERNEL_OUT"

const stackName = "Cold"

// synthesize starts the jsii runtime and synthesizes a stack. If the runtime dies, it
// returns the panic of the client as an error.
func synthesize(out string) (err error) {
	defer jsii.Close()
	defer func() {
		if dead := recover(); dead != nil {
			err = fmt.Errorf("%v", dead)
		}
	}()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: &out, AnalyticsReporting: jsii.Bool(false)})
	stack := awscdk.NewStack(app, jsii.String(stackName), nil)
	awscdk.NewCfnOutput(stack, jsii.String("Output"), &awscdk.CfnOutputProps{Value: jsii.String("cold")})
	app.Synth(nil)
	return nil
}
