package resolverwatch

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// problems collects what is wrong with props, in the user's terms: the prop, the rule, and
// the given value.
//
// The props of each construct have two methods that use it. validate returns the problems with
// the props alone. check also returns those that depend on the stack of the construct. Neither
// defines anything, so a pipeline can check all its parts before it defines the first one.
type problems struct{ errs []error }

func (p *problems) addf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

func (p *problems) join() error { return errors.Join(p.errs...) }

// wrap adds the problems that another package found.
func (p *problems) wrap(prop string, err error) {
	for _, problem := range each(err) {
		p.addf("%s: %w", prop, problem)
	}
}

// required rejects a prop that is not set.
func (p *problems) required(prop string, missing bool) {
	if missing {
		p.errs = append(p.errs, &unsetError{prop})
	}
}

// token rejects a token in a prop from which the template is computed.
func (p *problems) token(prop string) {
	p.addf("%s: must be known at synthesis, got a token", prop)
}

// number rejects a number outside [low, high]; 0 means unset.
func (p *problems) number(prop string, value, low, high int) {
	if value == numberToken {
		p.token(prop)
		return
	}
	if value != 0 && (value < low || value > high) {
		p.addf("%s: must be in [%d, %d], got %d", prop, low, high, value)
	}
}

// duration rejects a duration outside [low, high], or with fractions of a second.
func (p *problems) duration(prop string, value awscdk.Duration, low, high time.Duration) {
	if value == nil || *value.IsUnresolved() {
		return
	}
	seconds := *value.ToSeconds(&awscdk.TimeConversionOptions{Integral: jsii.Bool(false)})
	if seconds != math.Trunc(seconds) || seconds < low.Seconds() || seconds > high.Seconds() {
		p.addf("%s: must be whole seconds in [%v, %v], got %gs", prop, low, high, seconds)
	}
}

// days rejects a duration that is not a positive number of whole days, the unit of S3's
// lifecycle rules.
func (p *problems) days(prop string, value awscdk.Duration) { p.daysFrom(1, prop, value) }

// daysFrom rejects a duration that is not whole days, or less than low.
func (p *problems) daysFrom(low float64, prop string, value awscdk.Duration) {
	if value == nil || *value.IsUnresolved() {
		return
	}
	days := *value.ToDays(&awscdk.TimeConversionOptions{Integral: jsii.Bool(false)})
	if days != math.Trunc(days) || days < low || days > maxDays {
		p.addf("%s: must be whole days in [%g, %d], got %s", prop, low, maxDays, readableDays(days))
	}
}

// readableDays writes a number of days in the largest unit in which it is whole.
func readableDays(days float64) string {
	const hoursPerDay, secondsPerDay = 24, 24 * 60 * 60
	hours, seconds := math.Round(days*secondsPerDay)/(secondsPerDay/hoursPerDay), math.Round(days*secondsPerDay)
	switch {
	case days == math.Trunc(days):
		return fmt.Sprintf("%g days", days)
	case hours == math.Trunc(hours):
		return fmt.Sprintf("%g hours", hours)
	default:
		return (time.Duration(seconds) * time.Second).String()
	}
}

// known rejects a duration that is not known before deployment, because a schedule is
// written from it.
func (p *problems) known(prop string, value awscdk.Duration) {
	if value != nil && *value.IsUnresolved() {
		p.token(prop)
	}
}

// size returns a size in MiB, or fallback if it is unset. It rejects a token.
func (p *problems) size(prop string, value awscdk.Size, fallback float64) float64 {
	if value != nil && *value.IsUnresolved() {
		p.token(prop)
		return fallback
	}
	return mebibytes(value, fallback)
}

// choice rejects a value that is not a member of an enum; "" means unset.
func choice[E ~string](p *problems, prop string, value E, members ...E) {
	if value != "" && !slices.Contains(members, value) {
		p.addf("%s: must be one of %v, got %q", prop, members, value)
	}
}

// removal rejects a policy that buckets and tables cannot have, such as SNAPSHOT.
func (p *problems) removal(policy awscdk.RemovalPolicy) {
	choice(p, "RemovalPolicy", policy, awscdk.RemovalPolicy_RETAIN, awscdk.RemovalPolicy_DESTROY,
		awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE)
}

