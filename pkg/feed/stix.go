package feed

import (
	"bytes"
	"errors"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/feed/internal/stixpattern"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var errNoPattern = errors.New("indicator without a pattern")

// stixReader reads STIX 2 bundles, the envelopes of TAXII 2.1, and STIX objects in an array or
// in sequence. Bundles are walked, so they may be of any size.
//
// An entry is an alternative of the pattern of an indicator. An indicator whose types call its
// value benign or anomalous is skipped, unless another of its types calls it malicious. Observed
// names and addresses without an indicator are skipped. All other objects, such as relationships
// and malware, are structure. The reader does not compare versions of an object, because a bundle
// contains only one of each.
type stixReader struct {
	*jsonEntries
	object  fields    // the current one
	arena   []byte    // for its texts
	types   stixTypes // of the current object, from `indicator_types`
	labels  stixTypes // from `labels`, in STIX 2.0
	names   []string
	visit   func(name []byte) error // r.readMember, allocated once
	pattern stixpattern.Parser
}

// stixFields are the members of an object that are read. Three more, which are arrays, are in
// readMember.
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
	r := &stixReader{jsonEntries: newJSONEntries(in, c)}
	r.visit = r.readMember
	return r.finish(r.in.eachValue(func(byte) error { return r.readTop() }))
}

// readTop reads a bundle, an envelope, an object, or an array of these.
func (r *stixReader) readTop() error {
	first, err := r.in.peek()
	switch {
	case err != nil:
		return err
	case first == '[':
		return r.in.eachElement(r.readTop)
	case first != '{':
		return r.rejectNonObject()
	}
	return r.readTopObject()
}

// readTopObject reads a bundle or an envelope, which contain objects, or a single object.
func (r *stixReader) readTopObject() error {
	line, contains := r.in.line, false
	var envelope fields
	var arena []byte
	r.reset()
	err := r.in.eachMember(func(name []byte) error {
		switch string(name) {
		case "objects":
			if contains {
				return refuse(ErrBadJSON, r.in.line, "duplicate member %q", name)
			}
			contains = true
			return r.readObjects()
		case "more":
			return envelope.read(r.in, fieldMore, name, &arena)
		}
		if contains {
			return r.in.skipValue()
		}
		return r.readMember(name)
	})
	if err != nil {
		return err
	}

	if more, err := envelope.flag(fieldMore, false); contains && (more || err != nil) {
		return refuse(ErrPartial, line, `"more" is %s`, envelope.texts[fieldMore])
	}
	if !contains && string(r.object.texts[fieldType]) != "bundle" {
		r.addObject(line)
	}
	return r.c.err
}

// readObjects reads the objects of a bundle or an envelope.
func (r *stixReader) readObjects() error {
	first, err := r.in.peek()
	if err != nil {
		return err
	}
	if first != '[' { // the observed objects of STIX 2.0
		return r.in.skipValue()
	}
	return r.in.eachElement(func() error {
		first, err := r.in.peek()
		if err != nil {
			return err
		}
		if first != '{' {
			return r.rejectNonObject()
		}
		r.reset()
		line := r.in.line
		if err := r.in.eachMember(r.visit); err != nil {
			return err
		}
		r.addObject(line)
		return r.c.err
	})
}

func (r *stixReader) reset() {
	r.object, r.arena, r.names = fields{}, r.arena[:0], r.names[:0]
	r.types, r.labels = stixTypes{}, stixTypes{}
}

// readMember reads a member of an object.
func (r *stixReader) readMember(name []byte) error {
	if !r.object.seen[fieldType] && len(r.names) < shownMembers { // an error might show them
		r.names = append(r.names, shown(name))
	}
	switch string(name) {
	case "indicator_types":
		return r.readTypes(fieldCategory, name, &r.types)
	case "labels": // in STIX 2.0, the types of an indicator
		return r.readTypes(fieldLabel, name, &r.labels)
	case "external_references":
		return r.readReference(name)
	}
	key, found := stixFields[string(name)]
	if !found {
		return r.in.skipValue()
	}
	return r.object.read(r.in, key, name, &r.arena)
}

// stixTypes is what the types of an indicator say about its value.
type stixTypes struct{ some, harmless, harmful bool }

