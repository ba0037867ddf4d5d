//go:build !race

package stack_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/config"
)

// Setting a default that the README documents changes nothing. Defaults in words
// ("generated", "none") and those of feeds, which the importer has, are not checked.
func TestReadmeDefaults(t *testing.T) {
	for _, variant := range []struct {
		name     string
		defaults int               // at least this many are documented
		with     map[string]string // the settings that they go with
		given    func(row settingRow) string
	}{
		{"alone", 50, nil, func(row settingRow) string {
			switch row.key {
			case "store.readCapacity", "store.writeCapacity", "delivery.parquetPrefix":
				return "" // below
			}
			return row.value
		}},
		{"provisioned", 2, map[string]string{"store.billing": "provisioned"}, func(row settingRow) string {
			if strings.HasSuffix(row.key, "Capacity") {
				return row.value
			}
			return ""
		}},
		{"Parquet", 3, map[string]string{"delivery.format": "PARQUET"}, func(row settingRow) string {
			if row.key == "delivery.parquetPrefix" {
				return row.value
			}
			return row.withParquet
		}},
	} {
		t.Run(variant.name, func(t *testing.T) {
			unset, set := appContext(t, nil), appContext(t, nil)
			for key, value := range variant.with {
				unset[config.ContextKey+"."+key], set[config.ContextKey+"."+key] = value, value
			}
			given := 0
			for _, row := range settingRows(t) {
				if value := variant.given(row); value != "" {
					set[config.ContextKey+"."+row.key] = value
					given++
				}
			}
			if given < variant.defaults {
				t.Fatalf("only %d defaults found", given)
			}
			if diff := cmp.Diff(template(t, define(t, unset)), template(t, define(t, set))); diff != "" {
				t.Errorf("without settings (-) and with the defaults of the README (+):\n%s", diff)
			}
		})
	}
}

// settingRow is a row of the README's settings table, with its default values: a word of
// code, or a number.
type settingRow struct{ key, value, withParquet string }

func settingRows(t *testing.T) []settingRow {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### Settings\n")
	section, _, _ = strings.Cut(section, "\n## ")
	const value = "(`[^` ]+`|[0-9]+)"
	row := regexp.MustCompile("(?m)^\\| `([a-zA-Z0-9.]+)` \\| " + value + "(?:; " + value + " with `PARQUET`)? \\|")
	var rows []settingRow
	for _, match := range row.FindAllStringSubmatch(section, -1) {
		rows = append(rows, settingRow{match[1], strings.Trim(match[2], "`"), strings.Trim(match[3], "`")})
	}
	return rows
}