// exclusive rejects two props that contradict each other.
func (p *problems) exclusive(one string, isSet bool, other string, otherIsSet bool) {
	if isSet && otherIsSet {
		p.addf("%s and %s: only one can be set", one, other)
	}
}

// durationOf returns a duration that was checked, or fallback if it is unset.
func durationOf(value awscdk.Duration, fallback time.Duration) time.Duration {
	if value == nil || *value.IsUnresolved() { // problems.known rejects tokens
		return fallback
	}
	milliseconds := *value.ToMilliseconds(&awscdk.TimeConversionOptions{Integral: jsii.Bool(false)})
	return time.Duration(milliseconds * float64(time.Millisecond))
}

// mebibytes returns a size in MiB, or fallback if it is unset.
func mebibytes(value awscdk.Size, fallback float64) float64 {
	if value == nil {
		return fallback
	}
	return *value.ToMebibytes(&awscdk.SizeConversionOptions{Rounding: awscdk.SizeRoundingBehavior_NONE})
}

// maxDays is the maximum of values that are counted in days; S3's lifecycle rules accept no
// more.
const maxDays = 36_500

// name rejects a physical name that the service would reject. Tokens pass, and so do the
// dummy values of look-ups.
func (p *problems) name(prop, value string, pattern *regexp.Regexp, rule string) {
	if value != "" && isKnown(value) && !pattern.MatchString(value) {
		p.addf("%s: must be %s, got %q", prop, rule, value)
	}
}

// refusal is the error of a construct that was not defined: one problem per line, each with
// the path of the construct.
type refusal struct{ lines []string }

func (r *refusal) Error() string { return strings.Join(r.lines, "\n") }

// refuse returns a refusal with the problems of the construct at path.
func refuse(path string, problems error) *refusal {
	r := &refusal{}
	r.add(path, problems)
	return r
}

// add adds the problems of the construct at path. It accepts nil.
func (r *refusal) add(path string, problems error) {
	for _, problem := range each(problems) {
		r.lines = append(r.lines, path+": "+problem.Error())
	}
}

// each returns the errors that were joined into err.
func each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, each(one)...)
	}
	return all
}

// unsetError is a required prop that is not set.
type unsetError struct{ prop string }

func (e *unsetError) Error() string { return e.prop + ": must be set" }

// exceptUnset returns the problems without those of the listed props that are still to be
// set.
func exceptUnset(err error, props ...string) error {
	var rest []error
	for _, problem := range each(err) {
		var unset *unsetError
		if !errors.As(problem, &unset) || !slices.Contains(props, unset.prop) {
			rest = append(rest, problem)
		}
	}
	return errors.Join(rest...)
}

// explain is deferred by every constructor. It adds the path of the construct to a panic of
// the CDK, whose own text often does not say which construct it is about.
func explain(scope constructs.Construct, id string) {
	cause := recover()
	if cause != nil && scope == nil {
		panic(refuse(id, errors.New("scope: must be set: pass a stack, or a construct in a stack")))
	}
	switch cause.(type) {
	case nil:
	case *refusal, runtime.Error: // a refusal already has a path; a runtime error needs its stack trace
		panic(cause)
	default:
		path := strings.TrimPrefix(*scope.Node().Path()+"/"+id, "/")
		panic(refuse(path, errors.New(oneLine(fmt.Sprint(cause)))))
	}
}

// drawing are the characters with which jsii draws its trees of reasons.
const drawing = "├│╰─🛑🔍 \t"

// oneLine shortens the text of a CDK panic to what a person needs: if jsii drew a tree, the
// prop and the reason at its end. Stack traces and values are left out.
func oneLine(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.Trim(strings.TrimSpace(line), drawing))
		skip := line == "" || strings.HasPrefix(line, "at ") || strings.HasPrefix(line, "Failing value") ||
			strings.HasPrefix(line, "Failure reason") || strings.ContainsAny(line[:1], "{[")
		if !skip {
			parts = append(parts, strings.TrimSuffix(line, "..."))
		}
	}
	return strings.Join(parts, "; ")
}
