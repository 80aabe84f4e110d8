package datagen

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// run is what generating one record needs: chance, and the number of the record for whatever counts.
type run struct {
	*random
	record int64
}

// maker makes values of one type. It draws from chance in the order in which the values are written.
type maker func(r *run) any

// longest bounds the length of texts, bytes, arrays and maps, because a missing maximum means two thousand million.
const longest = 1 << 20

// maker compiles a type. s is a.shape().
func (a *avro) maker(s *schema.Schema) (maker, error) {
	if options, ok := a.args["options"]; ok {
		if err := a.exclude("options", "length", "regex", "iteration", "range"); err != nil {
			return nil, err
		}
		return a.choice(options, s)
	}
	if iteration, ok := a.args["iteration"]; ok {
		if err := a.exclude("iteration", "length", "regex", "range"); err != nil {
			return nil, err
		}
		return a.counter(iteration)
	}
	switch a.kind {
	case "null":
		return func(*run) any { return nil }, nil
	case "boolean":
		return a.booleans()
	case "int", "long":
		return a.integers()
	case "float", "double":
		return a.decimals()
	case "string":
		return a.strings()
	case "enum":
		return func(r *run) any { return a.symbols[r.below(int32(len(a.symbols)))] }, nil
	case "fixed":
		return func(r *run) any {
			b := make([]byte, a.size)
			r.fill(b)
			return b
		}, nil
	case "bytes":
		return a.byteStrings()
	case "array":
		return a.arrays(s)
	case "map":
		return a.maps(s)
	case "union":
		return a.unions(s)
	}
	return a.records(s)
}

// exclude refuses properties that make no sense beside prop.
func (a *avro) exclude(prop string, others ...string) error {
	for _, o := range others {
		if _, ok := a.args[o]; ok {
			return fmt.Errorf("cannot specify %s prop when %s prop is given", o, prop)
		}
	}
	return nil
}

// choice takes one of the values in options: a list, or a file of them.
func (a *avro) choice(options any, s *schema.Schema) (maker, error) {
	list, ok := options.([]any)
	if o, isObject := options.(map[string]any); isObject {
		var err error
		if list, err = readOptions(o); err != nil {
			return nil, err
		}
	} else if !ok {
		return nil, errors.New("options must be a list, or an object that names a file")
	}
	if len(list) == 0 {
		return nil, errors.New("options must not be empty")
	}
	values := make([]any, len(list))
	for i, v := range list {
		var err error
		if values[i], err = a.literal(v, s, utf8); err != nil {
			return nil, fmt.Errorf("options: %w", err)
		}
	}
	return func(r *run) any { return values[r.below(int32(len(values)))] }, nil
}

// readOptions reads a file of JSON values.
func readOptions(o map[string]any) ([]any, error) {
	name, _ := o["file"].(string)
	encoding, _ := o["encoding"].(string)
	if name == "" || encoding == "" {
		return nil, errors.New("options must have both file and encoding when it is an object")
	}
	if encoding != "json" {
		return nil, fmt.Errorf("options: files of encoding %s are not read here, only json", encoding)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	defer f.Close()
	dec := json.NewDecoder(f)
	dec.UseNumber()
	var list []any
	for {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("options: reading %s: %w", name, err)
		}
		list = append(list, v)
	}
}

func (a *avro) strings() (maker, error) {
	prefix, _ := a.args["prefix"].(string)
	suffix, _ := a.args["suffix"].(string)
	least, most, err := a.length()
	if err != nil {
		return nil, err
	}
	regex, ok := a.args["regex"]
	if !ok {
		return func(r *run) any { return prefix + ascii(r.random, least+int(r.below(int32(most-least)))) + suffix }, nil
	}
	expression, ok := regex.(string)
	if !ok {
		return nil, errors.New("regex must be a text")
	}
	p, err := newPattern(expression, least, most-1)
	if err != nil {
		return nil, err
	}
	return func(r *run) any { return prefix + p.text(r.random) + suffix }, nil
}

// ascii is n characters of ASCII, all of them.
func ascii(r *random, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.below(128))
	}
	return string(b)
}

