package resolverwatch

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// problems collects what is wrong with props, in the user's terms: the prop, the rule, and
// the given value.
type problems struct{ errs []error }

func (p *problems) addf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

func (p *problems) join() error { return errors.Join(p.errs...) }

// required rejects a prop that is not set.
func (p *problems) required(prop string, missing bool) {
	if missing {
		p.errs = append(p.errs, &unsetError{prop})
	}
}

// numberToken is the value of the CDK's number tokens in Go. They are far outside the range
// of int.
const numberToken = math.MinInt64

// number rejects a number outside [low, high]; 0 means unset.
func (p *problems) number(prop string, value, low, high int) {
	if value == numberToken {
		p.addf("%s: must be known at synthesis, got a token", prop)
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

// known rejects durations that are not known before deployment, because a function's
// environment or a schedule is written from them.
func (p *problems) known(durations map[string]awscdk.Duration) {
	for _, prop := range slices.Sorted(maps.Keys(durations)) {
		if d := durations[prop]; d != nil && *d.IsUnresolved() {
			p.addf("%s: must be known at synthesis, got a token", prop)
		}
	}
}

// size returns a size in MiB, or fallback if it is unset. It rejects a token.
func (p *problems) size(prop string, value awscdk.Size, fallback float64) float64 {
	if value != nil && *value.IsUnresolved() {
		p.addf("%s: must be known at synthesis, got a token", prop)
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
