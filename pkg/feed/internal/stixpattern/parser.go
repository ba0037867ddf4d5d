// Package stixpattern reads STIX patterns. A pattern goes in; out come the values that
// each satisfy the pattern on its own, and for every other part of the pattern the reason
// why it yields no such value.
//
// A pattern is never widened. Values joined by OR, and the elements of IN, are
// alternatives. Values joined by AND or FOLLOWEDBY, or restricted by a qualifier, only
// match together, so none of them is returned. There is one exception: a condition on
// `network-traffic:dst_ref.type` only tells what the value in `dst_ref.value` is, so it may
// be joined to that by AND.
//
// The grammar is that of STIX 2.1, section 9:
// https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html
package stixpattern

import "fmt"

// maxDepth limits how deep brackets may nest. Real patterns nest two deep.
const maxDepth = 32

var errTooDeep = fmt.Errorf("pattern nests over %d levels deep", maxDepth)

// Kind is the kind of value that an object path refers to.
type Kind uint8

// The kinds of values. Other is everything that is not a name, an address or a URL.
const (
	Other Kind = iota
	Name
	Address
	URL
)

const valueProperty = ":value"

// kinds holds the object paths of names, addresses and URLs. OpenCTI writes `hostname`,
// which the standard does not have.
var kinds = map[string]Kind{
	"domain-name:value": Name,
	"hostname:value":    Name,
	"ipv4-addr:value":   Address,
	"ipv6-addr:value":   Address,
	"url:value":         URL,
}

// IsObservable reports whether objects of a type have a value that is a name, an address
// or a URL.
func IsObservable(objectType string) bool { return kinds[objectType+valueProperty] != Other }

// Problem is the reason why a part of a pattern yields no value. The zero Problem means
// that there is a value.
type Problem uint8

// The problems of a part of a pattern.
const (
	OtherType Problem = iota + 1 // it compares something other than names, addresses and URLs
	Condition                    // it needs more than one value, or the absence of one
	Wildcard                     // it compares with LIKE
	Regex                        // it compares with MATCHES
)

// Alternative is one way to satisfy a pattern: by a single value, unless Problem is set.
type Alternative struct {
	Kind    Kind
	Value   []byte
	Problem Problem
	role    role
}

// Parser reads patterns. The zero Parser is ready to use, and reusing one saves
// allocations. It is not safe for concurrent use.
type Parser struct {
	lexer
	found []Alternative
	depth int
}

// Parse returns the alternatives of a pattern. There is at least one, and they are valid
// until the next call.
func (p *Parser) Parse(pattern []byte) ([]Alternative, error) {
	p.lexer, p.found, p.depth = lexer{rest: pattern}, p.found[:0], 0
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.parseObservations(); err != nil {
		return nil, err
	}
	if p.token.kind != tokenEnd {
		return nil, p.unexpected("the end")
	}
	return p.found, nil
}

// parseObservations reads observation expressions. AND binds more tightly than OR, and OR
// more tightly than FOLLOWEDBY.
func (p *Parser) parseObservations() error {
	return p.parseAll("FOLLOWEDBY", func() error {
		return p.parseAny(func() error { return p.parseAll("AND", p.parseObservation) })
	})
}

// parseComparisons reads the comparisons within one observation. AND binds more tightly
// than OR.
func (p *Parser) parseComparisons() error {
	return p.parseAny(p.parseConjunction)
}

// parseConjunction reads comparisons joined by AND.
func (p *Parser) parseConjunction() error {
	start := len(p.found)
	if err := p.parseComparison(); err != nil || !p.at("AND") {
		return err
	}

	var all conjunction
	all.add(p.found[start:])
	for p.at("AND") {
		if err := p.advance(); err != nil {
			return err
		}
		first := len(p.found)
		if err := p.parseComparison(); err != nil {
			return err
		}
		all.add(p.found[first:])
	}
	p.found = append(p.found[:start], all.alternatives()...)
	return nil
}

