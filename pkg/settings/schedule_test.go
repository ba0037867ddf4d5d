package settings_test

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func TestCheckSchedule(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		settings.DefaultSchedule,
		"rate(5 minutes)", "rate(1 hour)", "rate(2 hours)", "rate(1 day)", "rate(365 days)",
		"cron(15 4 * * ? *)",
		"cron(0/5 * * * ? *)",
		"cron(*/15 8-18 ? * MON-FRI *)",
		"cron(0,30 0,12 1,15 JAN,JUL ? 2030-2040)",
		"cron(0 6 LW * ? *)", "cron(0 6 L-3 * ? *)", "cron(0 6 15W * ? *)",
		"cron(0 6 ? * 6L *)", "cron(0 6 ? * FRI#2 *)", "cron(0 6 ? 1/3 2#1 *)",
		"cron(58 23 * * ? *)",
		"cron( 0  6 * * ?  * )",
		"cron(55,0-50/10 * * * ? *)",
	} {
		if err := settings.CheckSchedule(text); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckSchedule_refused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         `must be like "rate(6 hours)"`,
		"hourly":                   `must be like "rate(6 hours)"`,
		"rate(1 hour":              `must be like "rate(6 hours)"`,
		"every(1 hour)":            "must be rate(...) or cron(...)",
		"at(2030-01-01T00:00:00)":  "comes once",
		"rate(4 minutes)":          "must leave 5 minutes between two fetches",
		"rate(1 minute)":           "must leave 5 minutes",
		"rate(1 hours)":            `must be singular for 1 and plural otherwise, "hour"`,
		"rate(2 hour)":             "must be singular for 1",
		"rate(0 hours)":            "above 0",
		"rate(-1 hours)":           "above 0",
		"rate(1.5 hours)":          "above 0",
		"rate(06 hours)":           "above 0",
		"rate(70000 days)":         "above 0",
		"rate(1 week)":             "minutes, hours or days",
		"rate(hour)":               "above 0",
		"cron(0 6 * * ?)":          "must have 6 fields",
		"cron(0 6 * * * *)":        "exactly one of day of month and day of week must be ?",
		"cron(0 6 ? * ? *)":        "exactly one of",
		"cron(60 6 * * ? *)":       `minutes "60": must be numbers in [0, 59]`,
		"cron(0 24 * * ? *)":       `hours "24"`,
		"cron(0 6 0 * ? *)":        `day of month "0"`,
		"cron(0 6 32W * ? *)":      `day of month "32W"`,
		"cron(0 6 * 13 ? *)":       `month "13"`,
		"cron(0 6 * MAI ? *)":      `month "MAI"`,
		"cron(0 6 ? * 0 *)":        `day of week "0"`,
		"cron(0 6 ? * FRI#6 *)":    `day of week "FRI#6"`,
		"cron(0 6 * * ? 1969)":     `year "1969"`,
		"cron(? 6 * * ? *)":        `minutes "?"`,
		"cron(0 18-8 * * ? *)":     `hours "18-8"`,
		"cron(0/0 6 * * ? *)":      `minutes "0/0"`,
		"cron(+5 6 * * ? *)":       `minutes "+5"`,
		"cron(, 6 * * ? *)":        `minutes ","`,
		"cron(* * * * ? *)":        "must leave 5 minutes",
		"cron(0/4 * * * ? *)":      "must leave 5 minutes",
		"cron(0,3 6 * * ? *)":      "must leave 5 minutes",
		"cron(2,58 * * * ? *)":     "must leave 5 minutes", // over the end of the hour
		"cron(1,57 0,23 * * ? *)":  "must leave 5 minutes", // over midnight
		"cron(1/7 4-5 ? * MON *)":  "must leave 5 minutes", // 57 and 1 of the next hour
		"cron(0 6 * * ? *) ":       `must be like "rate(6 hours)"`,
		"cron(0 6 * * ? * )extra)": "year",
	} {
		err := settings.CheckSchedule(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}
