//go:build !race

package gofunction_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/gofunction"
)

// A function of your own, from the module of the app itself.
func ExampleNew() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Security"), nil)

	gofunction.New(stack, "Report", &gofunction.Props{
		FunctionProps: awslambda.FunctionProps{
			Architecture: awslambda.Architecture_X86_64(),
			MemorySize:   jsii.Number(256),
		},
		ModuleDir: ".",
		Entry:     "./lambdas/report",
	})

	app.Synth(nil)
}
