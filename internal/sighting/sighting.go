// Package sighting gathers what marked records say about machines: which host asked
// for which indicator, when and how often. Summaries of parts of the input are added
// up, so that parts can be read in parallel.
package sighting

import (
	"cmp"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Sighting is one record with a malicious or allowed part.
type Sighting struct {
	Host     Host
	Time     string // query_timestamp, as logged
	Name     string // query_name, as logged
	Verdict  string
	Part     string // query_name or answers[i]
	Matched  string // what was observed there
	Threat   Threat
	Severity indicator.Severity
}

// Host is who asked. The instance is shown, but does not tell hosts apart: not every
// record has one.
type Host struct{ Account, VPC, Address string }

func compareHosts(a, b Host) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.VPC, b.VPC), cmp.Compare(a.Address, b.Address))
}

// Threat is what was matched.
type Threat struct {
	Indicator, Scope string
	Feeds            string // joined by a comma and a space
	Category         string
	AllowedBy        string // the entry and the feed of a veto
}
