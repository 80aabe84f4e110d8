package transform

import (
	"math/big"
	"slices"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const maskDoc = "Replaces fields by a value that says nothing: zero, an empty text, or one that is configured."

const masking = "mask fields"

// maskField is MaskField.
type maskField struct {
	side
	fields      []string
	replacement string
	replaces    bool
	nulls       nulls
	order       []string // the fields in the order of Java's HashSet
	cache       cache[[]bool]
}

// Define implements config.Definer.
func (t *maskField) Define(d *config.Def) {
	d.List(&t.fields, "fields", nil, "Names of the fields to mask.", config.Required(),
		config.Check(config.Unique(false, false)), config.High)
	d.String(&t.replacement, "replacement", "", "Value of all these fields, which then must be numbers or texts.",
		config.NullDefault(), config.Given(&t.replaces), config.Check(config.NonEmpty()), config.Low)
	t.nulls.define(d)
}

// Validate implements connect.Validator.
func (t *maskField) Validate() error {
	set := schema.NewHashMap((max(len(t.fields), 12)*4 + 2) / 3)
	for _, f := range t.fields {
		set.Set(f, nil)
	}
	t.order = keys(set)
	return nil
}

// keys are those of a map whose keys are strings, in its order.
func keys(m *schema.Map) []string {
	all := make([]string, 0, m.Len())
	for k := range m.All() {
		all = append(all, schema.Text(k))
	}
	return all
}

// Apply implements connect.Transform.
func (t *maskField) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	if d.Schema == nil {
		m, err := needMap(d.Value, masking)
		if err != nil {
			return false, err
		}
		out := hashMap(m)
		for _, name := range t.order {
			v, _ := m.Get(name)
			masked, err := t.mask(v)
			if err != nil {
				return false, err
			}
			out.Set(name, masked)
		}
		d.Value = out
		return true, nil
	}
	v, err := needStruct(d.Value, masking)
	if err != nil {
		return false, err
	}
	plan, err := t.cache.get(v.Schema(), t.masked)
	if err != nil {
		return false, err
	}
	out := schema.NewStruct(v.Schema())
	for i, masked := range plan {
		field := t.nulls.get(v, i)
		if masked {
			if field, err = t.mask(field); err != nil {
				return false, err
			}
		}
		if err := put(out, i, field); err != nil {
			return false, err
		}
	}
	d.Value = out
	return true, nil
}

// masked tells for each field whether it is masked.
func (t *maskField) masked(s *schema.Schema) ([]bool, error) {
	plan := make([]bool, len(s.Fields))
	for i, f := range s.Fields {
		plan[i] = slices.Contains(t.fields, f.Name)
	}
	return plan, nil
}

func (t *maskField) mask(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if t.replaces {
		return t.replace(v)
	}
	switch v.(type) {
	case bool:
		return false, nil
	case int8:
		return int8(0), nil
	case int16:
		return int16(0), nil
	case int32:
		return int32(0), nil
	case int64:
		return int64(0), nil
	case float32:
		return float32(0), nil
	case float64:
		return float64(0), nil
	case *big.Int:
		return new(big.Int), nil
	case schema.Decimal:
		return schema.Decimal{}, nil
	case string:
		return "", nil
	case []any:
		return []any{}, nil
	case *schema.Map:
		return schema.NewHashMap(0), nil
	}
	if schema.JavaClass(v) == "java.util.Date" {
		return schema.Instant(0), nil
	}
	return nil, schema.Errorf("Cannot mask value of type: class %s", schema.JavaClass(v))
}

// replace makes a value of the type of v of the replacement.
func (t *maskField) replace(v any) (any, error) {
	switch v.(type) {
	case string:
		return t.replacement, nil
	case *big.Int:
		n, ok := parseBig(t.replacement)
		if !ok {
			return nil, t.noNumber("number")
		}
		return n, nil
	case int8, int16, int32, int64, float32, float64, schema.Decimal:
		d, err := schema.ParseDecimal(t.replacement)
		switch {
		case err == nil:
			return likeNumber(v, d), nil
		case schema.JavaClass(v) == "java.math.BigDecimal":
			return nil, t.noNumber("number")
		}
		return nil, t.noNumber("a number")
	}
	return nil, schema.Errorf("Cannot mask value of type class %s with custom replacement.", schema.JavaClass(v))
}

// likeNumber is a number in the type of v, cut off as Java does.
func likeNumber(v any, d schema.Decimal) any {
	switch v.(type) {
	case int8:
		return int8(wrapDecimal(d)) //nolint:gosec // Java cuts it off as well
	case int16:
		return int16(wrapDecimal(d)) //nolint:gosec // as above
	case int32:
		return int32(wrapDecimal(d)) //nolint:gosec // as above
	case int64:
		return wrapDecimal(d)
	case float32:
		return float32(d.Float64())
	case float64:
		return d.Float64()
	}
	return d
}

func (t *maskField) noNumber(what string) error {
	return schema.NewError(schema.DataException, "Unable to convert "+t.replacement+" (class java.lang.String) to "+what,
		numberFormat(t.replacement))
}
