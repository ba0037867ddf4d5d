package feed

import (
	"errors"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

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
	case stixKinds[kind+":value"] != 0:
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

func (r *stixReader) takePattern(o *fields, pattern []byte) {
	alternatives, err := r.pattern.parse(pattern)
	if err != nil {
		r.c.reject(pattern, err)
		return
	}
	r.c.describeFields(o)
	for i := range alternatives {
		a := &alternatives[i]
		value := trim(a.value)
		switch {
		case a.why != 0:
			r.c.skip(pattern, a.why)
		case len(value) == 0:
			r.c.reject(pattern, errNoValue)
		case a.kind == stixAddress:
			r.c.value(value, typeAddress, 0)
		case a.kind == stixURL:
			r.c.value(value, typeURL, indicator.ScopeName)
		default:
			r.c.value(value, typeAny, indicator.ScopeSubtree)
		}
	}
}
