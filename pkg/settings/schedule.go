package settings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checkSchedule checks that text looks like a recurring schedule of EventBridge Scheduler,
// rate(value unit) or cron(minutes hours day-of-month month day-of-week year), and that it
// does not obviously fetch more often than every [minFetchInterval]. EventBridge itself checks
// the fields of a cron expression when the stack is deployed.
func checkSchedule(text string) error {
	kind, rest, found := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	var err error
	switch {
	case !found || !closed:
		err = errors.New(`must be like "rate(6 hours)" or "cron(15 4 * * ? *)"`)
	case kind == "rate":
		err = checkRate(inner)
	case kind == "cron":
		err = checkCron(strings.Fields(inner))
	case kind == "at":
		err = errors.New("a feed cannot be fetched only once, use rate(...) or cron(...)")
	default:
		err = errors.New("must be rate(...) or cron(...)")
	}
	if err != nil {
		return fmt.Errorf("schedule %q: %w", text, err)
	}
	return nil
}

var rateUnits = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": hoursPerDay * time.Hour}

func checkRate(inner string) error {
	number, unit, _ := strings.Cut(inner, " ")
	value, err := strconv.ParseUint(number, 10, 16)
	singular := strings.TrimSuffix(unit, "s")
	length, known := rateUnits[singular]
	switch {
	case err != nil || value == 0 || !known || strings.HasPrefix(number, "0"):
		return errors.New("must be a whole number above 0 and minutes, hours or days")
	case (value == 1) != (unit == singular): // a rule of EventBridge
		return fmt.Errorf("must be singular for 1 and plural otherwise, %q", singular)
	case time.Duration(value)*length < minFetchInterval:
		return errTooOften
	}
	return nil
}

var errTooOften = fmt.Errorf("must leave %d minutes between two fetches", int(minFetchInterval.Minutes()))

const cronFields = 6

var (
	// cronField matches the characters that a field can have: numbers, names of months and days,
	// lists, ranges, steps and the special values of days.
	cronField = regexp.MustCompile(`^[0-9A-Z*?,/#-]+$`)
	// everyFewMinutes matches the minutes "*", "*/n" and "m/n".
	everyFewMinutes = regexp.MustCompile(`^(?:\*|[0-9]+/)/?([0-9]*)$`)
)

func checkCron(fields []string) error {
	if len(fields) != cronFields {
		return fmt.Errorf("must have %d fields: minutes, hours, day of month, month, day of week, year", cronFields)
	}
	for _, field := range fields {
		if !cronField.MatchString(field) {
			return fmt.Errorf("field %q: must consist of digits, capital letters and * ? , / # -", field)
		}
	}
	const monthDay, weekDay = 2, 4
	if (fields[monthDay] == "?") == (fields[weekDay] == "?") {
		return errors.New("exactly one of day of month and day of week must be ?")
	}
	return checkMinutes(fields[0])
}

// checkMinutes rejects minutes that are closer than [minFetchInterval], as far as they are
// written as a step or as a list of numbers.
func checkMinutes(minutes string) error {
	if step := everyFewMinutes.FindStringSubmatch(minutes); step != nil {
		return checkStep(step[1])
	}
	var list []int
	for text := range strings.SplitSeq(minutes, ",") {
		minute, err := strconv.Atoi(text)
		if err != nil {
			return nil // a range or a mixture, which EventBridge checks
		}
		list = append(list, minute)
	}
	slices.Sort(list)
	for i := range len(list) - 1 {
		if time.Duration(list[i+1]-list[i])*time.Minute < minFetchInterval {
			return errTooOften
		}
	}
	return nil
}

// checkStep rejects a step that is too short. Without one, every minute is meant.
func checkStep(step string) error {
	minutes, err := strconv.Atoi(step)
	if err != nil || time.Duration(minutes)*time.Minute < minFetchInterval {
		return errTooOften
	}
	return nil
}