// add takes a type of the vocabulary of STIX 2.1, section 10.8. It ignores a type that is not in
// the vocabulary, such as the name of a malware family.
func (s *stixTypes) add(text []byte) {
	s.some = true
	switch strings.ToLower(string(text)) {
	case "benign", "anomalous-activity", "anomalous":
		s.harmless = true
	case "malicious-activity", "compromised":
		s.harmful = true
	}
}

// isHarmless reports whether the source calls the value harmless or merely unusual.
func (s *stixTypes) isHarmless() bool { return s.harmless && !s.harmful }

// readTypes reads an array of types and keeps the first one as the category.
func (r *stixReader) readTypes(key field, name []byte, types *stixTypes) error {
	isFirst := r.object.see(key, name)
	return r.each(func() error {
		text, err := r.in.readScalar()
		if err != nil || !isFirst || len(text) == 0 {
			return err
		}
		types.add(text)
		if len(r.object.texts[key]) == 0 {
			r.object.keep(key, text, &r.arena)
		}
		return nil
	})
}

// readReference reads the references and keeps the first URL.
func (r *stixReader) readReference(name []byte) error {
	isFirst := r.object.see(fieldReference, name)
	return r.each(func() error {
		if first, err := r.in.peek(); err != nil || first != '{' {
			return r.in.skipValue()
		}
		return r.in.eachMember(func(name []byte) error {
			if string(name) != "url" || !isFirst || len(r.object.texts[fieldReference]) > 0 {
				return r.in.skipValue()
			}
			text, err := r.in.readScalar()
			r.object.keep(fieldReference, text, &r.arena)
			return err
		})
	})
}

// addObject adds the indicators of the current object, or rejects or skips it.
func (r *stixReader) addObject(line int) {
	r.c.line = line
	o := &r.object
	switch objectType := string(o.texts[fieldType]); {
	case objectType == "":
		r.rejectMembers(r.names)
	case objectType == "indicator":
		r.addIndicator(o)
	case stixpattern.IsObservable(objectType):
		r.c.skip(firstText(o.texts[fieldValue], o.texts[fieldType]), SkipObservation)
	}
}

func (r *stixReader) addIndicator(o *fields) {
	pattern := o.texts[fieldPattern]
	revoked, revokedErr := o.flag(fieldWithdrawn, false)
	language := o.texts[fieldPatternType]
	types := &r.labels
	if r.types.some {
		types = &r.types
	}
	switch {
	case o.err != nil:
		r.c.reject(pattern, o.err)
	case revokedErr != nil:
		r.c.reject(pattern, revokedErr)
	case revoked:
		r.c.skip(pattern, SkipWithdrawn)
	case types.isHarmless():
		r.c.skip(pattern, SkipHarmless)
	case len(language) > 0 && !bytes.EqualFold(language, []byte("stix")): // a rule for Snort, YARA or Sigma
		r.c.skip(pattern, SkipOtherType)
	case len(pattern) == 0:
		r.c.reject(o.texts[fieldType], errNoPattern)
	default:
		r.addPattern(o, pattern)
	}
}

// patternSkips are the reasons to skip a part of a pattern.
var patternSkips = [...]Skip{
	stixpattern.OtherType: SkipOtherType,
	stixpattern.Condition: SkipCondition,
	stixpattern.Wildcard:  SkipPattern,
	stixpattern.Regex:     SkipRegex,
}

func (r *stixReader) addPattern(o *fields, pattern []byte) {
	alternatives, err := r.pattern.Parse(pattern)
	if err != nil {
		r.c.reject(pattern, err)
		return
	}

	row := o.row()
	r.c.describe(&row)
	for i := range alternatives {
		a := &alternatives[i]
		value := trim(a.Value)
		switch {
		case a.Problem != 0:
			r.c.skip(pattern, patternSkips[a.Problem])
		case len(value) == 0:
			r.c.reject(pattern, errNoValue)
		case a.Kind == stixpattern.Address:
			r.c.addValue(value, column.TypeAddress, 0)
		case a.Kind == stixpattern.URL:
			r.c.addValue(value, column.TypeURL, indicator.ScopeName)
		default:
			r.c.addValue(value, column.TypeAny, indicator.ScopeSubtree)
		}
	}
}
