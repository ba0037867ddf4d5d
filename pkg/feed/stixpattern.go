package feed

import (
	"errors"
	"fmt"
)

var errDeep = errors.New("pattern with too many brackets in each other")

// maxPatternDepth bounds the brackets in each other of a pattern; real ones have two.
const maxPatternDepth = 32

// stixKind is what an object path of a pattern leads to.
type stixKind uint8

const (
	stixOther stixKind = iota
	stixName
	stixAddress
	stixURL
)

// stixKinds are the paths to names, addresses and URLs; `hostname` is that of OpenCTI.
var stixKinds = map[string]stixKind{
	"domain-name:value": stixName,
	"hostname:value":    stixName,
	"ipv4-addr:value":   stixAddress,
	"ipv6-addr:value":   stixAddress,
	"url:value":         stixURL,
}

// alternative is one value that alone fulfils a pattern; why says of other parts of a
// pattern why they are no such value.
type alternative struct {
	kind  stixKind
	value []byte
	why   Skip
}

// patternParser reads patterns by the grammar of STIX 2.1, section 9, into their
// alternatives. What is joined by OR are alternatives; so are the elements of IN. What is
// joined by AND or FOLLOWEDBY, or has a qualifier, asks for more than one value, and to
// list a part of it would widen it.
type patternParser struct {
	lexer
	found []alternative
	depth int
}

// parse returns the alternatives of a pattern, at least one, good until the next call.
func (p *patternParser) parse(pattern []byte) ([]alternative, error) {
	p.lexer, p.found, p.depth = lexer{text: pattern}, p.found[:0], 0
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.observations(); err != nil {
		return nil, err
	}
	if p.token.kind != tokenEnd {
		return nil, p.unexpected("the end")
	}
	return p.found, nil
}

// observations reads observation expressions. AND binds closer than OR, and OR closer
// than FOLLOWEDBY.
func (p *patternParser) observations() error {
	return p.joined("FOLLOWEDBY", func() error {
		return p.either(func() error { return p.joined("AND", p.observation) })
	})
}

// joined reads operands of which all must hold.
func (p *patternParser) joined(by string, operand func() error) error {
	start := len(p.found)
	for several := false; ; several = true {
		if err := operand(); err != nil {
			return err
		}
		if !p.is(by) {
			if several {
				p.narrow(start)
			}
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

// either reads operands of which one is enough.
func (p *patternParser) either(operand func() error) error {
	for {
		if err := operand(); err != nil || !p.is("OR") {
			return err
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

// narrow makes one of all that was found since start, and no value.
func (p *patternParser) narrow(start int) {
	p.found = append(p.found[:start], alternative{why: SkipCondition})
}

// observation reads one in brackets, and what qualifies it.
func (p *patternParser) observation() (err error) {
	start := len(p.found)
	switch {
	case p.is("["):
		err = p.bracket("]", p.comparisons)
	case p.is("("):
		err = p.bracket(")", p.observations)
	default:
		return p.unexpected("[ or (")
	}
	for err == nil {
		var ends []tokenKind
		switch {
		case p.is("START"):
			ends = []tokenKind{tokenWord, tokenText, tokenWord, tokenWord, tokenText} // t'...' STOP t'...'
		case p.is("WITHIN"), p.is("REPEATS"):
			ends = []tokenKind{tokenNumber, tokenWord} // 5 SECONDS, 5 TIMES
		default:
			return nil
		}
		p.narrow(start)
		err = p.qualifier(ends)
	}
	return err
}

func (p *patternParser) qualifier(follows []tokenKind) error {
	for _, kind := range follows {
		if err := p.advance(); err != nil {
			return err
		}
		if p.token.kind != kind {
			return p.unexpected("a qualifier")
		}
	}
	return p.advance()
}

func (p *patternParser) bracket(end string, inner func() error) error {
	if p.depth++; p.depth > maxPatternDepth {
		return errDeep
	}
	if err := p.advance(); err != nil {
		return err
	}
	if err := inner(); err != nil {
		return err
	}
	p.depth--
	return p.expect(end)
}

// comparisons reads what stands in an observation. AND binds closer than OR.
func (p *patternParser) comparisons() error {
	return p.either(func() error { return p.joined("AND", p.comparison) })
}

// expect moves past a token.
func (p *patternParser) expect(text string) error {
	if !p.is(text) {
		return p.unexpected(text)
	}
	return p.advance()
}

func (p *patternParser) unexpected(wanted string) error {
	if p.token.kind == tokenEnd {
		return fmt.Errorf("pattern that ends where %s is wanted", wanted)
	}
	return fmt.Errorf("pattern with %q where %s is wanted", shown(p.token.text), wanted)
}
