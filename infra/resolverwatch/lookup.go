package resolverwatch

import (
	"slices"
	"strings"
)

// The CDK command answers look-ups, such as Vpc_FromLookup, between two syntheses: the
// first one only lists the missing look-ups in manifest.json, and a panic would prevent
// that. Until the answer arrives, the resource has a dummy value, and the template is
// discarded. So dummy values are treated like tokens: they pass every check, and they are
// never compared.

// dummyPrefix begins the value of a parameter that StringParameter_ValueFromLookup has not
// found yet.
const dummyPrefix = "dummy-value-for-"

// dummyValues are the values of the CDK's other look-ups: VPCs and their subnets, security
// groups, keys (Key_DEFAULT_DUMMY_KEY_ID), hosted zones, roles and repositories.
var dummyValues = []string{
	"vpc-12345", "s-12345", "s-67890", "p-12345", "p-67890", "sg-12345678",
	"1234abcd-12ab-34cd-56ef-1234567890ab", "DUMMY", "DUMMY_ARN",
}

// isUnanswered reports whether text, an id, a name or an ARN, is or ends with the dummy
// value of a look-up.
func isUnanswered(text string) bool {
	if strings.Contains(text, dummyPrefix) {
		return true
	}
	last := text[strings.LastIndexAny(text, ":/")+1:]
	return slices.Contains(dummyValues, last)
}

// isKnown reports whether text can be checked at synthesis: it is neither a token nor the
// dummy value of a look-up.
func isKnown(text string) bool { return !isToken(text) && !isUnanswered(text) }
