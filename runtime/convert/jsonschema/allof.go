package jsonschema

import (
	"github.com/sluice-connect/sluice/runtime/schema"
)

// allOf makes one schema of several that all hold: a struct of all their members, or the one of them that says the most.
func (c *toConnect) allOf(d *def, version *int32, optional bool) (*schema.Schema, error) {
	all := &members{required: map[string]bool{}, visited: map[*def]bool{}}
	for _, part := range d.parts {
		all.collect(part)
	}
	if len(all.list) > 0 {
		return c.merged(d, all, optional)
	}
	if to := d.most(); to != nil {
		return c.schema(to, version, optional)
	}
	return nil, schema.NewError("java.lang.IllegalArgumentException", "Unsupported criterion allOf for schemas that do not go together", nil)
}

func (c *toConnect) merged(d *def, all *members, optional bool) (*schema.Schema, error) {
	n := c.begin(d)
	var fields []schema.Field
	for _, m := range all.list {
		s, err := c.schema(m.def, nil, c.OptionalForNonRequired && !all.required[m.name])
		if err != nil {
			return nil, err
		}
		fields = append(fields, schema.F(m.name, s))
	}
	s, err := schema.NewStructOf(fields)
	if err != nil {
		return nil, err
	}
	s.Optional = optional
	return n.end(s), nil
}

// most is the part that decides when none of them has members.
func (d *def) most() *def {
	last := map[kind]*def{}
	var constant *def
	for _, part := range d.parts {
		if part.kind == enumeration && part.constant {
			constant = part
			continue
		}
		last[part.kind] = part
	}
	switch {
	case last[combined] != nil:
		return last[combined]
	case constant != nil:
		if last[text] != nil {
			return last[text]
		}
		return last[number]
	case last[enumeration] != nil:
		if last[text] != nil {
			return last[enumeration]
		}
		return last[number]
	case last[text] != nil && last[text].format:
		if last[number] != nil {
			return last[number]
		}
		return last[text]
	}
	return last[reference]
}

// members are those of several objects. A later one of the same name takes the earlier one's place.
type members struct {
	list     []member
	required map[string]bool
	visited  map[*def]bool
}

func (m *members) collect(d *def) {
	if d == nil || m.visited[d] {
		return
	}
	m.visited[d] = true
	switch {
	case d.kind == combined && d.criterion == "allOf":
		for _, part := range d.parts {
			m.collect(part)
		}
	case d.kind == object:
		for _, one := range d.members {
			m.set(one)
			m.required[one.name] = d.required[one.name]
		}
	case d.kind == reference:
		m.collect(d.target)
	}
}

func (m *members) set(one member) {
	for i := range m.list {
		if m.list[i].name == one.name {
			m.list[i] = one
			return
		}
	}
	m.list = append(m.list, one)
}
