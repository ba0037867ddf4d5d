package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CheckSchedule makes sure that EventBridge Scheduler takes text as a schedule that
// recurs, rate(value unit) or cron(minutes hours day-of-month month day-of-week year),
// and that it never asks more often than every [MinFetchInterval]: publishers of lists
// block those who do.
func CheckSchedule(text string) error {
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
		err = errors.New("a time that comes once is no schedule for a feed, use rate(...) or cron(...)")
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
	case (value == 1) != (unit == singular): // a rule of EventBridge, for whoever uses one
		return fmt.Errorf("must be singular for 1 and plural otherwise, %q", singular)
	case time.Duration(value)*length < MinFetchInterval:
		return errTooOften
	}
	return nil
}

var errTooOften = fmt.Errorf("must leave %d minutes between two fetches", int(MinFetchInterval.Minutes()))

// cronField is one field of a cron expression: numbers in [first, last], which may be
// written as names, and special forms that one field alone knows.
type cronField struct {
	name        string
	first, last int
	names       []string // of first, first+1, ...
	special     func(f *cronField, text string) bool
}

var cronFields = [...]cronField{
	{name: "minutes", first: 0, last: 59},
	{name: "hours", first: 0, last: 23},
	{name: "day of month", first: 1, last: 31, special: (*cronField).isMonthDay},
	{name: "month", first: 1, last: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")},
	{name: "day of week", first: 1, last: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT"), special: (*cronField).isWeekDay},
	{name: "year", first: 1970, last: 2199},
}

const (
	minuteField, hourField, monthDayField, weekDayField = 0, 1, 2, 4
	minutesPerHour                                      = 60
)

func checkCron(fields []string) error {
	if len(fields) != len(cronFields) {
		return fmt.Errorf("must have %d fields: minutes, hours, day of month, month, day of week, year", len(cronFields))
	}
	var values [len(cronFields)][]int
	for i := range cronFields {
		var err error
		if values[i], err = cronFields[i].parse(fields[i]); err != nil {
			return err
		}
	}
	if (fields[monthDayField] == "?") == (fields[weekDayField] == "?") {
		return errors.New("exactly one of day of month and day of week must be ?")
	}
	return checkGaps(values[hourField], values[minuteField])
}

// checkGaps judges the times of one day, which the next one is taken to repeat.
func checkGaps(hours, minutes []int) error {
	var times []int // minutes of the day
	for _, hour := range hours {
		for _, minute := range minutes {
			times = append(times, hour*minutesPerHour+minute)
		}
	}
	slices.Sort(times)
	before := times[len(times)-1] - hoursPerDay*minutesPerHour
	for _, now := range times {
		if time.Duration(now-before)*time.Minute < MinFetchInterval {
			return errTooOften
		}
		before = now
	}
	return nil
}

// parse returns the values of a field, each once; of a special form none.
func (f *cronField) parse(text string) ([]int, error) {
	if f.special != nil && f.special(f, text) {
		return nil, nil
	}
	var values []int
	for part := range strings.SplitSeq(text, ",") {
		from, to, step, ok := f.parsePart(part)
		if !ok {
			return nil, fmt.Errorf("%s %q: must be numbers in [%d, %d], ranges, lists or steps", f.name, text, f.first, f.last)
		}
		for value := from; value <= to; value += step {
			values = append(values, value)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

// parsePart reads "5", "1-5", "*", "*/5", "3/5" or "1-30/5".
func (f *cronField) parsePart(part string) (from, to, step int, ok bool) {
	spread, every, stepped := strings.Cut(part, "/")
	step = 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(every); err != nil || step <= 0 {
			return 0, 0, 0, false
		}
	}
	low, high, ranged := strings.Cut(spread, "-")
	switch from, ok = f.number(low); {
	case spread == "*":
		return f.first, f.last, step, true
	case !ok:
		return 0, 0, 0, false
	case ranged:
		to, ok = f.number(high)
		return from, to, step, ok && from <= to
	case stepped:
		return from, f.last, step, true
	default:
		return from, from, step, true
	}
}

// isMonthDay knows ?, the last day, one so long before it, and the weekday nearest to a
// day.
func (f *cronField) isMonthDay(text string) bool {
	if slices.Contains([]string{"?", "L", "LW"}, text) {
		return true
	}
	before, fromEnd := strings.CutPrefix(text, "L-")
	near, weekday := strings.CutSuffix(text, "W")
	_, isBefore := f.number(before)
	_, isNear := f.number(near)
	return fromEnd && isBefore || weekday && isNear
}

// isWeekDay knows ?, the last such day of a month, and the first to fifth.
func (f *cronField) isWeekDay(text string) bool {
	if text == "?" || text == "L" {
		return true
	}
	last, isLast := strings.CutSuffix(text, "L")
	day, which, isNth := strings.Cut(text, "#")
	_, lastOK := f.number(last)
	_, nthOK := f.number(day)
	return isLast && lastOK || isNth && nthOK && len(which) == 1 && consistsOf(which, "12345")
}

// number reads a value by digits or name.
func (f *cronField) number(text string) (int, bool) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.first + i, true
	}
	value, err := strconv.Atoi(text)
	return value, err == nil && f.first <= value && value <= f.last && consistsOf(text, digits)
}
