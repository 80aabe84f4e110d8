package schema_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/schema"
)

func keys(m *schema.Map) []any {
	var all []any
	for k := range m.All() {
		all = append(all, k)
	}
	return all
}

// The orders are those that a Java HashMap shows.
func TestNewHashMap_VisitsInJavaOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		put, want []any
	}{
		{"grown", numbered("k", 13), []any{"k1", "k2", "k3", "k4", "k5", "k11", "k6", "k10", "k7", "k13", "k8", "k12", "k9"}},
		{"one bucket", []any{"AaAa", "BBBB", "AaBB", "BBAa"}, []any{"AaAa", "BBBB", "AaBB", "BBAa"}},
		{"ints", []any{int32(17), int32(3), int32(1), int32(0)}, []any{int32(0), int32(17), int32(1), int32(3)}},
		{"longs", []any{int64(-1), int64(5), int64(1) << 32}, []any{int64(-1), int64(1) << 32, int64(5)}},
		{"booleans", []any{true, false}, []any{false, true}},
		{"doubles", []any{0.1, 1.0, 2.0}, []any{1.0, 2.0, 0.1}},
		{"decimals", []any{schema.NewDecimal(10, 1), schema.NewDecimal(1, 0)}, []any{schema.NewDecimal(10, 1), schema.NewDecimal(1, 0)}},
		{"null", []any{"a", nil}, []any{nil, "a"}},
		{"umlauts and emoji", []any{"ü", "😀", "é"}, []any{"😀", "é", "ü"}},
	} {
		m := schema.NewHashMap(0)
		for _, k := range c.put {
			m.Set(k, true)
		}
		if got := keys(m); !slices.EqualFunc(got, c.want, schema.Equal) {
			t.Errorf("%s: visited %v, want %v", c.name, got, c.want)
		}
	}
}

func numbered(prefix string, n int) []any {
	var all []any
	for i := range n {
		all = append(all, fmt.Sprint(prefix, i+1))
	}
	return all
}

// A bucket with nine entries makes Java double a small table before it is three quarters full.
func TestNewHashMap_GrowsWhenABucketIsLong(t *testing.T) {
	t.Parallel()
	m := schema.NewHashMap(0)
	for i := range int32(9) {
		m.Set(i*16, nil)
	}
	want := []any{int32(0), int32(32), int32(64), int32(96), int32(128), int32(16), int32(48), int32(80), int32(112)}
	if diff := cmp.Diff(want, keys(m)); diff != "" {
		t.Errorf("the order differs (-want +got):\n%s", diff)
	}
}

func TestHashMapOf_HasTheTableOfItsSize(t *testing.T) {
	t.Parallel()
	m := schema.NewMap(0)
	for _, k := range []int32{20, 3} {
		m.Set(k, nil)
	}
	// Two entries need a table of four, in which 20 comes before 3; a table of sixteen has them the other way round.
	if got := keys(schema.HashMapOf(m)); !slices.EqualFunc(got, []any{int32(20), int32(3)}, schema.Equal) {
		t.Errorf("visited %v, want 20 before 3", got)
	}
	h := schema.NewHashMap(0)
	h.Set(int32(20), nil)
	h.Set(int32(3), nil)
	if got := keys(h); !slices.EqualFunc(got, []any{int32(3), int32(20)}, schema.Equal) {
		t.Errorf("visited %v, want 3 before 20", got)
	}
}

// Both kinds of map are compared to a plain list of entries while keys of many types come and go.
func TestMap_AgreesWithAListOfEntries(t *testing.T) {
	t.Parallel()
	for _, java := range []bool{false, true} {
		m := schema.NewMap(0)
		if java {
			m = schema.NewHashMap(0)
		}
		var model []schema.Entry
		for i := range 5000 {
			k := key(i * 7919 % 389)
			at := slices.IndexFunc(model, func(e schema.Entry) bool { return schema.Equal(e.Key, k) })
			if i%3 == 2 {
				if got := m.Delete(k); got != (at >= 0) {
					t.Fatalf("step %d: Delete(%v) = %v", i, k, got)
				}
				if at >= 0 {
					model = slices.Delete(model, at, at+1)
				}
			} else {
				m.Set(k, i)
				if at >= 0 {
					model[at].Value = i
				} else {
					model = append(model, schema.Entry{Key: k, Value: i})
				}
			}
			if m.Len() != len(model) {
				t.Fatalf("step %d: Len() = %d, want %d", i, m.Len(), len(model))
			}
		}
		checkModel(t, m, model, !java)
		checkModel(t, m.Clone(), model, !java)
	}
}

func key(i int) any {
	switch i % 6 {
	case 0:
		return int64(i)
	case 1:
		return float64(i) / 3
	case 2:
		return []any{"list", int32(i)}
	case 3:
		return schema.Instant(int64(i) * 1000)
	case 4:
		return schema.NewDecimal(int64(i), 3)
	default:
		return fmt.Sprint("key", i)
	}
}

func checkModel(t *testing.T, m *schema.Map, model []schema.Entry, ordered bool) {
	t.Helper()
	for _, e := range model {
		if v, ok := m.Get(e.Key); !ok || v != e.Value {
			t.Errorf("Get(%v) = %v, %v, want %v", e.Key, v, ok, e.Value)
		}
	}
	visited := keys(m)
	if len(visited) != len(model) {
		t.Errorf("visited %d entries, want %d", len(visited), len(model))
	}
	for i := range min(len(visited), len(model)) {
		if ordered && !schema.Equal(visited[i], model[i].Key) {
			t.Errorf("visited %v at place %d, want %v", visited[i], i, model[i].Key)
		}
	}
}

func TestMap_NilIsEmpty(t *testing.T) {
	t.Parallel()
	var m *schema.Map
	if _, ok := m.Get("a"); ok || m.Len() != 0 || m.Delete("a") || len(keys(m)) != 0 {
		t.Error("a nil map has entries")
	}
}

func TestMap_KeepsTimesByTheirMilliseconds(t *testing.T) {
	t.Parallel()
	m := schema.NewMap(0)
	m.Set(time.Unix(1, 1), "a")
	m.Set(time.Unix(1, 2).UTC(), "b")
	if v, _ := m.Get(schema.Instant(1000)); m.Len() != 1 || v != "b" {
		t.Errorf("the map is %s, want one entry with b", schema.Text(m))
	}
}

func TestMap_AllocationBudget(t *testing.T) {
	m := schema.NewHashMap(0)
	m.Set("a", "1")
	m.Set("b", "2")
	var found any
	if n := testing.AllocsPerRun(100, func() {
		found, _ = m.Get("b")
		for k := range m.All() {
			found = k
		}
	}); n > 0 {
		t.Errorf("looking up and visiting allocates %v times, want none; last saw %v", n, found)
	}
	if n := testing.AllocsPerRun(100, func() {
		m := schema.NewHashMap(0)
		m.Reserve(2)
		m.Set("a", "1")
		m.Set("b", "2")
		found = m
	}); n > 2 {
		t.Errorf("a small map takes %v allocations, want at most 2", n)
	}
}
