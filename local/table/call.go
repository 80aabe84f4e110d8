package table

// call reads a function call of a condition.
func (p *parser) call() (node, error) {
	name := p.peek().text
	switch name {
	case "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size":
	case "if_not_exists", "list_append":
		return node{}, p.fail("The function is not allowed in a condition expression; function: %s", name)
	default:
		return node{}, p.fail("Invalid function name; function: %s", name)
	}
	p.at++
	args, err := p.arguments()
	if err != nil {
		return node{}, err
	}
	if err := p.count(name, args, conditionArity(name)); err != nil {
		return node{}, err
	}
	if name == "size" {
		o, err := p.sized(args[0])
		return node{operand: o, function: name}, err
	}
	c, err := p.predicate(name, args)
	return node{condition: c, function: name}, err
}

func conditionArity(name string) int {
	switch name {
	case "attribute_type", "begins_with", "contains":
		return 2
	}
	return 1
}

func (p *parser) count(name string, args []operand, want int) error {
	if len(args) != want {
		return p.fail("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
	}
	return nil
}

func (p *parser) sized(o operand) (operand, error) {
	if k := o.static(); k != kindNone && !hasSize(k) {
		return operand{}, p.wrongType("size", k)
	}
	return operand{sizeOf: &o}, nil
}

func (p *parser) predicate(name string, args []operand) (condition, error) {
	first := args[0]
	switch name {
	case "attribute_exists", "attribute_not_exists":
		if first.path == nil {
			return nil, p.fail("Operator or function requires a document path; operator or function: %s", name)
		}
		return existence{first.path, name == "attribute_exists"}, nil
	case "attribute_type":
		return p.typeTest(first, args[1])
	}
	if err := p.distinct(name, first, args[1]); err != nil {
		return nil, err
	}
	if name == "contains" {
		return containment{first, args[1]}, nil
	}
	for _, o := range args {
		if k := o.static(); k != kindNone && k != kindS && k != kindB {
			return nil, p.wrongType(name, k)
		}
	}
	return prefixTest{first, args[1]}, nil
}

func (p *parser) typeTest(what, tag operand) (condition, error) {
	if tag.literal == nil {
		return nil, p.fail("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: a document path")
	}
	if tag.literal.kind != kindS {
		return nil, p.wrongType("attribute_type", tag.literal.kind)
	}
	k := kindOf(tag.literal.text)
	if k == kindNone {
		return nil, p.fail("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", clip(tag.literal.text))
	}
	return typeTest{what, k}, nil
}
