package cli

import (
	"strings"
	"testing"

	"github.com/aws/smithy-go/logging"

	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
)

// If a stack has several pipelines, --pipeline chooses the outputs.
func TestDeployment_pipeline(t *testing.T) {
	outputs := stack.Outputs{"TableName": "first", "GuestsTableName": "second"}
	for pipeline, want := range map[string]string{"": "first", "Guests": "second"} {
		d := deployment{stack: "Security", pipeline: pipeline, outputs: outputs}
		if err := d.find(t.Context(), d.needTable()); err != nil || d.table != want {
			t.Errorf("--pipeline %q: table %q, %v; want %q", pipeline, d.table, err, want)
		}
	}
	d := deployment{stack: "Security", pipeline: "Others", outputs: outputs}
	err := d.find(t.Context(), d.needTable())
	if err == nil || !strings.Contains(err.Error(), `the stack "Security" has no output OthersTableName: `) ||
		!strings.Contains(err.Error(), "--pipeline") {
		t.Errorf("error %v", err)
	}
}

// The SDK does not print its warnings between our messages.
func TestAWSConfig_logger(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	config, err := awsConfig(t.Context())
	if _, isQuiet := config.Logger.(logging.Nop); err != nil || !isQuiet {
		t.Errorf("logger %T, error %v", config.Logger, err)
	}
}
