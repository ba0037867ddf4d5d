package stixpattern

import "slices"

// The object paths of the destination of network traffic. Many vendors write an address as
// `network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1'`.
const (
	trafficType = "network-traffic"
	targetRef   = "dst_ref"
)

// role is the part of a comparison that is about the destination of network traffic.
type role uint8

const (
	roleNone   role = iota
	roleTarget      // it compares the value
	roleType        // it compares the type of the value
)

// targetPath returns what a step after the destination of network traffic refers to.
func targetPath(isTarget bool, step string) path {
	switch {
	case isTarget && step == "value":
		return path{Name, roleTarget}
	case isTarget && step == "type":
		return path{Other, roleType}
	}
	return path{}
}

// conjunction collects the operands of an AND.
type conjunction struct {
	target, types []Alternative // the operands about the destination of network traffic
	other         bool          // there is another operand
}

func (c *conjunction) add(operand []Alternative) {
	switch {
	case c.types == nil && allHave(operand, roleType):
		c.types = slices.Clone(operand)
	case c.target == nil && allHave(operand, roleTarget):
		c.target = slices.Clone(operand)
	default:
		c.other = true
	}
}

// allHave reports whether each of the alternatives has a role.
func allHave(alternatives []Alternative, wanted role) bool {
	return !slices.ContainsFunc(alternatives, func(a Alternative) bool { return a.role != wanted })
}

// alternatives returns the values of a destination if the only other operand is about their
// type, and otherwise a [Condition].
func (c *conjunction) alternatives() []Alternative {
	if c.other || c.types == nil || c.target == nil {
		return []Alternative{{Problem: Condition}}
	}
	kind := c.types[0].Kind
	for i := range c.types {
		if c.types[i].Kind != kind {
			kind = Name // the value shows which of the types it has
		}
	}
	if kind == Other {
		return []Alternative{{Problem: OtherType}}
	}
	for i := range c.target {
		c.target[i].Kind, c.target[i].role = kind, roleNone
	}
	return c.target
}
