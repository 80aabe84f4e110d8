package table

import (
	"maps"
	"slices"
	"sort"
)

// An update is a parsed update expression.
type update struct {
	set     []assignment
	remove  []path
	add     []setChange
	del     []setChange
	touched []path // every path it changes, in the order written
}

// An assignment is one action of a SET clause.
type assignment struct {
	path path
	term term
}

// A setChange is one action of an ADD or DELETE clause.
type setChange struct {
	path  path
	value value
}

// A term is the right-hand side of an assignment.
type term interface {
	// eval computes the term from the item as it was before the update.
	eval(it item) (value, error)
}

type (
	literalTerm struct{ v value }
	pathTerm    struct{ path path }
	defaultTerm struct { // if_not_exists
		path path
		term term
	}
	appendTerm struct{ left, right term }
	sumTerm    struct {
		left, right term
		minus       bool
	}
)

func (t literalTerm) eval(item) (value, error) { return t.v, nil }

func (t pathTerm) eval(it item) (value, error) {
	v, ok := t.path.find(it)
	if !ok {
		return value{}, invalid("The provided expression refers to an attribute that does not exist in the item")
	}
	return v, nil
}

func (t defaultTerm) eval(it item) (value, error) {
	// The other operand must be good even where it is not needed.
	otherwise, err := t.term.eval(it)
	if v, ok := t.path.find(it); ok && err == nil {
		return v, nil
	}
	return otherwise, err
}

func (t appendTerm) eval(it item) (value, error) {
	l, r, err := evalBoth(t.left, t.right, it, kindL)
	if err != nil {
		return value{}, err
	}
	return value{kind: kindL, list: slices.Concat(l.list, r.list)}, nil
}

func (t sumTerm) eval(it item) (value, error) {
	l, r, err := evalBoth(t.left, t.right, it, kindN)
	if err != nil {
		return value{}, err
	}
	n := r.number()
	if t.minus {
		n = n.negated()
	}
	sum, err := l.number().plus(n)
	return value{kind: kindN, text: sum.String()}, err
}

func wrongOperand() error {
	return invalid("An operand in the update expression has an incorrect data type")
}

func badPath() error {
	return invalid("The document path provided in the update expression is invalid for update")
}

func evalBoth(left, right term, it item, want kind) (l, r value, err error) {
	if l, err = left.eval(it); err != nil {
		return l, r, err
	}
	if r, err = right.eval(it); err != nil {
		return l, r, err
	}
	if l.kind != want || r.kind != want {
		err = wrongOperand()
	}
	return l, r, err
}

// apply makes the item after the update; before is left as it is. The order is the service's: everything is computed from before, then
// values are set, added and deleted, and removals count list indices as they were before.
func (u *update) apply(before item) (item, error) {
	after := make(item, len(before)+len(u.set))
	maps.Copy(after, before)
	computed := make([]setChange, len(u.set))
	for i, a := range u.set {
		v, err := a.term.eval(before)
		if err != nil {
			return nil, err
		}
		computed[i] = setChange{a.path, v}
	}
	// Indices beyond the end append in their own order.
	sort.SliceStable(computed, func(i, j int) bool { return computed[i].path.before(computed[j].path) })
	for _, c := range computed {
		if err := after.put(c.path, func(value, bool) (value, error) { return c.value, nil }); err != nil {
			return nil, err
		}
	}
	for _, c := range u.add {
		if err := after.put(c.path, c.added); err != nil {
			return nil, err
		}
	}
	return after, u.takeAway(after)
}

// takeAway is the half of apply that makes an item smaller.
func (u *update) takeAway(after item) error {
	gone := slices.Clone(u.remove)
	for _, c := range u.del {
		old, ok := c.path.find(after)
		if !ok {
			if !c.path.possible(after) {
				return badPath()
			}
			continue
		}
		rest, err := c.deleted(old)
		if err != nil {
			return err
		}
		if len(rest.set) == 0 {
			gone = append(gone, c.path)
		} else if err := after.put(c.path, func(value, bool) (value, error) { return rest, nil }); err != nil {
			return err
		}
	}
	// From the end of a list to its start, so that no removal moves what another one means.
	sort.SliceStable(gone, func(i, j int) bool { return gone[j].before(gone[i]) })
	for _, where := range gone {
		if err := after.remove(where); err != nil {
			return err
		}
	}
	return nil
}

// possible tells whether the item has the list or map that what the path leads to would be in.
func (p path) possible(it item) bool {
	if len(p) == 1 {
		return true
	}
	v, ok := p[:len(p)-1].find(it)
	return ok && v.kind == p[len(p)-1].container()
}

func (c setChange) added(old value, ok bool) (value, error) {
	switch {
	case !ok:
		return c.value, nil
	case old.kind != c.value.kind:
		return value{}, wrongOperand()
	case old.kind == kindN:
		sum, err := old.number().plus(c.value.number())
		return value{kind: kindN, text: sum.String()}, err
	}
	set := slices.Clone(old.set)
	for _, text := range c.value.set {
		if !slices.Contains(old.set, text) {
			set = append(set, text)
		}
	}
	return value{kind: old.kind, set: set}, nil
}

func (c setChange) deleted(old value) (value, error) {
	if old.kind != c.value.kind {
		return value{}, wrongOperand()
	}
	rest := value{kind: old.kind}
	for _, text := range old.set {
		if !slices.Contains(c.value.set, text) {
			rest.set = append(rest.set, text)
		}
	}
	return rest, nil
}

// put replaces what the path leads to by what change makes of it, copying every container on the way. The item itself is changed in place.
func (it item) put(where path, change func(old value, ok bool) (value, error)) error {
	old, ok := it[where[0].name]
	v, err := old.with(ok, where[1:], change)
	if err == nil {
		it[where[0].name] = v
	}
	return err
}

// with is put for the inside of a value; ok tells whether there is a value.
func (v value) with(ok bool, rest path, change func(old value, ok bool) (value, error)) (value, error) {
	if len(rest) == 0 {
		return change(v, ok)
	}
	step := rest[0]
	if want := step.container(); !ok || v.kind != want {
		return value{}, badPath()
	}
	old, found := v.step(step)
	next, err := old.with(found, rest[1:], change)
	if err != nil {
		return value{}, err
	}
	if step.index < 0 {
		m := make(map[string]value, len(v.m)+1)
		maps.Copy(m, v.m)
		m[step.name] = next
		return value{kind: kindM, m: m}, nil
	}
	list := slices.Clone(v.list)
	if found {
		list[step.index] = next
	} else {
		list = append(list, next)
	}
	return value{kind: kindL, list: list}, nil
}

// container is the type of value a segment steps into.
func (s segment) container() kind {
	if s.index < 0 {
		return kindM
	}
	return kindL
}

// remove takes away what the path leads to, which need not be there; the container it would be in must.
func (it item) remove(where path) error {
	last := where[len(where)-1]
	if len(where) == 1 {
		delete(it, last.name)
		return nil
	}
	return it.put(where[:len(where)-1], func(old value, ok bool) (value, error) {
		if !ok || old.kind != last.container() {
			return value{}, badPath()
		}
		if _, found := old.step(last); !found {
			return old, nil
		}
		if last.index >= 0 {
			return value{kind: kindL, list: slices.Delete(slices.Clone(old.list), last.index, last.index+1)}, nil
		}
		m := make(map[string]value, len(old.m))
		for name, x := range old.m {
			if name != last.name {
				m[name] = x
			}
		}
		return value{kind: kindM, m: m}, nil
	})
}
