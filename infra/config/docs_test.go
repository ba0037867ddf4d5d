package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/infra/config"
)

var (
	jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")
	override  = regexp.MustCompile("-c (resolverwatch\\.[^=<\\s]+)=([^`\\s]+)")
	mentioned = regexp.MustCompile("`((?:store|importer|transformer|delivery|queryLogging|catalog|alerts|hunts)\\.[a-z][a-zA-Z.]+)(?:=[^`]*)?`")
	generated = regexp.MustCompile(`(?s)<!-- [^\n]*: written by .*?<!-- end of [^\n]*-->`)
)

// The settings in the samples and in the text of the documents exist, and the samples are
// valid. The changelog names earlier settings too.
func TestDecode_documents(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(documents) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	samples := 0
	for _, document := range append(documents, "../../README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		page := generated.ReplaceAllString(string(text), "")
		for _, block := range jsonBlock.FindAllStringSubmatch(page, -1) {
			if context := sampleContext(block[1]); context != nil {
				samples++
				if _, err := config.Decode(context); err != nil {
					t.Errorf("%s: %v", document, err)
				}
			}
		}
		for _, option := range override.FindAllStringSubmatch(page, -1) {
			samples++
			if _, err := config.Decode(map[string]any{option[1]: option[2]}); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
		for _, name := range mentioned.FindAllStringSubmatch(page, -1) {
			if !isSetting(name[1]) {
				t.Errorf("%s: %s is not a setting", document, name[1])
			}
		}
	}
	if samples < 5 {
		t.Errorf("only %d samples found", samples)
	}
}

// sampleContext returns the context of a cdk.json, or nil if the sample is another file or a
// part of one.
func sampleContext(text string) map[string]any {
	var file map[string]any
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		return nil
	}
	if context, ok := file["context"].(map[string]any); ok {
		file = context
	}
	if _, ok := file[config.ContextKey]; !ok {
		return nil
	}
	delete(file, "app")
	return file
}

// isSetting reports whether a path leads to a setting or a section.
func isSetting(path string) bool {
	return slices.ContainsFunc(config.Keys(), func(key string) bool {
		return key == path || strings.HasPrefix(key, path+".")
	})
}
