package feed

// comparison reads `path = 'value'` and its like, or several in parentheses.
func (p *patternParser) comparison() error {
	if p.is("(") {
		return p.bracket(")", p.comparisons)
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
	kind, err := p.path()
	switch {
	case err != nil:
		return err
	case exists:
		p.found = append(p.found, alternative{why: whyNot(kind, SkipCondition)})
		return nil
	}
	return p.test(kind)
}

// whyNot prefers, of the reasons to skip a comparison, that it is of something else.
func whyNot(kind stixKind, other Skip) Skip {
	if kind == stixOther {
		return SkipOtherType
	}
	return other
}

// path reads an object path: `type:property`, and steps down from there.
func (p *patternParser) path() (stixKind, error) {
	if p.token.kind != tokenWord {
		return 0, p.unexpected("an object path")
	}
	object := p.token.text
	if err := p.advance(); err != nil {
		return 0, err
	}
	if err := p.expect(":"); err != nil {
		return 0, err
	}
	property := p.token.text
	if err := p.property(); err != nil {
		return 0, err
	}
	kind := stixKinds[string(object)+":"+string(property)]
	for {
		switch {
		case p.is("."):
			if err := p.advance(); err != nil {
				return 0, err
			}
			if err := p.property(); err != nil {
				return 0, err
			}
		case p.is("["):
			if err := p.step(); err != nil {
				return 0, err
			}
		default:
			return kind, nil
		}
		kind = stixOther
	}
}

func (p *patternParser) property() error {
	if p.token.kind != tokenWord && p.token.kind != tokenText {
		return p.unexpected("a property")
	}
	return p.advance()
}

// step reads `[0]` or `[*]`.
func (p *patternParser) step() error {
	if err := p.advance(); err != nil {
		return err
	}
	if p.token.kind != tokenNumber && !p.is("*") {
		return p.unexpected("an index")
	}
	if err := p.advance(); err != nil {
		return err
	}
	return p.expect("]")
}

// test reads what follows a path.
func (p *patternParser) test(kind stixKind) error {
	negated, err := p.accept("NOT")
	if err != nil {
		return err
	}
	why := Skip(0)
	switch operator := string(p.token.text); {
	case p.token.kind != tokenWord && p.token.kind != tokenSign:
		return p.unexpected("a comparison")
	case operator == "=", operator == "==":
	case operator == "IN":
		return p.set(kind, negated)
	case operator == "ISSUBSET":
		if kind != stixAddress {
			why = SkipCondition
		}
	case operator == "LIKE":
		why = SkipPattern
	case operator == "MATCHES":
		why = SkipRegex
	case operator == "!=", operator == "<>", operator == "<", operator == ">", operator == "<=", operator == ">=", operator == "ISSUPERSET":
		why = SkipCondition
	default:
		return p.unexpected("a comparison")
	}
	if negated {
		why = SkipCondition
	}
	if err := p.advance(); err != nil {
		return err
	}
	return p.operand(kind, why)
}

// set reads the parenthesized operands of IN, each of which is enough.
func (p *patternParser) set(kind stixKind, negated bool) error {
	why, start := Skip(0), len(p.found)
	if negated {
		why = SkipCondition
	}
	if err := p.advance(); err != nil {
		return err
	}
	if err := p.expect("("); err != nil {
		return err
	}
	for {
		if err := p.operand(kind, why); err != nil {
			return err
		}
		if more, err := p.accept(","); err != nil || !more {
			if negated || kind == stixOther {
				p.found = append(p.found[:start], alternative{why: whyNot(kind, why)})
			}
			if err != nil {
				return err
			}
			return p.expect(")")
		}
	}
}

// operand reads a literal and notes it as an alternative, unless why says that it is none.
func (p *patternParser) operand(kind stixKind, why Skip) error {
	value, isText := p.token.text, p.token.kind == tokenText
	switch {
	case isText, p.token.kind == tokenNumber, p.is("true"), p.is("false"):
	case p.is("t"), p.is("h"), p.is("b"): // a time, or bytes in hex or base64
		if err := p.advance(); err != nil {
			return err
		}
		if p.token.kind != tokenText {
			return p.unexpected("a literal")
		}
	default:
		return p.unexpected("a literal")
	}
	if kind == stixOther {
		why = SkipOtherType
	}
	if why == 0 && !isText {
		return p.unexpected("text in quotes")
	}
	p.found = append(p.found, alternative{kind, value, why})
	return p.advance()
}
