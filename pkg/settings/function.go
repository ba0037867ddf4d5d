package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// EnvSettings is the environment variable that holds the settings of a function as a JSON
// object, such as [TransformerFunction].
const EnvSettings = "RESOLVERWATCH"

// errNotSet is the error about a function without [EnvSettings].
var errNotSet = errors.New(EnvSettings + ": must be set")

// EnvMemoryLimit is the variable from which the Go runtime reads its memory limit.
const EnvMemoryLimit = "GOMEMLIMIT"

// envMemory is the memory of the function in MiB, which Lambda sets.
const envMemory = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"

// MemoryLimit returns the value of [EnvMemoryLimit] for a function with the given memory. The
// heap may take nine tenths of it before the garbage collector works harder. Without a limit,
// loading a second index or a long list could end the function.
func MemoryLimit(memoryMiB int) string { return fmt.Sprintf("%dMiB", memoryMiB*9/10) }

// Lookup reads one variable of an environment, like [os.LookupEnv].
type Lookup func(name string) (value string, found bool)

// DecodeImporter reads the environment of the importer. Its error joins all problems.
func DecodeImporter(lookup Lookup) (ImporterFunction, error) {
	return decodeFunction(lookup, legacyImporter, func(f *ImporterFunction) *int { return &f.MemoryMiB })
}

// DecodeTransformer reads the environment of the transformer. Its error joins all problems.
func DecodeTransformer(lookup Lookup) (TransformerFunction, error) {
	return decodeFunction(lookup, legacyTransformer, func(f *TransformerFunction) *int { return &f.MemoryMiB })
}

// DecodeMarker reads the environment of the marker. Its error joins all problems.
func DecodeMarker(lookup Lookup) (MarkerFunction, error) {
	none := func(Lookup) (MarkerFunction, error) {
		return MarkerFunction{}, fmt.Errorf("%s: must be set to the settings of the marker as a JSON object", EnvSettings)
	}
	return decodeFunction(lookup, none, func(f *MarkerFunction) *int { return &f.MemoryMiB })
}

// Encode returns the value of [EnvSettings]. It leaves out the settings that the function does not
// read from there.
func (f *ImporterFunction) Encode() string {
	sent, preset := *f, Default[ImporterFunction]()
	sent.MemoryMiB, sent.LogRetention = preset.MemoryMiB, preset.LogRetention
	return encode(&sent)
}

// Encode returns the value of [EnvSettings]. It leaves out the settings that the function does not
// read from there.
func (f *TransformerFunction) Encode() string {
	sent, preset := *f, Default[TransformerFunction]()
	sent.MemoryMiB, sent.Timeout, sent.LogRetention = preset.MemoryMiB, preset.Timeout, preset.LogRetention
	return encode(&sent)
}

// Encode returns the value of [EnvSettings]. It leaves out the settings that the function does not
// read from there.
func (f *MarkerFunction) Encode() string {
	sent, preset := *f, Default[MarkerFunction]()
	sent.Marker, sent.LogRetention = preset.Marker, preset.LogRetention
	marking := sent.Transformer
	sent.Transformer = preset.Transformer
	sent.Transformer.PollInterval, sent.Transformer.FailureMode = marking.PollInterval, marking.FailureMode
	sent.Transformer.CheckAnswers = marking.CheckAnswers
	written := sent.Delivery
	sent.Delivery = preset.Delivery
	sent.Delivery.Prefix, sent.Delivery.ErrorPrefix = written.Prefix, written.ErrorPrefix
	return encode(&sent)
}

// encode writes only the settings that differ from their defaults, because the variables of a
// function may take at most 4 KiB together. The section must be filled.
func encode(section any) string {
	text, err := json.Marshal(differing(reflect.ValueOf(section).Elem()))
	if err != nil {
		panic(fmt.Errorf("encoding text and numbers: %w", err))
	}
	return string(text)
}

// differing returns the members of a section that are set and differ from their defaults.
func differing(section reflect.Value) map[string]any {
	defaults := reflect.New(section.Type())
	Fill(defaults.Interface())
	object := map[string]any{}
	for _, field := range Members(section.Type()) {
		value, preset := section.FieldByIndex(field.Index), defaults.Elem().FieldByIndex(field.Index)
		switch {
		case isSection(field.Type):
			if below := differing(value); len(below) > 0 {
				object[JSONName(field)] = below
			}
		case !reflect.DeepEqual(value.Interface(), preset.Interface()):
			object[JSONName(field)] = value.Interface()
		}
	}
	return object
}

// decodeFunction reads the settings of a function. A function whose code is newer than its
// configuration still has the variables of the previous release.
func decodeFunction[T any](lookup Lookup, legacy func(Lookup) (T, error), memory func(*T) *int) (T, error) {
	text, found := lookup(EnvSettings)
	if !found {
		return legacy(lookup)
	}
	section := Default[T]()
	// Unknown members pass: after a rollback, the code is older than its configuration.
	problems := []error{decodeKnown([]byte(text), &section)}
	problems = append(problems, asErrors(missing(section))...)
	problems = append(problems, readMemory(lookup, memory(&section)))
	if err := errors.Join(problems...); err != nil {
		return section, fmt.Errorf("%s: %w", EnvSettings, err)
	}
	return section, nil
}

func readMemory(lookup Lookup, target *int) (err error) {
	text, found := lookup(envMemory)
	if !found {
		return nil
	}
	if *target, err = strconv.Atoi(text); err != nil {
		return fmt.Errorf("%s=%q: must be a whole number", envMemory, text)
	}
	return nil
}
