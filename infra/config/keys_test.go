package config_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/config"
)

// readSamples returns a value for every setting that differs from its default, in the form
// that -c gives.
func readSamples(t testing.TB) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/settings.json")
	if err != nil {
		t.Fatal(err)
	}
	var samples map[string]string
	if err := json.Unmarshal(text, &samples); err != nil {
		t.Fatal(err)
	}
	return samples
}

// contextKey returns the name of the setting for -c.
func contextKey(key string) string {
	return config.ContextKey + "." + strings.NewReplacer("<feed id>", "urlhaus", "<key>", "team").Replace(key)
}

func TestKeys_overridable(t *testing.T) {
	t.Parallel()
	samples := readSamples(t)
	if len(samples) != len(config.Keys()) {
		t.Errorf("%d samples for %d settings", len(samples), len(config.Keys()))
	}
	for _, key := range config.Keys() {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			text, found := samples[key]
			if !found {
				t.Fatal("no sample")
			}
			got, err := config.Decode(map[string]any{contextKey(key): text})
			if err != nil {
				t.Fatal(err)
			}
			if cmp.Equal(config.Default(), got) {
				t.Errorf("%q changes nothing", text)
			}
		})
	}
}

func TestKeys_refuseOtherTypes(t *testing.T) {
	t.Parallel()
	rule := regexp.MustCompile(`^(\[0\])?: \[.*\]: must be (text|true or false|an object|a (whole )?number, 0 or more|one of [a-zA-Z, -]+)$`)
	for _, key := range config.Keys() {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			_, err := config.Decode(map[string]any{contextKey(key): []any{[]any{7}}})
			if err == nil {
				t.Fatal("a list of lists is accepted")
			}
			if text, ok := strings.CutPrefix(err.Error(), contextKey(key)); !ok || !rule.MatchString(text) {
				t.Errorf("error %q", err)
			}
		})
	}
}

// The settings table of the README has exactly one row for every setting.
func TestKeys_documented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n### Settings\n")
	if !found {
		t.Fatal("no section with settings")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|.+\\|.+\\|$").FindAllStringSubmatch(section, -1) {
		documented = append(documented, row[1])
	}
	if diff := cmp.Diff(config.Keys(), documented); diff != "" {
		t.Errorf("rows (+) and settings (-) differ:\n%s", diff)
	}
}

// Any context decodes to settings, or to an error in which every line says where the
// problem is.
func FuzzDecode(f *testing.F) {
	for key, text := range readSamples(f) {
		f.Add(`{}`, contextKey(key), text)
	}
	f.Add(`{"store":{"readCapacity":-1}}`, "resolverwatch.store.readCapacity.x", `[[]]`)
	f.Add(`[1e400,"x",{"":{}}]`, "resolverwatch.", `{"":{"":null}}`)
	f.Add(`{"feeds":{"a.b":{"format":null}}}`, "resolverwatch.feeds.a.b.format", "")
	f.Fuzz(func(t *testing.T, tree, key, text string) {
		var value any
		_ = json.Unmarshal([]byte(tree), &value)
		got, err := config.Decode(map[string]any{config.ContextKey: value, key: text})
		if err == nil {
			if _, err := json.Marshal(got); err != nil {
				t.Errorf("settings that cannot be written: %v", err)
			}
			return
		}
		if !strings.HasPrefix(err.Error(), config.ContextKey) && !strings.HasPrefix(err.Error(), "context key ") {
			t.Errorf("error without a path: %v", err)
		}
	})
}
