package schema

import (
	"iter"
	"math/bits"
)

// Map is a Connect map: keys of any Connect value, each at most once by Equal. It is visited in one of Java's two orders:
// that of insertion (NewMap) or that of java.util.HashMap (NewHashMap). A nil *Map is empty and must not be written to. A Map
// is not for concurrent use while it is being filled.
type Map struct {
	slots []slot // in the order of insertion; a deleted one is dead until the next compaction
	dead  int
	// heads has the first slot of each bucket, plus one. It stays nil while a map in insertion order is small.
	heads []int32
	small [smallTable]int32 // the memory of the first heads
	size  int               // of the table; 0 stands for smallTable
	java  bool              // visited by buckets
}

// Entry is one key with its value.
type Entry struct{ Key, Value any }

type slot struct {
	Entry
	hash uint32
	next int32 // next slot of the bucket, plus one; deleted in a dead slot
}

const (
	smallTable = 16      // Java's first table
	fewEntries = 8       // up to which comparing beats hashing
	largeTable = 1 << 30 // Java's largest
	longBucket = 8       // entries of a bucket from which Java prefers a larger table,
	treeTable  = 64      // unless the table has this size
	deleted    = -1
)

// NewMap returns an empty map that is visited in the order of insertion, like Java's LinkedHashMap. n is a guess of its
// size.
func NewMap(n int) *Map { return &Map{slots: make([]slot, 0, n)} }

// MapFrom returns a map of the entries in their order. Of equal keys the last value stays, at the first place.
func MapFrom(entries []Entry) *Map {
	m := NewMap(len(entries))
	for _, e := range entries {
		m.Set(e.Key, e.Value)
	}
	return m
}

// NewHashMap returns an empty map that is visited in the order in which Java's HashMap visits its entries. capacity is
// what Java's constructor is given, which the order depends on; 0 stands for the constructor without one. Only maps with
// nine or more keys of one bucket in a large table can differ from Java in their order.
func NewHashMap(capacity int) *Map {
	m := &Map{java: true, size: smallTable}
	if capacity > 0 {
		m.size = tableFor(capacity)
	}
	m.relink()
	return m
}

// Reserve makes room for n entries in all, which spares allocations and does not change the order.
func (m *Map) Reserve(n int) {
	if n > cap(m.slots) {
		m.slots = append(make([]slot, 0, n), m.slots...)
	}
}

// HashMapOf returns a copy of m with the order of Java's new HashMap<>(m).
func HashMapOf(m *Map) *Map {
	n := m.Len()
	c := NewHashMap(max(1, (n*4+2)/3))
	c.Reserve(n)
	for k, v := range m.All() {
		c.Set(k, v)
	}
	return c
}

// tableFor is the smallest power of two that is not below n.
func tableFor(n int) int {
	if n <= 1 {
		return 1
	}
	return min(1<<bits.Len(uint(n-1)), largeTable)
}

// Clone returns a copy that is visited in the same order. Keys and values are shared.
func (m *Map) Clone() *Map {
	if m == nil {
		return NewMap(0)
	}
	c := &Map{java: m.java, size: m.size, slots: make([]slot, 0, len(m.slots)+1)}
	for s := range m.live {
		c.slots = append(c.slots, slot{Entry: s.Entry, hash: s.hash})
	}
	if m.heads != nil {
		c.relink()
	}
	return c
}

// Len is the number of entries.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.slots) - m.dead
}

// Get returns the value of a key and whether the key is there.
func (m *Map) Get(key any) (any, bool) {
	if m == nil {
		return nil, false
	}
	i := m.find(key)
	if i < 0 {
		return nil, false
	}
	return m.slots[i].Value, true
}

