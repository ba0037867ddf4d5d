package settings

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// decoder reads variables and collects what is wrong with them. An empty variable
// counts as unset, because that is how deployment tools write "no value".
type decoder struct {
	lookup   Lookup
	problems []error
}

func (d *decoder) text(name, fallback string) string {
	if value, _ := d.lookup(name); value != "" {
		return value
	}
	return fallback
}

func (d *decoder) required(name string) string {
	value := d.text(name, "")
	if value == "" {
		d.problems = append(d.problems, fmt.Errorf("%s: must be set", name))
	}
	return value
}

func (d *decoder) words(name string) []string { return strings.Fields(d.text(name, "")) }

func (d *decoder) choice(name string, choices ...string) string {
	value := d.text(name, choices[0])
	if !slices.Contains(choices, value) {
		d.refuse(name, value, "must be one of "+strings.Join(choices, ", "))
	}
	return value
}

func (d *decoder) number(name string, fallback int) int {
	value := d.text(name, strconv.Itoa(fallback))
	number, err := strconv.Atoi(value)
	if err != nil || number <= 0 {
		d.refuse(name, value, "must be a whole number above 0")
	}
	return number
}

func (d *decoder) flag(name string, fallback bool) bool {
	value := d.text(name, strconv.FormatBool(fallback))
	flag, err := strconv.ParseBool(value)
	if err != nil {
		d.refuse(name, value, "must be true or false")
	}
	return flag
}

func (d *decoder) duration(name string, fallback time.Duration) time.Duration {
	value := d.text(name, fallback.String())
	duration, err := ParseDuration(value)
	if err != nil {
		d.refuse(name, value, err.Error())
	}
	return duration
}

// span is a duration that may be 0.
func (d *decoder) span(name string, fallback time.Duration) time.Duration {
	if zero, err := time.ParseDuration(d.text(name, "")); err == nil && zero == 0 {
		return 0
	}
	return d.duration(name, fallback)
}

func (d *decoder) level(name string) slog.Level {
	value := d.text(name, slog.LevelInfo.String())
	var level slog.Level
	if err := level.UnmarshalText([]byte(value)); err != nil {
		d.refuse(name, value, "must be one of debug, info, warn, error")
	}
	return level
}

func (d *decoder) guards(name string) Guards {
	guards, err := DecodeGuards([]byte(d.text(name, "{}")))
	if err != nil {
		d.problems = append(d.problems, fmt.Errorf("%s: %w", name, err))
	}
	return guards
}

func (d *decoder) refuse(name, value, rule string) {
	d.problems = append(d.problems, fmt.Errorf("%s=%q: %s", name, value, rule))
}

// encode writes values in the form that the decoder reads.
func encode(values map[string]any) map[string]string {
	texts := make(map[string]string, len(values))
	for name, value := range values {
		texts[name] = encodeValue(value)
	}
	return texts
}

func encodeValue(value any) string {
	switch v := value.(type) {
	case []string:
		return strings.Join(v, " ")
	case Guards:
		text, _ := json.Marshal(v) //nolint:errchkjson // a struct of numbers
		return string(text)
	default:
		return fmt.Sprint(v)
	}
}

// hoursPerDay as durations of settings count them: no time zone is involved.
const hoursPerDay = 24

const durationRule = `must be above 0, like "90s", "36h" or "7d"`

// ParseDuration reads a duration above 0, as Go writes it ("90s", "36h") or in
// whole days ("7d").
func ParseDuration(text string) (time.Duration, error) {
	if days, found := strings.CutSuffix(text, "d"); found {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			return time.Duration(n) * hoursPerDay * time.Hour, nil
		}
	}
	duration, err := time.ParseDuration(text)
	if err != nil || duration <= 0 {
		return 0, fmt.Errorf("duration %q: %s", text, durationRule)
	}
	return duration, nil
}
