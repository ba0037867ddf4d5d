package config_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
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
			needed := map[string]any{}
			if strings.HasPrefix(key, "source.") && key != "source.s3" {
				needed[config.ContextKey+".source.s3"] = "true"
			}
			before, err := config.Decode(needed)
			if err != nil {
				t.Fatal(err)
			}
			needed[contextKey(key)] = text
			got, err := config.Decode(needed)
			if err != nil {
				t.Fatal(err)
			}
			if cmp.Equal(before, got) {
				t.Errorf("%q changes nothing", text)
			}
		})
	}
}

func TestKeys_refuseOtherTypes(t *testing.T) {
	t.Parallel()
	rule := regexp.MustCompile(`^(\[0\])?: \[.*\]: must be (text|true or false|an object|a (whole )?number|a duration, like .*|one of [a-zA-Z0-9_, -]+)$`)
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

// For every setting that the previous release had and this one does not have, the error says
// what to do.
func TestKeys_earlier(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/earlier.txt")
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`^(was dropped: .+|is now [a-zA-Z.]+, .+)$`)
	for key := range strings.Lines(string(text)) {
		key := strings.TrimSpace(key)
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			_, err := config.Decode(map[string]any{contextKey(key): "1"})
			if slices.Contains(config.Keys(), key) {
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			if text, ok := strings.CutPrefix(err.Error(), contextKey(key)+": "); !ok || !rule.MatchString(text) {
				t.Errorf("error %q", err)
			}
		})
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