// Set puts a value under a key. A key that is there keeps its place.
func (m *Map) Set(key, value any) {
	if m.heads == nil && m.Len() >= fewEntries {
		m.link()
	}
	if m.heads == nil {
		if i := m.find(key); i >= 0 {
			m.slots[i].Value = value
			return
		}
		m.slots = append(m.slots, slot{Entry: Entry{key, value}})
		return
	}
	h := spread(key)
	head := &m.heads[h&uint32(len(m.heads)-1)]
	chain, last := 0, int32(0)
	for i := *head; i != 0; i = m.slots[i-1].next {
		s := &m.slots[i-1]
		if s.hash == h && Equal(s.Key, key) {
			s.Value = value
			return
		}
		last = i
		chain++
	}
	m.slots = append(m.slots, slot{Entry: Entry{key, value}, hash: h})
	if last != 0 {
		head = &m.slots[last-1].next
	}
	*head = int32(len(m.slots))
	if chain >= longBucket && len(m.heads) < treeTable {
		m.grow()
	}
	if m.Len() > len(m.heads)*3/4 {
		m.grow()
	}
}

// Delete removes a key and tells whether it was there.
func (m *Map) Delete(key any) bool {
	if m == nil {
		return false
	}
	i := m.find(key)
	if i < 0 {
		return false
	}
	if m.heads == nil {
		m.slots = append(m.slots[:i], m.slots[i+1:]...)
		return true
	}
	s := &m.slots[i]
	at := &m.heads[s.hash&uint32(len(m.heads)-1)]
	for *at != int32(i+1) {
		at = &m.slots[*at-1].next
	}
	*at = s.next
	*s = slot{next: deleted}
	m.dead++
	if m.dead > smallTable && m.dead > len(m.slots)/2 {
		m.compact()
	}
	return true
}

// All visits the entries in the map's order. The map must not change meanwhile, but for the value of the key at hand.
func (m *Map) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		for s := range m.live {
			if !yield(s.Key, s.Value) {
				return
			}
		}
	}
}

// live visits the slots in the map's order.
func (m *Map) live(yield func(*slot) bool) {
	if m == nil {
		return
	}
	if !m.java {
		for i := range m.slots {
			if m.slots[i].next != deleted && !yield(&m.slots[i]) {
				return
			}
		}
		return
	}
	for _, i := range m.heads {
		for i != 0 {
			s := &m.slots[i-1]
			i = s.next
			if !yield(s) {
				return
			}
		}
	}
}

// find returns the slot of a key, or -1.
func (m *Map) find(key any) int {
	if m.heads == nil {
		if k, ok := key.(string); ok {
			for i := range m.slots {
				if s, ok := m.slots[i].Key.(string); ok && s == k {
					return i
				}
			}
			return -1
		}
		for i := range m.slots {
			if Equal(m.slots[i].Key, key) {
				return i
			}
		}
		return -1
	}
	h := spread(key)
	for i := m.heads[h&uint32(len(m.heads)-1)]; i != 0; i = m.slots[i-1].next {
		if s := &m.slots[i-1]; s.hash == h && Equal(s.Key, key) {
			return int(i - 1)
		}
	}
	return -1
}

// link begins the table of a map that was small.
func (m *Map) link() {
	for i := range m.slots {
		m.slots[i].hash = spread(m.slots[i].Key)
	}
	m.size = max(smallTable, tableFor(len(m.slots)*2))
	m.relink()
}

// grow doubles the table. The entries of a bucket keep their order among each other, as in Java.
func (m *Map) grow() {
	if m.size >= largeTable {
		return
	}
	m.size *= 2
	if m.java {
		m.compact()
		return
	}
	m.relink()
}

// compact drops the dead slots and brings the others into the map's order.
func (m *Map) compact() {
	kept := make([]slot, 0, max(m.Len()+1, cap(m.slots)))
	for s := range m.live {
		kept = append(kept, slot{Entry: s.Entry, hash: s.hash})
	}
	m.slots, m.dead = kept, 0
	m.relink()
}

// relink makes the chains anew, each in the order of the slots.
func (m *Map) relink() {
	if m.size <= smallTable {
		m.small = [smallTable]int32{}
		m.heads = m.small[:m.size]
	} else {
		m.heads = make([]int32, m.size)
	}
	mask := uint32(m.size - 1)
	for i := len(m.slots) - 1; i >= 0; i-- {
		s := &m.slots[i]
		if s.next == deleted {
			continue
		}
		at := &m.heads[s.hash&mask]
		s.next, *at = *at, int32(i+1)
	}
}

// spread is the hash by which Java chooses a bucket.
func spread(key any) uint32 {
	h := hashOf(key)
	return h ^ h>>16
}
