package table

import "slices"

// parseUpdate reads an update expression; nil text is an update that changes nothing.
func parseUpdate(s *scope, text *string) (*update, error) {
	u := &update{}
	if text == nil {
		return u, nil
	}
	p, err := newParser(s, "UpdateExpression", *text)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for first := true; first || p.peek().kind != tokenEnd; first = false {
		if err := p.section(u, seen); err != nil {
			return nil, err
		}
	}
	for i, a := range u.touched {
		for _, b := range u.touched[i+1:] {
			if clash := a.clash(b); clash != "" {
				return nil, p.fail("Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", clash, a, b)
			}
		}
	}
	return u, nil
}

// section reads one clause: its keyword and its actions.
func (p *parser) section(u *update, seen map[string]bool) error {
	for _, s := range [...]struct {
		name   string
		action func(*update) error
	}{{"SET", p.assignment}, {"REMOVE", p.removal}, {"ADD", p.addition}, {"DELETE", p.deletion}} {
		if !p.accept(s.name) {
			continue
		}
		if seen[s.name] {
			return p.fail("The \"%s\" section can only be used once in an update expression;", s.name)
		}
		seen[s.name] = true
		for {
			if err := s.action(u); err != nil {
				return err
			}
			if !p.accept(",") {
				return nil
			}
		}
	}
	return p.unexpected()
}

// target reads the path an action changes.
func (p *parser) target(u *update) (path, error) {
	where, err := p.path()
	if err == nil {
		u.touched = append(u.touched, where)
	}
	return where, err
}

func (p *parser) assignment(u *update) error {
	where, err := p.target(u)
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	t, err := p.sum()
	u.set = append(u.set, assignment{where, t})
	return err
}

func (p *parser) removal(u *update) error {
	where, err := p.target(u)
	u.remove = append(u.remove, where)
	return err
}

func (p *parser) addition(u *update) error {
	c, err := p.setChange(u, "ADD", func(k kind) bool { return k == kindN || k.isSet() })
	u.add = append(u.add, c)
	return err
}

func (p *parser) deletion(u *update) error {
	c, err := p.setChange(u, "DELETE", kind.isSet)
	u.del = append(u.del, c)
	return err
}

func (p *parser) setChange(u *update, clause string, allowed func(kind) bool) (setChange, error) {
	where, err := p.target(u)
	if err != nil {
		return setChange{}, err
	}
	v, err := p.value()
	if err == nil && !allowed(v.kind) {
		err = p.fail("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND", clause, v.kind.word(), clause)
	}
	return setChange{where, v}, err
}

// sum reads a term, or two of them with + or - between.
func (p *parser) sum() (term, error) {
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	operator := p.peek()
	if !operator.is("+") && !operator.is("-") {
		return left, nil
	}
	p.at++
	right, err := p.term()
	if err != nil {
		return nil, err
	}
	return sumTerm{left, right, operator.is("-")}, p.allOf(kindN, operator.text, left, right)
}

// allOf rejects literals of another type.
func (p *parser) allOf(want kind, operator string, terms ...term) error {
	for _, t := range terms {
		if l, ok := t.(literalTerm); ok && l.v.kind != want {
			return p.wrongType(operator, l.v.kind)
		}
	}
	return nil
}

func (p *parser) term() (term, error) {
	switch {
	case p.accept("("):
		nested := p.peek().is("(")
		t, err := p.sum()
		if err != nil {
			return nil, err
		}
		if _, both := t.(sumTerm); nested && !both {
			return nil, p.fail("The expression has redundant parentheses;")
		}
		return t, p.expect(")")
	case p.atCall():
		return p.function()
	case p.peek().kind == tokenValue:
		v, err := p.value()
		return literalTerm{v}, err
	}
	where, err := p.path()
	return pathTerm{where}, err
}

// function reads a call on the right-hand side of an assignment.
func (p *parser) function() (term, error) {
	name := p.next().text
	if name != "if_not_exists" && name != "list_append" {
		if slices.Contains([]string{"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"}, name) {
			return nil, p.fail("The function is not allowed in an update expression; function: %s", name)
		}
		return nil, p.fail("Invalid function name; function: %s", name)
	}
	var args []term
	for open := "("; ; open = "," {
		if len(args) > 0 && p.accept(")") {
			break
		}
		if err := p.expect(open); err != nil {
			return nil, err
		}
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		args = append(args, t)
	}
	if len(args) != 2 {
		return nil, p.fail("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
	}
	if name == "list_append" {
		return appendTerm{args[0], args[1]}, p.allOf(kindL, name, args...)
	}
	where, ok := args[0].(pathTerm)
	if !ok {
		return nil, p.fail("Operator or function requires a document path; operator or function: %s", name)
	}
	if second, ok := args[1].(pathTerm); ok && slices.Equal(where.path, second.path) {
		return nil, p.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", name, where.path)
	}
	return defaultTerm{where.path, args[1]}, nil
}
