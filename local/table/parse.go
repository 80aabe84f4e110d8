package table

import "slices"

// maxMembers is how many operands IN takes.
const maxMembers = 100

// parseCondition reads a condition expression; text may be nil, then there is no condition. The paths it mentions come along.
func parseCondition(s *scope, what string, text *string) (condition, []path, error) {
	if text == nil {
		return nil, nil, nil
	}
	p, err := newParser(s, what, *text)
	if err != nil {
		return nil, nil, err
	}
	n, err := p.disjunction()
	if err != nil {
		return nil, nil, err
	}
	if n.condition == nil || p.peek().kind != tokenEnd {
		return nil, nil, p.unusable(n)
	}
	return n.condition, p.paths, nil
}

// A node is what may stand between parentheses: a condition, or an operand waiting for its operator.
type node struct {
	condition condition
	operand   operand
	enclosed  bool   // in parentheses
	function  string // the function it is a bare call of
}

// unusable reports a node where it cannot stand, or what follows it.
func (p *parser) unusable(n node) error {
	if n.function != "" && (n.condition == nil || isComparator(p.peek())) {
		return p.fail("The function is not allowed to be used this way in an expression; function: %s", n.function)
	}
	return p.unexpected()
}

func isComparator(t token) bool {
	return t.kind == tokenMark && slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, t.text)
}

func (p *parser) disjunction() (node, error) {
	left, err := p.conjunction()
	for err == nil && p.peek().is("OR") {
		if left.condition == nil {
			return node{}, p.unusable(left)
		}
		p.at++
		var right node
		if right, err = p.conjunction(); err == nil {
			if right.condition == nil {
				return node{}, p.unusable(right)
			}
			left = node{condition: disjunction{left.condition, right.condition}}
		}
	}
	return left, err
}

func (p *parser) conjunction() (node, error) {
	left, err := p.negation()
	for err == nil && p.peek().is("AND") {
		if left.condition == nil {
			return node{}, p.unusable(left)
		}
		p.at++
		var right node
		if right, err = p.negation(); err == nil {
			if right.condition == nil {
				return node{}, p.unusable(right)
			}
			left = node{condition: conjunction{left.condition, right.condition}}
		}
	}
	return left, err
}

func (p *parser) negation() (node, error) {
	if !p.accept("NOT") {
		return p.comparison()
	}
	n, err := p.negation()
	if err != nil {
		return node{}, err
	}
	if n.condition == nil {
		return node{}, p.unusable(n)
	}
	return node{condition: negation{n.condition}}, nil
}

// comparison reads an operand and, if there is one, the operator that makes it a condition.
func (p *parser) comparison() (node, error) {
	n, err := p.primary()
	if err != nil || n.condition != nil {
		return n, err
	}
	var c condition
	switch t := p.peek(); {
	case isComparator(t):
		c, err = p.compare(n.operand)
	case p.accept("BETWEEN"):
		c, err = p.between(n.operand)
	case p.accept("IN"):
		c, err = p.membership(n.operand)
	default:
		return n, nil
	}
	return node{condition: c}, err
}

func (p *parser) compare(left operand) (condition, error) {
	operator := p.next().text
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.distinct(operator, left, right); err != nil {
		return nil, err
	}
	if operator != "=" && operator != "<>" {
		if err := p.ordered(operator, left, right); err != nil {
			return nil, err
		}
	}
	return comparison{operator, left, right}, nil
}

func (p *parser) between(what operand) (condition, error) {
	low, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AND"); err != nil {
		return nil, err
	}
	high, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.distinct("BETWEEN", what, low, high); err != nil {
		return nil, err
	}
	if err := p.ordered("BETWEEN", what, low, high); err != nil {
		return nil, err
	}
	if low.literal != nil && high.literal != nil {
		if low.literal.kind != high.literal.kind {
			return nil, p.fail("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: %s, upper bound operand: %s",
				low.literal.describe(), high.literal.describe())
		}
		if c, _ := low.literal.compare(*high.literal); c > 0 {
			return nil, p.fail("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: %s, upper bound operand: %s",
				low.literal.describe(), high.literal.describe())
		}
	}
	return between{what, low, high}, nil
}

func (p *parser) membership(what operand) (condition, error) {
	list, err := p.arguments()
	if err != nil {
		return nil, err
	}
	if len(list) > maxMembers {
		return nil, p.fail("The IN operator is provided with too many operands; number of operands: %d", len(list))
	}
	return membership{what, list}, p.distinct("IN", what, list...)
}

// arguments reads a parenthesised list of at least one operand.
func (p *parser) arguments() ([]operand, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var list []operand
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		list = append(list, o)
		if !p.accept(",") {
			return list, p.expect(")")
		}
	}
}

// primary reads what an operator can follow: parentheses around anything, a function call, a path or a literal.
func (p *parser) primary() (node, error) {
	if p.accept("(") {
		n, err := p.disjunction()
		if err != nil {
			return node{}, err
		}
		if !p.peek().is(")") {
			return node{}, p.unusable(n)
		}
		if n.enclosed {
			return node{}, p.fail("The expression has redundant parentheses;")
		}
		p.at++
		n.enclosed = true
		return n, nil
	}
	if p.atCall() {
		return p.call()
	}
	if p.peek().kind == tokenValue {
		v, err := p.value()
		return node{operand: operand{literal: &v}}, err
	}
	where, err := p.path()
	return node{operand: operand{path: where}}, err
}

// operand reads a primary that must not be a condition.
func (p *parser) operand() (operand, error) {
	start := p.at
	if p.accept("(") {
		// A condition cannot stand here, so nothing but an operand is looked for inside.
		nested := p.peek().is("(")
		o, err := p.operand()
		if err != nil {
			return operand{}, err
		}
		if nested {
			return operand{}, p.fail("The expression has redundant parentheses;")
		}
		return o, p.expect(")")
	}
	n, err := p.primary()
	if err == nil && n.condition != nil {
		p.at = start
		return operand{}, p.fail("The function is not allowed to be used this way in an expression; function: %s", n.function)
	}
	return n.operand, err
}

func (p *parser) atCall() bool {
	return p.peek().kind == tokenWord && !p.peek().isKeyword() && p.tokens[p.at+1].is("(")
}

// distinct rejects comparing a path with itself.
func (p *parser) distinct(operator string, first operand, rest ...operand) error {
	for _, o := range rest {
		if first.path != nil && o.path != nil && slices.Equal(first.path, o.path) {
			return p.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", operator, first.path)
		}
	}
	return nil
}

// ordered rejects literals that have no order.
func (p *parser) ordered(operator string, operands ...operand) error {
	for _, o := range operands {
		if k := o.static(); k != kindNone && !k.isOrdered() {
			return p.wrongType(operator, k)
		}
	}
	return nil
}

func (p *parser) wrongType(operator string, k kind) error {
	return p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, k.tag())
}
