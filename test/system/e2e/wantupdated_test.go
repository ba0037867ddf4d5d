//go:build e2e

package e2e_test

import (
	"maps"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// wantUpdated returns the facts of a deployment with defaults after its update: the changed
// settings and their consequences. All other facts stay the same.
func wantUpdated(vpc, newVPC string) map[string]string {
	want := wantDefaults(vpc)
	maps.Copy(want, map[string]string{
		"glue projection.arrived.range": "NOW-401DAYS,NOW",

		"importer GOMEMLIMIT":                    "1152MiB",
		"importer RESOLVERWATCH_GUARDS":          guards(func(g *settings.Guards) { g.ShrinkPercent = 35 }),
		"importer RESOLVERWATCH_MAX_INDEX_BYTES": "150994944",
		"importer log is kept":                   "30 days",
		"importer memory and timeout":            "1280 MiB 900 s",
		"rule of a schedule":                     "rate(30 minutes) ENABLED",

		"parameter /Resolverwatch/feeds/late": `{"format":"plain","category":"phishing","severity":"high","confidence":90}`,

		"transformer GOMEMLIMIT":                  "345MiB",
		"transformer RESOLVERWATCH_MAX_INDEX_AGE": "72h0m0s",
		"transformer RESOLVERWATCH_POLL_INTERVAL": "20s",
		"transformer memory and timeout":          "384 MiB 120 s",

		"query log of " + newVPC: "ACTIVE by the configuration: true",

		"stream buffer":            "8 MiB 90 s",
		"stream error log is kept": "7 days",

		"list bucket lifecycle":   "unfinished uploads 7 days, old versions 30 days, lone delete markers",
		"index bucket lifecycle":  "unfinished uploads 7 days, old versions 30 days, lone delete markers",
		"output bucket lifecycle": "unfinished uploads 7 days, objects 400 days",
		"result bucket lifecycle": "unfinished uploads 7 days, objects 5 days",
	})
	return want
}
