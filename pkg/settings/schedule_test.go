package settings

import (
	"strings"
	"testing"
)

func TestCheckSchedule(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		Default[Feed]().Schedule,
		"rate(1 hour)", "cron(30,0 * * * ? *)",
		"rate(5 minutes)", "rate(2 hours)", "rate(1 day)", "rate(365 days)",
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
		if err := checkSchedule(text); err != nil {
			t.Error(err)
		}
	}
}

// EventBridge Scheduler checks the numbers and names of a cron expression when the stack is
// deployed. Nothing here repeats its grammar.
func TestCheckSchedule_leavesRestToEventBridge(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"cron(60 6 * * ? *)", "cron(0 24 * * ? *)", "cron(0 6 32W * ? *)", "cron(0 6 * 13 ? *)", "cron(0 6 * MAI ? *)",
		"cron(0 6 ? * FRI#6 *)", "cron(0 6 * * ? 1969)", "cron(0 18-8 * * ? *)", "cron(, 6 * * ? *)",
		"cron(2,58 * * * ? *)", // four minutes, over the end of the hour
	} {
		if err := checkSchedule(text); err != nil {
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
		"at(2030-01-01T00:00:00)":  "cannot be fetched only once",
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
		"cron(0/0 6 * * ? *)":      "must leave 5 minutes",
		"cron(+5 6 * * ? *)":       `field "+5": must consist of`,
		"cron(* * * * ? *)":        "must leave 5 minutes",
		"cron(0/4 * * * ? *)":      "must leave 5 minutes",
		"cron(0,3 6 * * ? *)":      "must leave 5 minutes",
		"cron(30,0,3 6 * * ? *)":   "must leave 5 minutes",
		"cron(*/4 6 * * ? *)":      "must leave 5 minutes",
		"cron(0 6 * mai ? *)":      `field "mai": must consist of`,
		"cron(0 6 * * ? *) ":       `must be like "rate(6 hours)"`,
		"cron(0 6 * * ? * )extra)": "must have 6 fields",
	} {
		err := checkSchedule(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}
