package list

import (
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Options say how a list is read. The zero Options read a block list and detect its format.
type Options struct {
	// Action is [indicator.ActionAllow] for an allow list; 0 means block. It depends on the
	// folder of the list and has no setting.
	Action indicator.Action

	Format      feed.Format
	Scope       indicator.Scope
	Column      string
	Registrable bool
	Category    indicator.Category
	Severity    indicator.Severity
	Confidence  *indicator.Confidence
}

// NewOptions parses those settings of a feed that say how its lists are read. The error
// joins every problem.
func NewOptions(wire settings.Feed) (Options, error) {
	o := Options{
		Column:      wire.Column,
		Registrable: wire.Registrable,
		Category:    indicator.NewCategory(wire.Category),
	}
	var errs [5]error
	o.Format, errs[0] = feed.ParseFormat(wire.Format)
	if wire.Scope != "" {
		o.Scope, errs[1] = indicator.ParseScope(wire.Scope)
	}
	if wire.Severity != "" {
		o.Severity, errs[2] = indicator.ParseSeverity(wire.Severity)
	}
	if wire.Confidence != nil {
		var confidence indicator.Confidence
		confidence, errs[3] = indicator.NewConfidence(*wire.Confidence)
		o.Confidence = &confidence
	}
	if o.Column != "" && o.Format != "" && o.Format != feed.CSV && o.Format != feed.JSON {
		errs[4] = fmt.Errorf("column %q: a %s list has no columns", o.Column, o.Format)
	}
	return o, errors.Join(errs[:]...)
}

// feedOptions returns the options of the parser.
func (o *Options) feedOptions(g *Guards, h *Hooks) feed.Options {
	return feed.Options{
		Format:      o.Format,
		Scope:       o.Scope,
		Action:      o.Action,
		Column:      o.Column,
		Registrable: o.Registrable,
		Category:    o.Category,
		Severity:    o.Severity,
		Confidence:  o.Confidence,
		OnReject:    h.OnReject,
		OnSkip:      h.OnSkip,
		Limits:      g.limits(),
	}
}
