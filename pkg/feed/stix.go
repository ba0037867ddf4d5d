package feed

import (
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/feed/internal/stixpattern"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// stixReader reads STIX 2 bundles, the envelopes of TAXII 2.1, and STIX objects in an
// array or one after the other. Bundles are walked, so that one may be of any size.
//
// An entry is an alternative of the pattern of an indicator. Objects that observe a name
// or an address without an indicator are skipped; all other objects, such as
// relationships and malware, are structure. Versions of an object are not told apart: a
// bundle holds one of each.
type stixReader struct {
	*jsonReader
	object  fields // the current one
	arena   []byte // for its texts
	names   []string
	visit   func(name []byte) error // r.member, made once
	pattern stixpattern.Parser
}

// stixFields are the members of an object that count. Three more are arrays.
var stixFields = map[string]field{
	"type":         fieldType,
	"value":        fieldValue,
	"pattern":      fieldPattern,
	"pattern_type": fieldPatternType,
	"valid_from":   fieldFirstSeen,
	"created":      fieldChanged,
	"valid_until":  fieldExpires,
	"revoked":      fieldWithdrawn,
	"confidence":   fieldConfidence,
}

func readSTIX(in *window, c *collector) error {
	r := &stixReader{jsonReader: newJSONReader(in, c)}
	r.visit = r.member
	return r.finish(r.in.values(func(byte) error { return r.top() }))
}

// top reads a bundle, an envelope, an object, or an array of these.
func (r *stixReader) top() error {
	first, err := r.in.peek()
	switch {
	case err != nil:
		return err
	case first == '[':
		return r.in.elements(r.top)
	case first != '{':
		return r.odd()
	}
	line, contains := r.in.line, false
	var own fields
	var arena []byte
	r.reset()
	err = r.in.members(func(name []byte) error {
		switch string(name) {
		case "objects":
			if contains {
				return refuse(ErrBadJSON, r.in.line, "member %q twice", name)
			}
			contains = true
			return r.objects()
		case "more":
			return own.read(r.in, fieldMore, name, &arena)
		}
		if contains {
			return r.in.skip()
		}
		return r.member(name)
	})
	if err != nil {
		return err
	}
	if more, err := own.flag(fieldMore, false); contains && (more || err != nil) {
		return refuse(ErrPartial, line, `"more" is %s`, own.texts[fieldMore])
	}
	if !contains && string(r.object.texts[fieldType]) != "bundle" {
		r.judge(line)
	}
	return r.c.err
}

// objects reads the member of that name.
func (r *stixReader) objects() error {
	first, err := r.in.peek()
	if err != nil {
		return err
	}
	if first != '[' { // the observed objects of STIX 2.0
		return r.in.skip()
	}
	return r.in.elements(func() error {
		first, err := r.in.peek()
		if err != nil {
			return err
		}
		if first != '{' {
			return r.odd()
		}
		r.reset()
		line := r.in.line
		if err := r.in.members(r.visit); err != nil {
			return err
		}
		r.judge(line)
		return r.c.err
	})
}

func (r *stixReader) reset() {
	r.object, r.arena, r.names = fields{}, r.arena[:0], r.names[:0]
}

// member reads a member of an object.
func (r *stixReader) member(name []byte) error {
	if !r.object.seen[fieldType] && len(r.names) < shownMembers { // may have to be shown
		r.names = append(r.names, shown(name))
	}
	switch string(name) {
	case "indicator_types":
		return r.first(fieldCategory, name)
	case "labels": // STIX 2.0 has the types of an indicator here
		return r.first(fieldLabel, name)
	case "external_references":
		return r.reference(name)
	}
	of, found := stixFields[string(name)]
	if !found {
		return r.in.skip()
	}
	return r.object.read(r.in, of, name, &r.arena)
}

// first reads the first text of an array.
func (r *stixReader) first(of field, name []byte) error {
	isNew := r.object.mark(of, name)
	return r.each(func() error {
		text, err := r.in.scalar()
		if err == nil && isNew && len(r.object.texts[of]) == 0 {
			r.object.keep(of, text, &r.arena)
		}
		return err
	})
}

// reference reads the first URL of the references.
func (r *stixReader) reference(name []byte) error {
	isNew := r.object.mark(fieldReference, name)
	return r.each(func() error {
		if first, err := r.in.peek(); err != nil || first != '{' {
			return r.in.skip()
		}
		return r.in.members(func(name []byte) error {
			if string(name) != "url" || !isNew || len(r.object.texts[fieldReference]) > 0 {
				return r.in.skip()
			}
			text, err := r.in.scalar()
			r.object.keep(fieldReference, text, &r.arena)
			return err
		})
	})
}

var errNoPattern = errors.New("indicator without a pattern")

// judge takes the indicators of an object, or says why not.
func (r *stixReader) judge(line int) {
	r.c.line = line
	o := &r.object
	switch kind := string(o.texts[fieldType]); {
	case kind == "":
		r.noShape(r.names)
	case kind == "indicator":
		r.indicator(o)
	case stixpattern.IsObservable(kind):
		r.c.skip(firstText(o.texts[fieldValue], o.texts[fieldType]), SkipObservation)
	}
}

func (r *stixReader) indicator(o *fields) {
	pattern := o.texts[fieldPattern]
	revoked, revokedErr := o.flag(fieldWithdrawn, false)
	language := string(o.texts[fieldPatternType])
	switch {
	case o.err != nil:
		r.c.reject(pattern, o.err)
	case revokedErr != nil:
		r.c.reject(pattern, revokedErr)
	case revoked:
		r.c.skip(pattern, SkipWithdrawn)
	case language != "" && language != "stix": // rules of Snort, YARA, Sigma
		r.c.skip(pattern, SkipOtherType)
	case len(pattern) == 0:
		r.c.reject(o.texts[fieldType], errNoPattern)
	default:
		r.takePattern(o, pattern)
	}
}

// patternSkips are the reasons to skip a part of a pattern.
var patternSkips = [...]Skip{
	stixpattern.OtherType: SkipOtherType,
	stixpattern.Condition: SkipCondition,
	stixpattern.Wildcard:  SkipPattern,
	stixpattern.Regex:     SkipRegex,
}

func (r *stixReader) takePattern(o *fields, pattern []byte) {
	alternatives, err := r.pattern.Parse(pattern)
	if err != nil {
		r.c.reject(pattern, err)
		return
	}
	r.c.describeFields(o)
	for i := range alternatives {
		a := &alternatives[i]
		value := trim(a.Value)
		switch {
		case a.Problem != 0:
			r.c.skip(pattern, patternSkips[a.Problem])
		case len(value) == 0:
			r.c.reject(pattern, errNoValue)
		case a.Kind == stixpattern.Address:
			r.c.value(value, typeAddress, 0)
		case a.Kind == stixpattern.URL:
			r.c.value(value, typeURL, indicator.ScopeName)
		default:
			r.c.value(value, typeAny, indicator.ScopeSubtree)
		}
	}
}
