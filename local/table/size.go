package table

import "strings"

const (
	maxItem = 400 << 10 // bytes of one item, attribute names included
	maxPage = 1 << 20   // bytes looked at by one Query or Scan
)

// size is what the item counts against the item limit, the page limit and the capacity, by the documented rules.
func (it item) size() int {
	n := 0
	for name, v := range it {
		n += len(name) + v.size()
	}
	return n
}

func (v value) size() int {
	n := 0
	switch v.kind {
	case kindS, kindB:
		n = len(v.text)
	case kindN:
		n = numberSize(v.text)
	case kindBool, kindNull:
		n = 1
	case kindL:
		n = 3
		for _, x := range v.list {
			n += 1 + x.size()
		}
	case kindM:
		n = 3
		for name, x := range v.m {
			n += 1 + len(name) + x.size()
		}
	default:
		for _, text := range v.set {
			if v.kind == kindNS {
				n += numberSize(text)
			} else {
				n += len(text)
			}
		}
	}
	return n
}

// numberSize is a byte for every two significant digits and one more, and another for the sign.
func numberSize(text string) int {
	digits := strings.ReplaceAll(strings.TrimLeft(text, "-0."), ".", "")
	n := 1 + (len(strings.TrimRight(digits, "0"))+1)/2
	if strings.HasPrefix(text, "-") {
		n++
	}
	return n
}

// depth is how many lists and maps enclose each other in the value.
func (v value) depth() int {
	if v.kind != kindL && v.kind != kindM {
		return 0
	}
	deepest := 0
	for _, x := range v.list {
		deepest = max(deepest, x.depth())
	}
	for _, x := range v.m {
		deepest = max(deepest, x.depth())
	}
	return 1 + deepest
}
