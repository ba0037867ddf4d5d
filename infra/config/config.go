// Package config reads the settings of a deployment, which [settings.Deployment] declares,
// from the context of a CDK app. All settings are under the context key "resolverwatch" in
// cdk.json; keys like "resolverwatch.<path>", which the CDK command's -c option sets,
// override them.
//
// It does not start the CDK. It checks the type and the bounds of each setting, and the values
// that only the stack uses. The constructs check the rest and set the defaults.
package config

import (
	"cmp"
	"errors"
	"reflect"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// ContextKey is the context key that contains all settings.
const ContextKey = "resolverwatch"

// Keys returns the path of every setting, without the context key, in the order of the
// fields: "store.tableName", "feeds.<feed id>.format", "tags.<key>".
func Keys() []string {
	var keys []string
	for _, field := range settings.Fields(reflect.TypeFor[settings.Deployment]()) {
		keys = append(keys, field.Path)
	}
	return keys
}

// Decode reads the settings from the whole context of a CDK app, as the app's root node
// returns it. It ignores context keys that belong to others. A key that is nearly one of
// ours is an error, because a misspelled -c would otherwise have no effect.
//
// The error joins all problems, each with the full path of its setting, the value and the
// rule. In that case, settings that could not be read are unset. Apart from the name of the
// stack, unset settings do not get their defaults.
func Decode(context map[string]any) (settings.Deployment, error) {
	tree, err := overlay(context)
	var d decoder
	deployment := d.decode(tree)
	slices.SortStableFunc(d.problems, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	d.check(&deployment)

	if deployment.StackName == "" {
		deployment.StackName = settings.DefaultStack
	}
	return deployment, errors.Join(append([]error{err}, d.problems...)...)
}
