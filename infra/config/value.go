package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// choices are the allowed words of settings that have a fixed set of them.
var choices = map[reflect.Type][]string{
	reflect.TypeFor[RemovalPolicy]():        {string(RemovalPolicyRetain), string(RemovalPolicyRetainOnUpdateOrDelete), string(RemovalPolicyDestroy)},
	reflect.TypeFor[Billing]():              {string(BillingOnDemand), string(BillingProvisioned)},
	reflect.TypeFor[Format]():               {string(FormatJSON), string(FormatParquet)},
	reflect.TypeFor[settings.FailureMode](): {string(settings.FailureModeMark), string(settings.FailureModeFail)},
	reflect.TypeFor[slog.Level]():           {"debug", "info", "warn", "error"},
}

func (d *decoder) decodeWord(path string, value any, target reflect.Value, words []string) {
	word, _ := value.(string)
	if !slices.Contains(words, word) {
		d.refuse(path, value, "must be one of "+strings.Join(words, ", "))
		return
	}
	if reader, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		_ = reader.UnmarshalText([]byte(word)) // choices has only words that it accepts
		return
	}
	target.SetString(word)
}

// setScalar sets target to value if its type allows it, and reports whether it does.
func setScalar(target reflect.Value, value any) bool {
	switch target.Kind() {
	case reflect.String:
		text, ok := value.(string)
		if ok {
			target.SetString(text)
		}
		return ok
	case reflect.Bool:
		flag, ok := value.(bool)
		if ok {
			target.SetBool(flag)
		}
		return ok
	case reflect.Float64:
		number, ok := number(value)
		if ok {
			target.SetFloat(number)
		}
		return ok
	case reflect.Int, reflect.Int64:
		number, ok := number(value)
		ok = ok && number == math.Trunc(number) && number <= maxWhole
		if ok {
			target.SetInt(int64(number))
		}
		return ok
	default:
		panic("no setting has the type " + target.Type().String())
	}
}

// maxWhole is the largest integer that all JSON readers read exactly.
const maxWhole = 1 << 53

// number reads a number of 0 or more, from JSON or from a Go literal.
func number(value any) (float64, bool) {
	v := reflect.ValueOf(value)
	var number float64
	switch {
	case v.CanFloat():
		number = v.Float()
	case v.CanInt():
		number = float64(v.Int())
	default:
		return 0, false
	}
	return number, number >= 0 && !math.IsInf(number, 0)
}

// describe says what values a setting of the type accepts.
func describe(kind reflect.Type) string {
	switch kind.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number, 0 or more"
	case reflect.Int, reflect.Int64:
		return "a whole number, 0 or more"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}

// maxShownBytes is how much of a value is shown in an error.
const maxShownBytes = 80

// show formats a value as it is written in cdk.json, so that people can search for it
// there.
func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%T", value)
	}
	if len(text) > maxShownBytes {
		return string(text[:maxShownBytes]) + "..."
	}
	return string(text)
}
