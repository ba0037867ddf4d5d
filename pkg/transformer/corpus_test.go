package transformer

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Real transformation events must give these ids and verdicts.
func TestCorpus_events(t *testing.T) {
	t.Parallel()
	root := os.Getenv("RESOLVERWATCH_CORPUS")
	if root == "" {
		t.Skip("set RESOLVERWATCH_CORPUS to the folder that holds samples/ and vectors/")
	}
	events := regexp.MustCompile(`(?s)\{\s*"invocationId".*?\]\s*\}`)
	const sample = "49608881990386730531720344590303185600216991761728274434000000"
	for _, tt := range []struct {
		path string
		ids  []string
		want []string // of each event in the file
	}{
		{
			filepath.Join("samples", "r53resolver-query-log-parser", "stream_processor", "testEventSampleData.txt"),
			[]string{sample}, []string{"clean@7", "malicious@7"},
		},
		{
			filepath.Join("vectors", "aws-lambda-go", "kinesis-firehose-event.json"),
			[]string{"record1", "record2"}, []string{"ProcessingFailed ProcessingFailed"},
		},
	} {
		data, err := os.ReadFile(filepath.Join(root, tt.path))
		if err != nil {
			t.Fatal(err)
		}
		tr, s, _ := newTransformer(t, nil)
		s.set(publish(t, 7, start, "akrpublicschool.com"))
		found := events.FindAll(data, -1)
		if len(found) != len(tt.want) {
			t.Fatalf("%s: %d events found, want %d", tt.path, len(found), len(tt.want))
		}
		for i, event := range found {
			response, err := tr.Invoke(context.Background(), event)
			if err != nil {
				t.Errorf("%s: %v", tt.path, err)
				continue
			}
			if got := words(t, check(t, response, tt.ids...)); got != tt.want[i] {
				t.Errorf("%s: event %d: got %s, want %s", tt.path, i, got, tt.want[i])
			}
		}
	}
}
