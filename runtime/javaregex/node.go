package javaregex

import "math"

// node is a piece of an expression.
type node struct {
	kind kind
	set  set     // of a character
	subs []*node // of a sequence, of alternatives; one of a group or repeat
	// least and most bound a repeat; most -1 is no bound. mode is how it tries.
	least, most int
	mode        mode
	// group is the number of a capturing group or of the group that a back reference means. fold makes a reference
	// match in any case.
	group int
	fold  bool
	multi bool // ^ and $ match at lines
	unix  bool // only \n ends a line
}

type kind uint8

const (
	sequence kind = iota
	alternatives
	character
	dot
	group // captures
	ahead
	notAhead
	behind
	notBehind
	atomic
	repeat
	backReference
	caret
	dollar
	begin
	end
	boundary
	notBoundary
	lineBreak
)

type mode uint8

const (
	greedy mode = iota
	lazy
	possessive
)

// reach is how long a text Java thinks an expression can match, up to some place: it counts with 32 bits that wrap, and
// begins anew behind alternatives.
type reach struct {
	before, sum int32 // up to the last alternatives, and from there
	unbounded   bool
}

// reach goes on counting with a node.
func (n *node) reach(r reach) reach {
	switch n.kind {
	case character, dot:
		r.sum++
	case lineBreak:
		r.sum += 2
	case sequence, group, atomic:
		for _, s := range n.subs {
			r = s.reach(r)
		}
	case alternatives:
		return r.either(n.subs...)
	case repeat:
		return n.reachRepeated(r)
	case backReference:
		r.unbounded = true
	}
	return r
}

// either goes on counting with the longest of several nodes.
func (r reach) either(nodes ...*node) reach {
	most := int32(-1)
	for _, n := range nodes {
		one := n.reach(reach{})
		most = max(most, one.before+one.sum)
		r.unbounded = r.unbounded || one.unbounded
	}
	return reach{before: r.before + r.sum + most, unbounded: r.unbounded}
}

func (n *node) reachRepeated(r reach) reach {
	sub := n.subs[0]
	switch {
	case n.least == 0 && n.most == 1 && sub.isGroup() && n.mode != possessive:
		return r.either(sub, &node{kind: sequence})
	case n.least == 0 && n.most == 1:
		return sub.reach(r)
	case n.most < 0 && n.mode == greedy && (sub.kind == character || sub.kind == dot):
		r.sum += math.MaxInt32
		return r
	case n.mode != possessive && sub.isGroup() && !sub.certain():
		r.unbounded = true // Java does not look into repeated groups that can match in several ways
		return r
	}
	most := int32(math.MaxInt32)
	if n.most >= 0 {
		most = int32(n.most)
	}
	one := sub.reach(reach{})
	sum := (one.before+one.sum)*most + r.sum
	r.unbounded = r.unbounded || one.unbounded || sum < r.sum
	r.sum = sum
	return r
}

// isGroup tells whether a node stands in parentheses.
func (n *node) isGroup() bool {
	return n.kind == group || n.kind == sequence && len(n.subs) > 0
}

// certain tells whether a node can match in one way only.
func (n *node) certain() bool {
	switch n.kind {
	case ahead, notAhead, behind, notBehind:
		return true // Java does not look into them
	case alternatives:
		return false
	case repeat:
		if n.least != n.most {
			return false
		}
	}
	for _, s := range n.subs {
		if !s.certain() {
			return false
		}
	}
	return true
}
