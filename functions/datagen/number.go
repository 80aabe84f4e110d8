package datagen

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

func (a *avro) integers() (maker, error) {
	if _, ok := a.args["range"]; !ok {
		if a.kind == "int" {
			return func(r *run) any { return a.integer(int64(r.int32())) }, nil
		}
		return func(r *run) any { return a.integer(r.int64()) }, nil
	}
	o, ok := a.args["range"].(map[string]any)
	if !ok {
		return nil, errors.New("range must be an object")
	}
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	if a.kind == "int" {
		least, most = math.MinInt32, math.MaxInt32
	}
	low, err := a.member(o, "range", "min", least)
	if err != nil {
		return nil, err
	}
	high, err := a.member(o, "range", "max", most)
	if err != nil {
		return nil, err
	}
	if low >= high {
		return nil, errors.New("'min' field must be strictly less than 'max' field in range property")
	}
	span := float64(high) - float64(low)
	return func(r *run) any {
		// In two's complement this is right even where the span is more than an int64 can hold.
		n := low + int64(uint64(r.float64()*span))
		return a.integer(min(max(n, low), high-1))
	}, nil
}

// member reads a whole number of a property that fits the type.
func (a *avro) member(o map[string]any, prop, name string, def int64) (int64, error) {
	v, ok := o[name]
	if !ok {
		return def, nil
	}
	n, ok := v.(json.Number)
	i, err := n.Int64()
	if !ok || err != nil || a.kind == "int" && i != int64(int32(i)) {
		return 0, fmt.Errorf("'%s' field of %s property must be a number that a type %s can have, and %v is not", name, prop, a.kind, v)
	}
	return i, nil
}

func (a *avro) decimals() (maker, error) {
	if _, ok := a.args["range"]; !ok {
		if a.kind == "float" {
			return func(r *run) any { return r.float32() }, nil
		}
		return func(r *run) any { return r.float64() }, nil
	}
	if a.kind == "float" {
		low, high, err := a.bounds(-math.MaxFloat32, math.MaxFloat32)
		return func(r *run) any { return float32(low) + r.float32()*(float32(high)-float32(low)) }, err
	}
	low, high, err := a.bounds(-math.MaxFloat64, math.MaxFloat64)
	return func(r *run) any { return low + r.float64()*(high-low) }, err
}

// bounds reads the range of a number with decimals.
func (a *avro) bounds(least, most float64) (low, high float64, err error) {
	low, high = least, most
	v, given := a.args["range"]
	if !given {
		return low, high, nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		return 0, 0, errors.New("range must be an object")
	}
	if low, err = decimal(o, "range", "min", least); err != nil {
		return 0, 0, err
	}
	if high, err = decimal(o, "range", "max", most); err != nil {
		return 0, 0, err
	}
	if low >= high {
		return 0, 0, errors.New("'min' field must be strictly less than 'max' field in range property")
	}
	return low, high, nil
}

func decimal(o map[string]any, prop, name string, def float64) (float64, error) {
	v, ok := o[name]
	if !ok {
		return def, nil
	}
	n, ok := v.(json.Number)
	f, err := n.Float64()
	if !ok || err != nil {
		return 0, fmt.Errorf("'%s' field of %s property must be a number, and %v is not", name, prop, v)
	}
	return f, nil
}

// counter compiles the property iteration. Every value follows from the number of the record, so that a task goes on
// where it stopped. A value that is made several times for one record, in an array say, counts on within it.
func (a *avro) counter(v any) (maker, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("iteration must be an object")
	}
	if o["start"] == nil {
		return nil, errors.New("iteration must have a start")
	}
	var nth func(n int64) any
	var err error
	switch a.kind {
	case "boolean":
		nth, err = toggles(o)
	case "int", "long":
		var whole func(n int64) int64
		whole, err = a.steps(o)
		nth = func(n int64) any { return a.integer(whole(n)) }
	case "string":
		nth, err = a.numberedTexts(o)
	case "float", "double":
		nth, err = a.decimalSteps(o)
	default:
		err = fmt.Errorf("iteration can only be given for numbers, booleans and strings, not for a type %s", a.kind)
	}
	if err != nil {
		return nil, err
	}
	record, extra := int64(-1), int64(0)
	return func(r *run) any {
		if extra++; r.record != record {
			record, extra = r.record, 0
		}
		return nth(record + extra)
	}, nil
}

