package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Forms of the ids and ARNs of AWS resources.
var (
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	keyARN     = regexp.MustCompile(`^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$`)
	topicARN   = regexp.MustCompile(`^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$`)
	vpcID      = regexp.MustCompile(`^vpc-[0-9a-f]+$`)
)

const keyRule = "must be the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID, not of an alias"

// check checks values that only the stack uses, and rules about several settings.
func (d *decoder) check(deployment *settings.Deployment) {
	if account := deployment.Account; account != "" && !accountID.MatchString(account) {
		d.refuse(ContextKey+".account", account, "must be twelve digits")
	}
	if region := deployment.Region; region != "" && !regionName.MatchString(region) {
		d.refuse(ContextKey+".region", region, "must be the name of a Region, like eu-west-1")
	}
	// Some services would accept an alias, but the policies of roles cannot use one.
	if key := deployment.KeyARN; key != "" && !keyARN.MatchString(key) {
		d.refuse(ContextKey+".keyArn", key, keyRule)
	}
	d.checkPreviousKeys(deployment)
	for _, key := range slices.Sorted(maps.Keys(deployment.Tags)) {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			d.refuse(ContextKey+".tags."+key, deployment.Tags[key], "must not have a key that begins with aws:, which AWS reserves")
		}
	}
	d.checkVPCs(ContextKey+".queryLogging.vpcIds", deployment.QueryLogging.VPCIDs, nil)
	d.checkSource(deployment)
	if topic := deployment.Alerts.ExistingTopicARN; topic != "" && !topicARN.MatchString(topic) {
		d.refuse(ContextKey+".alerts.existingTopicArn", topic, "must be the ARN of a standard topic, arn:aws:sns:REGION:ACCOUNT:NAME")
	}
	if deployment.Delivery.ExistingStream != "" {
		const stream = ContextKey + ".delivery.existingStream, which is not changed"
		d.checkIdle("delivery", deployment.Delivery, settings.DeliverySection{}, stream, "existingStream")
		d.checkIdle("catalog", deployment.Catalog, settings.CatalogSection{}, stream, "enabled")
	}
	d.checkHunts(deployment)
	if deployment.CreateKey && deployment.KeyARN != "" {
		d.problems = append(d.problems, fmt.Errorf("%s.createKey and %[1]s.keyArn: "+
			"only one can be set, because one key encrypts everything", ContextKey))
	}
}

// checkPreviousKeys rejects values that are not the ARN of a key, and the key that is used
// now. Elements that were rejected before are empty.
func (d *decoder) checkPreviousKeys(deployment *settings.Deployment) {
	for i, arn := range deployment.PreviousKeyARNs {
		path := fmt.Sprintf("%s.previousKeyArns[%d]", ContextKey, i)
		switch {
		case arn == "":
		case !keyARN.MatchString(arn):
			d.refuse(path, arn, keyRule)
		case arn == deployment.KeyARN || slices.Contains(deployment.PreviousKeyARNs[:i], arn):
			d.refuse(path, arn, "must be an earlier key, listed only once")
		}
	}
}

// checkVPCs rejects values that are not the id of a VPC, duplicates, and VPCs that log to another
// source. Elements that were rejected before are empty.
func (d *decoder) checkVPCs(setting string, ids, elsewhere []string) {
	for i, id := range ids {
		path := fmt.Sprintf("%s[%d]", setting, i)
		switch {
		case id == "":
		case !vpcID.MatchString(id):
			d.refuse(path, id, "must be the id of a VPC, like vpc-0a1b2c3d4e5f60001")
		case slices.Contains(ids[:i], id):
			d.refuse(path, id, "must not be listed twice")
		case slices.Contains(elsewhere, id):
			d.refuse(path, id, "must not be in "+ContextKey+".queryLogging.vpcIds too: every query would be in the table twice")
		}
	}
}

// checkHunts rejects hunts that are asked for without what they need. By default, they are then
// left out.
func (d *decoder) checkHunts(deployment *settings.Deployment) {
	if enabled := deployment.Hunts.Enabled; enabled == nil || !*enabled {
		return
	}
	off := func(enabled *bool) bool { return enabled != nil && !*enabled }
	for _, needed := range []struct {
		missing bool
		rule    string
	}{
		{off(deployment.Alerts.Enabled), "needs " + ContextKey + ".alerts.enabled, because hunts send their findings there"},
		{off(deployment.Catalog.Enabled), "needs " + ContextKey + ".catalog.enabled, because hunts are queries of the catalog"},
		{deployment.Delivery.ExistingStream != "", "has no effect with " + ContextKey + ".delivery.existingStream, because there is no catalog for it"},
	} {
		if needed.missing {
			d.refuse(ContextKey+".hunts.enabled", true, needed.rule)
		}
	}
}

// checkIdle rejects settings of a section that have no effect because of another setting, which
// the reason names. A setting that is the same in preset passes.
func (d *decoder) checkIdle(name string, section, preset any, reason string, except ...string) {
	for _, field := range settings.Fields(reflect.TypeOf(section)) {
		value, unset := reflect.ValueOf(section).FieldByIndex(field.Index), reflect.ValueOf(preset).FieldByIndex(field.Index)
		path := ContextKey + "." + name + "." + field.Path
		passes := value.IsZero() || reflect.DeepEqual(value.Interface(), unset.Interface()) || slices.Contains(except, field.Path)
		if !passes && !d.refused(path) {
			d.refuse(path, value.Interface(), "has no effect with "+reason+": unset one of them")
		}
	}
}

// refused reports whether the value of a setting, or an element of it, was refused before.
func (d *decoder) refused(path string) bool {
	return slices.ContainsFunc(d.problems, func(err error) bool {
		var problem *settings.Problem
		return errors.As(err, &problem) && (problem.Path == path || strings.HasPrefix(problem.Path, path+"["))
	})
}