// length reads the property of that name: lengths from least to most-1.
func (a *avro) length() (least, most int, err error) {
	const defaultLeast, defaultMost = 8, 16
	switch v := a.args["length"].(type) {
	case nil:
		return defaultLeast, defaultMost, nil
	case json.Number:
		if least, err = whole(a.args, "length", 0); err != nil {
			return 0, 0, err
		}
		most = least + 1
	case map[string]any:
		if v["min"] == nil && v["max"] == nil {
			return 0, 0, errors.New("length must have min or max, or both, when it is an object")
		}
		if least, err = whole(v, "min", 0); err != nil {
			return 0, 0, fmt.Errorf("length: %w", err)
		}
		if most, err = whole(v, "max", longest); err != nil {
			return 0, 0, fmt.Errorf("length: %w", err)
		}
	default:
		return 0, 0, errors.New("length must be a whole number or an object")
	}
	switch {
	case least < 0:
		return 0, 0, errors.New("length must not be negative")
	case most <= least:
		return 0, 0, errors.New("length: max must be greater than min")
	case most > longest+1:
		return 0, 0, fmt.Errorf("length must not be greater than %d", longest)
	}
	return least, most, nil
}

func (a *avro) booleans() (maker, error) {
	v, ok := a.args["odds"]
	if !ok {
		return func(r *run) any { return r.bool() }, nil
	}
	n, _ := v.(json.Number)
	odds, err := n.Float64()
	if err != nil || odds < 0 || odds > 1 {
		return nil, errors.New("odds must be a number from 0.0 to 1.0")
	}
	return func(r *run) any { return r.float64() < odds }, nil
}

func (a *avro) byteStrings() (maker, error) {
	if a.logicalKind() == "decimal" {
		return a.bigDecimals()
	}
	least, most, err := a.length()
	if err != nil {
		return nil, err
	}
	return func(r *run) any {
		b := make([]byte, least+int(r.below(int32(most-least))))
		r.fill(b)
		return b
	}, nil
}

// bigDecimals makes decimals of up to precision digits, within the range if there is one.
func (a *avro) bigDecimals() (maker, error) {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(a.precision, 1))), nil)
	unit := math.Pow10(a.scale)
	top, _ := new(big.Float).SetInt(limit).Float64()
	low, high, err := a.bounds(-top/unit, top/unit)
	if err != nil {
		return nil, err
	}
	return func(r *run) any {
		n, _ := big.NewFloat(math.Round((low + r.float64()*(high-low)) * unit)).Int(nil)
		return schema.Decimal{Unscaled: n, Scale: int32(a.scale)}
	}, nil
}

func (a *avro) arrays(s *schema.Schema) (maker, error) {
	least, most, err := a.length()
	if err != nil {
		return nil, err
	}
	item, err := a.items.maker(s.Value)
	if err != nil {
		return nil, fmt.Errorf("items: %w", err)
	}
	return func(r *run) any {
		out := make([]any, least+int(r.below(int32(most-least))))
		for i := range out {
			out[i] = item(r)
		}
		return out
	}, nil
}

func (a *avro) maps(s *schema.Schema) (maker, error) {
	least, most, err := a.length()
	if err != nil {
		return nil, err
	}
	value, err := a.items.maker(s.Value)
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	key := func(r *run) any { return ascii(r.random, 1) }
	if v, ok := a.args["keys"]; ok {
		args, ok := v.(map[string]any)
		if !ok {
			return nil, errors.New("keys must be an object")
		}
		text := &avro{kind: "string", args: args}
		if key, err = text.maker(s.Key); err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
	}
	return func(r *run) any {
		n := least + int(r.below(int32(most-least)))
		out := schema.NewMap(n)
		for range n {
			k := key(r)
			out.Set(k, value(r))
		}
		return out
	}, nil
}

func (a *avro) unions(s *schema.Schema) (maker, error) {
	makers := make([]maker, len(a.branches))
	for i, b := range a.branches {
		m, err := b.maker(a.branchShape(b, s))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.branchName(), err)
		}
		makers[i] = func(r *run) any { return a.choose(b, m(r), s) }
	}
	return func(r *run) any { return makers[r.below(int32(len(makers)))](r) }, nil
}

func (a *avro) records(s *schema.Schema) (maker, error) {
	makers := make([]maker, len(a.fields))
	for i, f := range a.fields {
		var err error
		if makers[i], err = f.typ.maker(s.Fields[i].Schema); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return func(r *run) any {
		values := make([]any, len(makers))
		for i, m := range makers {
			values[i] = m(r)
		}
		return schema.StructFrom(s, values)
	}, nil
}