func toggles(o map[string]any) (func(n int64) any, error) {
	start, ok := o["start"].(bool)
	if !ok || o["restart"] != nil || o["step"] != nil {
		return nil, errors.New("iteration of a boolean must have a start that is true or false, and neither restart nor step")
	}
	return func(n int64) any { return start == (n&1 == 0) }, nil
}

func (a *avro) numberedTexts(o map[string]any) (func(n int64) any, error) {
	prefix, _ := a.args["prefix"].(string)
	suffix, _ := a.args["suffix"].(string)
	number, err := (&avro{kind: "long"}).steps(o)
	return func(n int64) any { return prefix + strconv.FormatInt(number(n), 10) + suffix }, err
}

// steps returns the n-th of the whole numbers start, start+step, …, which begin again before restart is reached: of what
// a step goes beyond it, that much is added to start.
func (a *avro) steps(o map[string]any) (func(n int64) int64, error) {
	start, err := a.member(o, "iteration", "start", 0)
	if err != nil {
		return nil, err
	}
	step, err := a.member(o, "iteration", "step", 0)
	if err != nil {
		return nil, err
	}
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	if a.kind == "int" {
		least, most = math.MinInt32, math.MaxInt32
	}
	if step < 0 {
		most = least
	}
	restart, err := a.member(o, "iteration", "restart", most)
	if err != nil {
		return nil, err
	}
	if step, err = direction(o, start, restart, step); err != nil {
		return nil, err
	}
	first, err := a.member(o, "iteration", "initial", start)
	if err != nil {
		return nil, err
	}
	up := step > 0
	size, by, at := distance(start, restart), distance(0, step), distance(start, first)%distance(start, restart)
	return func(n int64) int64 {
		// (at + n·by) mod size, without an overflow.
		hi, lo := bits.Mul64(uint64(n), by)
		lo, carry := bits.Add64(lo, at, 0)
		gone := int64(bits.Rem64(hi+carry, lo, size))
		if up {
			return start + gone
		}
		return start - gone
	}, nil
}

// distance is |b-a|.
func distance[N int64](a, b N) uint64 {
	if a > b {
		a, b = b, a
	}
	return uint64(b) - uint64(a)
}

// direction returns the step, which defaults to one in the direction of restart.
func direction[N int64 | float64](o map[string]any, start, restart, step N) (N, error) {
	switch {
	case start == restart:
		return 0, errors.New("start and restart fields of iteration property cannot be equal")
	case o["step"] == nil && restart > start:
		return 1, nil
	case o["step"] == nil:
		return -1, nil
	case step == 0:
		return 0, errors.New("step field of iteration property cannot be zero")
	case (restart > start) != (step > 0):
		return 0, errors.New("step field of iteration property must lead from start to restart")
	}
	return step, nil
}

func (a *avro) decimalSteps(o map[string]any) (func(n int64) any, error) {
	start, err := decimal(o, "iteration", "start", 0)
	if err != nil {
		return nil, err
	}
	step, err := decimal(o, "iteration", "step", 0)
	if err != nil {
		return nil, err
	}
	most := math.MaxFloat64
	if a.kind == "float" {
		most = math.MaxFloat32
	}
	if step < 0 {
		most = -most
	}
	restart, err := decimal(o, "iteration", "restart", most)
	if err != nil {
		return nil, err
	}
	if step, err = direction(o, start, restart, step); err != nil {
		return nil, err
	}
	first, err := decimal(o, "iteration", "initial", start)
	if err != nil {
		return nil, err
	}
	return func(n int64) any {
		v := start + math.Mod(first-start+float64(n)*step, restart-start)
		if a.kind == "float" {
			return float32(v)
		}
		return v
	}, nil
}
