package main

import (
	"strings"
	"testing"
)

func TestCompareTemplates(t *testing.T) {
	before := `{"Resources": {"Logs": {"Type": "AWS::S3::Bucket", "Tags": ["a"]}, "Empty": {}}}`
	for _, test := range []struct{ name, after, want, wantErr string }{
		{
			name:  "other order of members",
			after: `{"Resources": {"Empty": {}, "Logs": {"Tags": ["a"], "Type": "AWS::S3::Bucket"}}}`,
			want:  "equal templates",
		},
		{
			name:    "another value",
			after:   strings.Replace(before, `"a"`, `"b"`, 1),
			wantErr: "1 differences between the templates are not explained",
		},
		{
			name:    "a value less and a value more",
			after:   strings.Replace(before, `"Empty": {}`, `"Other": {}`, 1),
			wantErr: "2 differences between the templates are not explained",
		},
		{
			name:    "not a template",
			after:   "Resources:",
			wantErr: "Security: invalid character 'R' looking for beginning of value",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := compareTemplates(security(before), security(test.after))
			if got != test.want || message(err) != test.wantErr {
				t.Errorf("got %q, %v; want %q, %s", got, err, test.want, test.wantErr)
			}
		})
	}
}

func TestCompareTemplates_otherStacks(t *testing.T) {
	none := &assembly{}
	if _, err := compareTemplates(security("{}"), none); err == nil {
		t.Error("a missing stack went unnoticed")
	}
}

func TestDifferences(t *testing.T) {
	before := map[string]string{"/a": "1", "/b": `"x"`}
	after := map[string]string{"/b": `"y"`, "/c/0": "{}"}
	var lines []string
	for _, difference := range differences(before, after) {
		lines = append(lines, difference.String())
	}
	got := strings.Join(lines, "\n")
	want := `/a: 1 -> none (not explained)
/b: "x" -> "y" (not explained)
/c/0: none -> {} (not explained)`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func security(template string) *assembly {
	return &assembly{templates: map[string][]byte{"Security": []byte(template)}}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
