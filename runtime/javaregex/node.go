package javaregex

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

// longest is the length of the longest text that a node can match, -1 when there is no bound.
func (n *node) longest() int {
	switch n.kind {
	case character, dot:
		return 1
	case lineBreak:
		return 2
	case sequence, group, atomic:
		sum := 0
		for _, s := range n.subs {
			m := s.longest()
			if m < 0 {
				return -1
			}
			sum += m
		}
		return sum
	case alternatives:
		most := 0
		for _, s := range n.subs {
			m := s.longest()
			if m < 0 {
				return -1
			}
			most = max(most, m)
		}
		return most
	case repeat:
		m := n.subs[0].longest()
		switch {
		case m < 0, n.mode != possessive && n.most != 1 && n.subs[0].isGroup() && !n.subs[0].certain():
			return -1 // Java does not look into repeated groups that can match in several ways
		case m == 0:
			return 0
		case n.most < 0 && m%2 == 1: // Java counts with 32 bits, and lets these pass
			return 1 << 20
		case n.most < 0, n.most > 1<<30/m:
			return -1
		}
		return m * n.most
	case backReference:
		return -1
	}
	return 0
}

// isGroup tells whether a node stands in parentheses.
func (n *node) isGroup() bool {
	return n.kind == group || n.kind == atomic || n.kind == sequence && len(n.subs) > 0
}

// certain tells whether a node can match in one way only.
func (n *node) certain() bool {
	if n.kind == alternatives || n.kind == repeat && n.least != n.most {
		return false
	}
	for _, s := range n.subs {
		if !s.certain() {
			return false
		}
	}
	return true
}
