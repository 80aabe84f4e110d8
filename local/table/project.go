package table

// A projection is the tree of the paths a projection expression asks for; one without branches asks for all there is below.
type projection struct {
	names   map[string]*projection
	indices map[int]*projection
}

// parseProjection reads a projection expression; nil text gives nil, which keeps items whole.
func parseProjection(s *scope, text *string) (*projection, error) {
	if text == nil {
		return nil, nil
	}
	p, err := newParser(s, "ProjectionExpression", *text)
	if err != nil {
		return nil, err
	}
	root := &projection{}
	var paths []path
	for {
		next, err := p.path()
		if err != nil {
			return nil, err
		}
		for _, earlier := range paths {
			if clash := earlier.clash(next); clash != "" {
				return nil, p.fail("Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", clash, earlier, next)
			}
		}
		paths = append(paths, next)
		root.add(next)
		if !p.accept(",") {
			break
		}
	}
	if p.peek().kind != tokenEnd {
		return nil, p.unexpected()
	}
	return root, nil
}

func (p *projection) add(where path) {
	for _, s := range where {
		if p.names == nil {
			p.names, p.indices = map[string]*projection{}, map[int]*projection{}
		}
		var next *projection
		if s.index < 0 {
			if next = p.names[s.name]; next == nil {
				next = &projection{}
				p.names[s.name] = next
			}
		} else if next = p.indices[s.index]; next == nil {
			next = &projection{}
			p.indices[s.index] = next
		}
		p = next
	}
}

// of picks out of an item what was asked for; lists close up.
func (p *projection) of(it item) item {
	if p == nil || it == nil {
		return it
	}
	picked := item{}
	for name, sub := range p.names {
		if v, ok := it[name]; ok {
			if v, ok = sub.ofValue(v); ok {
				picked[name] = v
			}
		}
	}
	return picked
}

// ofValue is of for a value; ok is false if nothing that was asked for is in it.
func (p *projection) ofValue(v value) (picked value, ok bool) {
	switch {
	case p.names == nil:
		return v, true
	case v.kind == kindM:
		m := p.of(v.m)
		return value{kind: kindM, m: m}, len(m) > 0
	}
	var list []value
	for i, x := range v.list {
		if sub := p.indices[i]; sub != nil {
			if x, ok := sub.ofValue(x); ok {
				list = append(list, x)
			}
		}
	}
	return value{kind: kindL, list: list}, len(list) > 0
}