// parseAll reads operands that must all be satisfied.
func (p *Parser) parseAll(operator string, operand func() error) error {
	start := len(p.found)
	for several := false; ; several = true {
		if err := operand(); err != nil {
			return err
		}
		if !p.at(operator) {
			if several {
				p.discard(start)
			}
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

// parseAny reads operands joined by OR, any of which suffices.
func (p *Parser) parseAny(operand func() error) error {
	for {
		if err := operand(); err != nil || !p.at("OR") {
			return err
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

// discard replaces the alternatives found since start by a single [Condition].
func (p *Parser) discard(start int) {
	p.found = append(p.found[:start], Alternative{Problem: Condition})
}

// parseObservation reads an observation in brackets and its qualifiers.
func (p *Parser) parseObservation() (err error) {
	start := len(p.found)
	switch {
	case p.at("["):
		err = p.parseBracket("]", p.parseComparisons)
	case p.at("("):
		err = p.parseBracket(")", p.parseObservations)
	default:
		return p.unexpected("[ or (")
	}

	for err == nil {
		var tokens []tokenKind
		switch {
		case p.at("START"):
			tokens = []tokenKind{tokenWord, tokenString, tokenWord, tokenWord, tokenString} // t'...' STOP t'...'
		case p.at("WITHIN"), p.at("REPEATS"):
			tokens = []tokenKind{tokenNumber, tokenWord} // 5 SECONDS, 5 TIMES
		default:
			return nil
		}
		p.discard(start)
		err = p.parseQualifier(tokens)
	}
	return err
}

// parseQualifier moves past the keyword of a qualifier and the tokens that follow it.
func (p *Parser) parseQualifier(tokens []tokenKind) error {
	for _, kind := range tokens {
		if err := p.advance(); err != nil {
			return err
		}
		if p.token.kind != kind {
			return p.unexpected("a qualifier")
		}
	}
	return p.advance()
}

func (p *Parser) parseBracket(end string, inner func() error) error {
	if p.depth++; p.depth > maxDepth {
		return errTooDeep
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

// parseComparison reads `path = 'value'` or the like, or several comparisons in parentheses.
func (p *Parser) parseComparison() error {
	if p.at("(") {
		return p.parseBracket(")", p.parseComparisons)
	}

	negated, err := p.accept("NOT")
	if err != nil {
		return err
	}
	exists, err := p.accept("EXISTS")
	if err != nil {
		return err
	}
	if negated && !exists {
		return p.unexpected("EXISTS")
	}

	compared, err := p.parsePath()
	switch {
	case err != nil:
		return err
	case exists:
		p.found = append(p.found, Alternative{Problem: problemOf(compared.kind, Condition)})
		return nil
	}
	return p.parseOperator(compared)
}

// problemOf returns [OtherType] if a comparison is not about a name, address or URL, and
// problem otherwise.
func problemOf(kind Kind, problem Problem) Problem {
	if kind == Other {
		return OtherType
	}
	return problem
}

// path is what an object path refers to.
type path struct {
	kind Kind
	role role
}

// parsePath reads an object path, `type:property` with any further steps.
func (p *Parser) parsePath() (path, error) {
	if p.token.kind != tokenWord {
		return path{}, p.unexpected("an object path")
	}
	object := p.token.text
	if err := p.advance(); err != nil {
		return path{}, err
	}
	if err := p.expect(":"); err != nil {
		return path{}, err
	}
	property := p.token.text
	if err := p.parseProperty(); err != nil {
		return path{}, err
	}

	compared := path{kind: kinds[string(object)+":"+string(property)]}
	isTarget := string(object) == trafficType && string(property) == targetRef
	for {
		switch {
		case p.at("."):
			if err := p.advance(); err != nil {
				return path{}, err
			}
			step := p.token.text
			if err := p.parseProperty(); err != nil {
				return path{}, err
			}
			compared, isTarget = targetPath(isTarget, string(step)), false
		case p.at("["):
			if err := p.parseIndex(); err != nil {
				return path{}, err
			}
			compared, isTarget = path{}, false
		default:
			return compared, nil
		}
	}
}

func (p *Parser) parseProperty() error {
	if p.token.kind != tokenWord && p.token.kind != tokenString {
		return p.unexpected("a property")
	}
	return p.advance()
}

// parseIndex reads `[0]` or `[*]`.
func (p *Parser) parseIndex() error {
	if err := p.advance(); err != nil {
		return err
	}
	if p.token.kind != tokenNumber && !p.at("*") {
		return p.unexpected("an index")
	}
	if err := p.advance(); err != nil {
		return err
	}
	return p.expect("]")
}

// parseOperator reads the operator and the operands that follow a path.
func (p *Parser) parseOperator(compared path) error {
	negated, err := p.accept("NOT")
	if err != nil {
		return err
	}

	problem := Problem(0)
	switch operator := string(p.token.text); {
	case p.token.kind != tokenWord && p.token.kind != tokenSign:
		return p.unexpected("an operator")
	case operator == "=", operator == "==":
	case operator == "IN":
		return p.parseSet(compared, negated)
	case operator == "ISSUBSET" && (compared.kind == Address || compared.role == roleTarget):
		compared.kind = Address
	case operator == "LIKE":
		problem = Wildcard
	case operator == "MATCHES":
		problem = Regex
	case operator == "!=", operator == "<>", operator == "<", operator == ">", operator == "<=", operator == ">=",
		operator == "ISSUBSET", operator == "ISSUPERSET":
		problem = Condition
	default:
		return p.unexpected("an operator")
	}
	if negated {
		problem = Condition
	}

	if err := p.advance(); err != nil {
		return err
	}
	return p.parseLiteral(compared, problem)
}

// parseSet reads IN and its operands in parentheses, any of which suffices.
func (p *Parser) parseSet(compared path, negated bool) error {
	problem, start := Problem(0), len(p.found)
	if negated {
		problem = Condition
	}
	if err := p.advance(); err != nil {
		return err
	}
	if err := p.expect("("); err != nil {
		return err
	}

	for {
		if err := p.parseLiteral(compared, problem); err != nil {
			return err
		}
		if more, err := p.accept(","); err != nil || !more {
			if negated || compared.kind == Other && compared.role != roleType {
				p.found = append(p.found[:start], Alternative{Problem: problemOf(compared.kind, problem)})
			}
			if err != nil {
				return err
			}
			return p.expect(")")
		}
	}
}

// parseLiteral reads a literal and adds it to the alternatives, with the problem of its
// comparison if there is one.
func (p *Parser) parseLiteral(compared path, problem Problem) error {
	value, isString := p.token.text, p.token.kind == tokenString
	switch {
	case isString, p.token.kind == tokenNumber, p.at("true"), p.at("false"):
	case p.at("t"), p.at("h"), p.at("b"): // a time, or bytes in hexadecimal or base64
		if err := p.advance(); err != nil {
			return err
		}
		if p.token.kind != tokenString {
			return p.unexpected("a literal")
		}
	default:
		return p.unexpected("a literal")
	}

	found := Alternative{compared.kind, value, problemOf(compared.kind, problem), compared.role}
	switch {
	case problem != 0 || !isString && compared.role == roleType:
		found.role = roleNone
	case compared.role == roleType:
		found.Kind = kinds[string(value)+valueProperty]
	case found.Problem == 0 && !isString:
		return p.unexpected("a quoted string")
	}
	p.found = append(p.found, found)
	return p.advance()
}

// expect moves past a word or sign that must be the current token.
func (p *Parser) expect(text string) error {
	if !p.at(text) {
		return p.unexpected(text)
	}
	return p.advance()
}

func (p *Parser) unexpected(want string) error {
	if p.token.kind == tokenEnd {
		return fmt.Errorf("pattern ends where %s is expected", want)
	}
	text := p.token.text
	return fmt.Errorf("pattern has an unexpected token: %q where %s is expected", text[:min(len(text), maxShownBytes)], want)
}
