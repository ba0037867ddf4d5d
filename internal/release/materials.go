package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// writeMaterials writes the bill of materials of a program into a file.
type writeMaterials func(ctx context.Context, p platform, program, file string) error

// cyclonedx returns a function that writes bills of materials with cyclonedx-gomod. They have no
// time and no random number. The tool takes the platform from its environment, not from the
// program.
func cyclonedx(tool, version string) writeMaterials {
	return func(ctx context.Context, p platform, program, file string) error {
		cmd := exec.CommandContext(ctx, tool, "bin", "-json", "-noserial", "-notimestamp", //nolint:gosec // named by the caller
			"-version", version, "-output", file, program)
		cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch)
		if err := run(cmd); err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if text, err = withoutToolHashes(text); err != nil {
			return err
		}
		return os.WriteFile(file, text, 0o600)
	}
}

// withoutToolHashes removes the checksums of the tool itself from a bill of materials. They differ
// between machines, because each builds the tool for its own platform.
func withoutToolHashes(text []byte) ([]byte, error) {
	var document map[string]json.RawMessage
	var metadata map[string]json.RawMessage
	var tools []map[string]json.RawMessage
	err := json.Unmarshal(text, &document)
	if err == nil {
		err = json.Unmarshal(document["metadata"], &metadata)
	}
	if err == nil {
		err = json.Unmarshal(metadata["tools"], &tools)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the bill of materials: %w", err)
	}

	for _, tool := range tools {
		delete(tool, "hashes")
	}
	if metadata["tools"], err = json.Marshal(tools); err == nil {
		document["metadata"], err = json.Marshal(metadata)
	}
	if err != nil {
		return nil, fmt.Errorf("writing the bill of materials: %w", err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(document)
	return out.Bytes(), err
}
