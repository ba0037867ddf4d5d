package keyprefix

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Folders returns the prefixes of all objects that a stream with this Prefix writes for records
// that arrived between from and until, the oldest first. An expression whose values cannot be
// known, or that is finer than an hour, ends them.
func Folders(text string, from, until time.Time) ([]string, error) {
	parsed, err := splitPrefix(text)
	if err != nil {
		return nil, fmt.Errorf("prefix %q: %w", text, err)
	}
	if !parsed.has("timestamp", "") {
		parsed = mustParse(text + hourly)
	}

	var folders []string
	for hour := from.UTC().Truncate(time.Hour); !hour.After(until); hour = hour.Add(time.Hour) {
		if folder := parsed.evaluateHour(hour); !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders, nil
}

// evaluateHour returns the beginning of the prefix that is the same for a whole hour.
func (p Prefix) evaluateHour(hour time.Time) string {
	var key strings.Builder
	for _, part := range p {
		switch part.namespace {
		case "":
			key.WriteString(part.value)
		case "timestamp":
			for _, field := range part.layout {
				if field.goLayout == fields["mm"] || field.goLayout == fields["ss"] {
					return key.String()
				}
				key.WriteString(field.format(hour))
			}
		default:
			return key.String()
		}
	}
	return key.String()
}
