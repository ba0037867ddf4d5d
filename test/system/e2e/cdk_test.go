//go:build e2e

package e2e_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cdk is the CDK command line, pointed at the emulator.
type cdk struct {
	command  string
	emulator *emulator
	log      string // path of a file with everything it prints
}

// run runs the command line in a folder, and returns what it printed.
func (c *cdk) run(t *testing.T, folder string, args ...string) string {
	t.Helper()
	command := exec.Command(c.command, append(args, "--no-notices", "--no-color")...)
	command.Dir = folder
	endpoint := c.emulator.URL.String()
	command.Env = append(os.Environ(),
		"AWS_ENDPOINT_URL="+endpoint,
		// The emulator finds a template in a bucket only under the name "localhost".
		"AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION="+strings.Replace(endpoint, "127.0.0.1", "localhost", 1),
		"AWS_ACCESS_KEY_ID=OWNER", "AWS_SECRET_ACCESS_KEY=local", "AWS_SESSION_TOKEN=",
		"AWS_REGION="+region, "AWS_DEFAULT_REGION="+region, "AWS_PROFILE=",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "CDK_DISABLE_CLI_TELEMETRY=true",
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20",
	)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	c.note(t, args, out.String())
	if err != nil {
		t.Fatalf("cdk %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

func (c *cdk) note(t *testing.T, args []string, out string) {
	t.Helper()
	file, err := os.OpenFile(c.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("\n$ cdk " + strings.Join(args, " ") + "\n" + out); err != nil {
		t.Fatal(err)
	}
}

// bootstrap creates the bootstrap stack in a folder without cdk.json, so that no app is
// synthesized for it.
func (c *cdk) bootstrap(t *testing.T) {
	t.Helper()
	c.run(t, t.TempDir(), "bootstrap", "aws://"+account+"/"+region)
}

// appArgs returns the arguments that describe an app: the folder of its assembly, and its
// settings by path, as a user gives them.
func appArgs(t *testing.T, folder string, settings map[string]any) []string {
	t.Helper()
	args := []string{"--output", assembly(folder)}
	for _, path := range slices.Sorted(maps.Keys(settings)) {
		value, isText := settings[path].(string)
		if !isText {
			value = encode(settings[path])
		}
		args = append(args, "-c", "resolverwatch."+path+"="+value)
	}
	return args
}

// deployArgs returns the arguments that deploy an app with settings.
func deployArgs(t *testing.T, folder string, settings map[string]any) []string {
	t.Helper()
	return append([]string{"deploy", "--require-approval", "never"}, appArgs(t, folder, settings)...)
}

// assembly returns the folder in which the command line leaves the deployed assembly.
func assembly(folder string) string { return filepath.Join(folder, "cdk.out") }
