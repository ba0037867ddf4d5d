package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// This file reads the variables that functions had before [EnvSettings], one for each setting.
// AWS updates the code of a function before its configuration, so new code can start with the
// old variables. The previous release checked their values by its own bounds, so a value that
// is out of bounds today does not stop a function for the time of the update.
//
// The file can go once a release with [EnvSettings] is out.

// legacyPrefix begins the names of the old variables. The tag `legacy` of a setting holds the
// rest of the name.
const (
	legacyPrefix = "RESOLVERWATCH_"
	tagLegacy    = "legacy"
)

func legacyTransformer(lookup Lookup) (TransformerFunction, error) {
	section := Default[TransformerFunction]()
	problems := readLegacy(lookup, &section)
	names, _ := lookup(legacyPrefix + "CHECK_CNAMES")
	addresses, _ := lookup(legacyPrefix + "CHECK_ADDRESSES")
	section.CheckAnswers = legacyAnswers(names != "false", addresses != "false")
	return section, errors.Join(append(problems, readMemory(lookup, &section.MemoryMiB))...)
}

func legacyAnswers(names, addresses bool) CheckAnswers {
	switch {
	case names && addresses:
		return CheckAnswersAll
	case names:
		return CheckAnswersNames
	case addresses:
		return CheckAnswersAddresses
	default:
		return CheckAnswersNone
	}
}

func legacyImporter(lookup Lookup) (ImporterFunction, error) {
	section := Default[ImporterFunction]()
	problems := readLegacy(lookup, &section)
	if text, found := lookup(legacyPrefix + "GUARDS"); found && text != "" {
		if err := json.Unmarshal([]byte(text), &section.Guards); err != nil {
			problems = append(problems, fmt.Errorf("%sGUARDS: %w", legacyPrefix, err))
		}
	}
	if text, _ := lookup(legacyPrefix + "PROTECTED"); text != "" {
		section.Protected = strings.Fields(text)
	}
	return section, errors.Join(append(problems, readMemory(lookup, &section.MemoryMiB))...)
}

// readLegacy sets the settings that have a variable of their own. An empty variable is unset.
// A function without any variable of ours gets the error about [EnvSettings] alone.
func readLegacy(lookup Lookup, section any) []error {
	value := reflect.ValueOf(section).Elem()
	var problems []error
	set := 0
	for _, field := range Members(value.Type()) {
		name, isLegacy := field.Tag.Lookup(tagLegacy)
		text, _ := lookup(legacyPrefix + name)
		if !isLegacy || text == "" {
			continue
		}
		set++
		if err := setText(value.FieldByIndex(field.Index), text); err != nil {
			problems = append(problems, fmt.Errorf("%s%s=%q: %w", legacyPrefix, name, text, err))
		}
	}
	if set == 0 {
		return []error{errNotSet}
	}
	return append(problems, asErrors(missing(value.Interface()))...)
}

// legacyFeedMembers are the settings of a feed that are constants now. The parameters of a
// deployment that is being updated can still hold them.
var legacyFeedMembers = []string{"maxBytes", "timeout"}
