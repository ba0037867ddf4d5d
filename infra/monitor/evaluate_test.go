package monitor

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// world has the data of CloudWatch in a simulation. Samples lie in slots of five minutes.
type world struct {
	samples map[string]map[int][]float64
	// emptyFill says whether FILL yields values for a metric that has no data at all. AWS does not
	// say, so the alarms must work either way.
	emptyFill bool
}

// key identifies a metric with its dimensions.
func (m Metric) key() string {
	text := m.Namespace + " " + m.Name
	for _, d := range m.Dimensions {
		text += " " + d.Name + "=" + d.Value
	}
	return text
}

// put adds samples of a metric at a time since the deployment.
func (w *world) put(key string, at time.Duration, values ...float64) {
	if w.samples[key] == nil {
		w.samples[key] = map[int][]float64{}
	}
	slot := int(at / fiveMinutes)
	w.samples[key][slot] = append(w.samples[key][slot], values...)
}

// clear removes the samples of a metric from a time on.
func (w *world) clear(key string, from time.Duration) {
	for slot := range w.samples[key] {
		if slot >= int(from/fiveMinutes) {
			delete(w.samples[key], slot)
		}
	}
}

// series is the data points of some periods, the oldest first; NaN is a missing one.
type series []float64

// points returns the data points of the periods that end at a time.
func (w *world) points(m Metric, end, period time.Duration, count int) series {
	values := make(series, count)
	slots := w.samples[m.key()]
	long := int(period / fiveMinutes)
	for i := range values {
		first := int(end/fiveMinutes) - (count-i)*long
		var all []float64
		for slot := first; slot < first+long && len(slots) > 0; slot++ {
			all = append(all, slots[slot]...)
		}
		values[i] = aggregate(m.Statistic, all)
	}
	return values
}

func aggregate(statistic string, values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	total := 0.0
	for _, sample := range values {
		total += sample
	}
	switch statistic {
	case sum:
		return total
	case average:
		return total / float64(len(values))
	case samples:
		return float64(len(values))
	case minimum:
		return slices.Min(values)
	case maximum, percentile: // few samples: the slowest percent is the slowest one
		return slices.Max(values)
	default:
		panic("unknown statistic " + statistic)
	}
}

// State of an alarm, named as in CloudWatch.
const (
	stateOK           = "OK"
	stateAlarm        = "ALARM"
	stateInsufficient = "INSUFFICIENT_DATA"
)

// evaluate returns the state of an alarm at a time (CloudWatch user guide, "Configuring how
// CloudWatch alarms treat missing data"; all alarms here treat missing data as good or bad).
func (w *world) evaluate(a Alarm, at time.Duration) string {
	var values series
	if a.Expression == "" {
		values = w.points(a.Metrics[0], at, a.Period, a.Points)
	} else {
		values = w.compute(a, at)
	}
	breaches := 0
	for _, value := range values {
		switch {
		case math.IsNaN(value) && a.Missing == breaching,
			a.Comparison == greaterThan && value > a.Threshold,
			a.Comparison == lessThan && value < a.Threshold:
			breaches++
		}
	}
	if breaches >= a.Breaches {
		return stateAlarm
	}
	return stateOK
}

// combine returns the state of an alarm about silence, from those of its halves.
func combine(s Silence, recent, firstDay string) string {
	states := map[string]string{"r": recent, "f": firstDay}
	for _, term := range strings.Split(s.Rule("r", "f"), " AND ") {
		parts := regexp.MustCompile(`^(ALARM|OK|INSUFFICIENT_DATA)\("(.)"\)$`).FindStringSubmatch(term)
		if parts == nil {
			panic("unknown term " + term)
		}
		if states[parts[2]] != parts[1] {
			return stateOK
		}
	}
	return stateAlarm
}

