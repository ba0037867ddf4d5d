package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// ContextKey is the context key that contains all settings.
const ContextKey = "resolverwatch"

// Decode reads the settings from the whole context of a CDK app, as the app's root node
// returns it. It ignores context keys that belong to others. A key that is nearly one of
// ours is an error, because a misspelled -c would otherwise have no effect.
//
// The error joins all problems, each with the full path of its setting, the value and the
// rule. In that case, settings that could not be read have their defaults.
func Decode(context map[string]any) (Config, error) {
	tree, err := overlay(context)
	d := decoder{problems: []error{err}}
	config := Default()
	d.decode(ContextKey, tree, reflect.ValueOf(&config).Elem())
	d.check(config)
	return config, errors.Join(d.problems...)
}

type decoder struct {
	problems []error
}

func (d *decoder) refuse(path string, value any, rule string) {
	d.problems = append(d.problems, fmt.Errorf("%s: %s: %s", path, show(value), rule))
}

// decode sets target to value. A null leaves the default, because it means "unset".
func (d *decoder) decode(path string, value any, target reflect.Value) {
	if value == nil {
		return
	}
	if words, found := choices[target.Type()]; found {
		d.decodeWord(path, value, target, words)
		return
	}
	switch target.Kind() {
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		d.decode(path, value, target.Elem())
	case reflect.Struct:
		d.decodeStruct(path, value, target)
	case reflect.Map:
		d.decodeMap(path, value, target)
	case reflect.Slice:
		d.decodeList(path, value, target)
	default:
		if !setScalar(target, value) {
			d.refuse(path, value, "must be "+describe(target.Type()))
		}
	}
}

func (d *decoder) decodeStruct(path string, value any, target reflect.Value) {
	object, isObject := value.(map[string]any)
	if !isObject {
		d.refuse(path, value, "must be an object")
		return
	}
	before := len(d.problems)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if field, found := member(target.Type(), name); found {
			d.decode(path+"."+name, object[name], target.FieldByIndex(field.Index))
		} else {
			d.problems = append(d.problems, unknown(path, name, target.Type()))
		}
	}
	if len(d.problems) == before {
		d.validate(path, target)
	}
}

// validate applies the rules of settings that are defined elsewhere, because a Lambda reads
// them too.
func (d *decoder) validate(path string, target reflect.Value) {
	var err error
	text, _ := json.Marshal(target.Interface()) //nolint:errchkjson // it was decoded from JSON
	switch target.Interface().(type) {
	case settings.Feed:
		_, err = settings.DecodeFeed(text)
	case settings.Guards:
		_, err = settings.DecodeGuards(text)
	}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			d.problems = append(d.problems, fmt.Errorf("%s: %s", path, strings.TrimSuffix(line, "\n")))
		}
	}
}

func (d *decoder) decodeMap(path string, value any, target reflect.Value) {
	object, isObject := value.(map[string]any)
	if !isObject {
		d.refuse(path, value, "must be an object")
		return
	}
	target.Set(reflect.MakeMapWithSize(target.Type(), len(object)))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if object[name] == nil {
			continue // removed by an override
		}
		element := reflect.New(target.Type().Elem()).Elem()
		d.decode(path+"."+name, object[name], element)
		target.SetMapIndex(reflect.ValueOf(name), element)
	}
}

func (d *decoder) decodeList(path string, value any, target reflect.Value) {
	list, isList := value.([]any)
	if !isList {
		d.refuse(path, value, "must be a list")
		return
	}
	target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
	for i := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if list[i] == nil || list[i] == "" {
			d.refuse(at, list[i], "must not be empty")
			continue
		}
		d.decode(at, list[i], target.Index(i))
	}
}

// Forms of the ids and ARNs of AWS resources.
var (
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	keyARN     = regexp.MustCompile(`^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$`)
	vpcID      = regexp.MustCompile(`^vpc-[0-9a-f]+$`)
)

// check checks values that no construct sees, because the stack uses them.
func (d *decoder) check(config Config) {
	if config.Account != "" && !accountID.MatchString(config.Account) {
		d.refuse(ContextKey+".account", config.Account, "must be twelve digits")
	}
	if config.Region != "" && !regionName.MatchString(config.Region) {
		d.refuse(ContextKey+".region", config.Region, "must be the name of a Region, like eu-west-1")
	}
	// Some services would accept an alias, but the policies of roles cannot use one.
	if config.KeyARN != "" && !keyARN.MatchString(config.KeyARN) {
		d.refuse(ContextKey+".keyArn", config.KeyARN, "must be the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID, not of an alias")
	}
	d.checkPreviousKeys(config)
	for _, key := range slices.Sorted(maps.Keys(config.Tags)) {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			d.refuse(ContextKey+".tags."+key, config.Tags[key], "must not have a key that begins with aws:, which AWS reserves")
		}
	}
	d.checkVPCs(config.QueryLogging.VPCIDs)
	if config.Delivery.ExistingStream != "" {
		d.checkIdle("delivery", config.Delivery, Default().Delivery)
		d.checkIdle("catalog", config.Catalog, Default().Catalog)
	}
	if config.CreateKey && config.KeyARN != "" {
		d.problems = append(d.problems, fmt.Errorf("%s.createKey and %[1]s.keyArn: "+
			"only one can be set, because one key encrypts everything", ContextKey))
	}
}

// checkPreviousKeys rejects values that are not the ARN of a key, and the key that is used
// now.
func (d *decoder) checkPreviousKeys(config Config) {
	for i, arn := range config.PreviousKeyARNs {
		path := fmt.Sprintf("%s.previousKeyArns[%d]", ContextKey, i)
		switch {
		case arn == "": // it had another type and was rejected before
		case !keyARN.MatchString(arn):
			d.refuse(path, arn, "must be the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID, not of an alias")
		case arn == config.KeyARN || slices.Contains(config.PreviousKeyARNs[:i], arn):
			d.refuse(path, arn, "must be an earlier key, listed only once")
		}
	}
}

// checkVPCs rejects values that are not the id of a VPC, and duplicates. Elements of
// another type were rejected before and are empty.
func (d *decoder) checkVPCs(ids []string) {
	for i, id := range ids {
		path := fmt.Sprintf("%s.queryLogging.vpcIds[%d]", ContextKey, i)
		switch {
		case id == "":
		case !vpcID.MatchString(id):
			d.refuse(path, id, "must be the id of a VPC, like vpc-0a1b2c3d4e5f60001")
		case slices.Contains(ids[:i], id):
			d.refuse(path, id, "must not be listed twice")
		}
	}
}

// checkIdle rejects settings of a section that have no effect with an existing stream.
func (d *decoder) checkIdle(section string, given, unset any) {
	values, defaults := reflect.ValueOf(given), reflect.ValueOf(unset)
	for _, field := range reflect.VisibleFields(values.Type()) {
		value := values.FieldByIndex(field.Index)
		name, same := jsonName(field), reflect.DeepEqual(value.Interface(), defaults.FieldByIndex(field.Index).Interface())
		if !same && name != "existingStream" && name != "enabled" {
			d.refuse(ContextKey+"."+section+"."+name, value.Interface(),
				"has no effect with "+ContextKey+".delivery.existingStream, which is not changed: unset one of them")
		}
	}
}