// compute returns the data points of an expression. It knows the part of metric math that the
// alarms use: numbers, metrics, the operators, IF, FILL with a number, and PERIOD. An operator
// on a missing data point, and a division by zero, have no data point.
func (w *world) compute(a Alarm, at time.Duration) series {
	inputs := map[string]series{}
	for _, m := range a.Metrics {
		inputs[m.ID] = w.points(m, at, a.Period, a.Points)
	}
	e := expressionReader{tokens: lexeme.FindAllString(a.Expression, -1), world: w, inputs: inputs, alarm: a}
	value := e.comparison()
	if len(e.tokens) > 0 {
		panic(fmt.Sprintf("%s: unread: %q", a.ID, e.tokens))
	}
	return value
}

var lexeme = regexp.MustCompile(`[A-Za-z]\w*|[0-9.]+|>=|[-+*/(),>]`)

type expressionReader struct {
	tokens []string
	world  *world
	inputs map[string]series
	alarm  Alarm
}

func (e *expressionReader) peek() string {
	if len(e.tokens) == 0 {
		return ""
	}
	return e.tokens[0]
}

func (e *expressionReader) next() string {
	token := e.peek()
	e.tokens = e.tokens[1:]
	return token
}

func (e *expressionReader) expect(want string) {
	if got := e.next(); got != want {
		panic(fmt.Sprintf("%s: got %q, want %q", e.alarm.ID, got, want))
	}
}

func (e *expressionReader) comparison() series {
	return e.operators([]string{">", ">="}, func() series {
		return e.operators([]string{"+", "-"}, func() series { return e.operators([]string{"*", "/"}, e.operand) })
	})
}

// operators reads operands with operators of one rank between them.
func (e *expressionReader) operators(known []string, operand func() series) series {
	left := operand()
	for slices.Contains(known, e.peek()) {
		operator, right := e.next(), operand()
		result := make(series, len(left))
		for i := range left {
			result[i] = apply(operator, left[i], right[i])
		}
		left = result
	}
	return left
}

func apply(operator string, a, b float64) float64 {
	truth := map[bool]float64{true: 1}
	switch {
	case math.IsNaN(a) || math.IsNaN(b) || operator == "/" && b == 0:
		return math.NaN()
	case operator == ">":
		return truth[a > b]
	case operator == ">=":
		return truth[a >= b]
	case operator == "+":
		return a + b
	case operator == "-":
		return a - b
	case operator == "*":
		return a * b
	default:
		return a / b
	}
}

func (e *expressionReader) constant(value float64) series {
	return slices.Repeat(series{value}, e.alarm.Points)
}

func (e *expressionReader) operand() series {
	token := e.next()
	if number, err := strconv.ParseFloat(token, 64); err == nil {
		return e.constant(number)
	}
	switch token {
	case "(":
		inner := e.comparison()
		e.expect(")")
		return inner
	case "IF", "FILL", "PERIOD":
		return e.function(token)
	}
	input, found := e.inputs[token]
	if !found {
		panic(fmt.Sprintf("%s: unknown metric %q", e.alarm.ID, token))
	}
	return input
}

func (e *expressionReader) function(name string) series {
	e.expect("(")
	arguments := []series{e.comparison()}
	for e.peek() == "," {
		e.next()
		arguments = append(arguments, e.comparison())
	}
	e.expect(")")
	result := make(series, e.alarm.Points)
	isEmpty := !slices.ContainsFunc(arguments[0], func(v float64) bool { return !math.IsNaN(v) })
	for i := range result {
		switch value := arguments[0][i]; {
		case name == "PERIOD":
			result[i] = e.alarm.Period.Seconds()
		case name == "FILL" && math.IsNaN(value) && (e.world.emptyFill || !isEmpty):
			result[i] = arguments[1][i]
		case name == "FILL" || math.IsNaN(value):
			result[i] = value
		default: // IF
			result[i] = arguments[map[bool]int{true: 1, false: 2}[value != 0]][i]
		}
	}
	return result
}
