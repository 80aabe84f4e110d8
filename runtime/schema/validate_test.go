package schema_test

import (
	"errors"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

func person() *schema.Schema {
	return schema.StructOf([]schema.Field{
		schema.F("name", schema.Of(schema.String)),
		schema.F("age", schema.Of(schema.Int32, schema.Optional())),
		schema.F("city", schema.Of(schema.String, schema.Default("Bern"))),
	}, schema.Named("com.example.Person"), schema.Versioned(2))
}

func TestValidate_SpeaksConnectsWords(t *testing.T) {
	t.Parallel()
	m := schema.NewMap(0)
	m.Set("a", nil)
	for _, c := range []struct {
		name   string
		schema *schema.Schema
		value  any
		want   string
	}{
		{"schemaless", nil, 1, ""},
		{"right", schema.Of(schema.Int32), int32(1), ""},
		{"null", schema.Of(schema.Int32), nil, `Invalid value: null used for required field: "f", schema type: INT32`},
		{"optional", schema.Of(schema.Int32, schema.Optional()), nil, ""},
		{"type", schema.Of(schema.Int32), int64(1), `Invalid Java object for schema with type INT32: class java.lang.Long for field: "f"`},
		{"bytes", schema.Of(schema.String), []byte{}, `Invalid Java object for schema with type STRING: class [B for field: "f"`},
		{"logical", schema.DecimalOf(2), []byte{1}, `Invalid Java object for schema "org.apache.kafka.connect.data.Decimal" with type BYTES: class [B for field: "f"`},
		{"date", schema.DateOf(), time.Now(), ""},
		{"element", schema.ArrayOf(schema.Of(schema.Int8)), []any{int8(1), nil}, `Invalid value: null used for required element of array field: "f", schema type: INT8`},
		{"map value", schema.MapOf(schema.Of(schema.String), schema.Of(schema.Int8)), m, `Invalid value: null used for required value of map field: "f", schema type: INT8`},
		{"no element schema", schema.ArrayOf(nil), []any{}, `No schema defined for element of array field: "f"`},
		{"struct", person(), schema.StructFrom(person(), []any{nil, nil, nil}), `Invalid value: null used for required field: "name", schema type: STRING`},
		{"default", person(), schema.StructFrom(person(), []any{"x", nil, nil}), ""},
		{"other struct", person(), schema.NewStruct(schema.StructOf(nil)), "Struct schemas do not match."},
		{"bigint", schema.Of(schema.Int64), big.NewInt(1), `Invalid Java object for schema with type INT64: class java.math.BigInteger for field: "f"`},
	} {
		err := schema.ValidateField("f", c.schema, c.value)
		got := ""
		if e, ok := errors.AsType[*schema.Error](err); ok {
			if got = e.Message; e.Class != schema.DataException {
				t.Errorf("%s: the class is %s", c.name, e.Class)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestStruct_PutChecks(t *testing.T) {
	t.Parallel()
	s := schema.NewStruct(person())
	if err := s.Put("name", "Ann"); err != nil {
		t.Error(err)
	}
	if err := s.Put("none", 1); err == nil || err.Error() != "none is not a valid field name" {
		t.Errorf("putting an unknown field: %v", err)
	}
	if err := s.Put("age", "x"); err == nil {
		t.Error("a string was put into an INT32")
	}
	if v, ok := s.Get("city"); !ok || v != "Bern" || s.Raw(2) != nil {
		t.Errorf("Get(city) = %v, %v, want the default, not stored", v, ok)
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}

func TestNewStructOf_ChecksFields(t *testing.T) {
	t.Parallel()
	text := schema.Of(schema.String)
	for want, fields := range map[string][]schema.Field{
		"fieldName cannot be null.":                                  {schema.F("", text)},
		"fieldSchema for field a cannot be null.":                    {schema.F("a", nil)},
		"Cannot create field because of field name duplication a":    {schema.F("a", text), schema.F("b", text), schema.F("a", text)},
		"Cannot create field because of field name duplication wide": append(many(20), schema.F("wide", text), schema.F("wide", text)),
	} {
		_, err := schema.NewStructOf(fields)
		if e, ok := errors.AsType[*schema.Error](err); !ok || e.Message != want || e.Class != schema.SchemaBuilderException {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := schema.NewStructOf(many(20)); err != nil {
		t.Error(err)
	}
	if err := schema.CheckDefault(schema.Of(schema.Int8, schema.Default("x"))); err == nil {
		t.Error("a default of the wrong type was taken")
	}
	if _, err := schema.NewMapOf(nil, text); err == nil {
		t.Error("a map without a key schema was taken")
	}
	if _, err := schema.NewArrayOf(nil); err == nil {
		t.Error("an array without a value schema was taken")
	}
}

func many(n int) []schema.Field {
	var fields []schema.Field
	for _, name := range numbered("f", n) {
		fields = append(fields, schema.F(name.(string), schema.Of(schema.Int8)))
	}
	return fields
}

func TestSchema_FieldFindsTheFirstOfItsName(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 30} {
		s := schema.StructOf(many(n))
		for i := range s.Fields {
			if f := s.Field(s.Fields[i].Name); f == nil || f.Index != i {
				t.Errorf("of %d fields, %s is not found at %d", n, s.Fields[i].Name, i)
			}
		}
		if s.Field("none") != nil {
			t.Error("a field was found that is not there")
		}
	}
}

func TestSchema_EqualLooksAtEverything(t *testing.T) {
	t.Parallel()
	base := []schema.Option{schema.Named("n"), schema.WithParam("a", "1"), schema.WithParam("b", "2")}
	s := schema.Of(schema.Int32, base...)
	same := schema.Of(schema.Int32, schema.WithParam("b", "2"), schema.WithParam("a", "1"), schema.Named("n"))
	if !s.Equal(same) || !s.Equal(s.With()) {
		t.Error("the order of parameters counts")
	}
	for name, o := range map[string]schema.Option{
		"optional": schema.Optional(), "default": schema.Default(int32(1)), "name": schema.Named("x"), "no name": schema.Unnamed(),
		"empty name": schema.Named(""), "version": schema.Versioned(1), "doc": schema.Documented("d"), "empty doc": schema.Documented(""),
		"parameter": schema.WithParam("a", "2"), "more": schema.WithParam("c", "2"),
	} {
		if s.Equal(s.With(o)) || s.With(o).Equal(s) {
			t.Errorf("%s does not count", name)
		}
	}
	if s.With(schema.WithParam("a", "2")); s.Params[0].Value != "1" {
		t.Error("With changed the schema itself")
	}
	if schema.Of(schema.Int32, schema.Named("")).Equal(schema.Of(schema.Int32)) {
		t.Error("an empty name is none")
	}
	if got := s.String() + schema.Of(schema.Bytes).String(); got != "Schema{n:INT32}Schema{BYTES}" {
		t.Errorf("the text is %s", got)
	}
}

func TestEqual_IsJavas(t *testing.T) {
	t.Parallel()
	a, b := schema.NewMap(0), schema.NewHashMap(0)
	for _, k := range []any{"x", "y"} {
		a.Set(k, []any{1.5})
	}
	for _, k := range []any{"y", "x"} {
		b.Set(k, []any{1.5})
	}
	equal := [][2]any{
		{nil, nil},
		{math.NaN(), math.NaN()},
		{float32(math.NaN()), float32(math.NaN())},
		{[]byte{1}, []byte{1}},
		{a, b},
		{time.UnixMilli(5), time.UnixMilli(5).UTC().Add(time.Microsecond)},
		{schema.NewDecimal(1, 1), schema.NewDecimal(1, 1)},
		{schema.NewStruct(person()), schema.NewStruct(person())},
		{big.NewInt(7), big.NewInt(7)},
		{schema.Decimal{}, schema.NewDecimal(0, 0)},
	}
	for _, c := range equal {
		if !schema.Equal(c[0], c[1]) {
			t.Errorf("%v and %v differ", c[0], c[1])
		}
	}
	different := [][2]any{
		{0.0, math.Copysign(0, -1)},
		{int32(1), int64(1)},
		{nil, ""},
		{schema.NewDecimal(10, 1), schema.NewDecimal(1, 0)},
		{"a", []byte("a")},
		{[]any{int8(1)}, []any{int8(1), int8(2)}},
		{a, schema.NewMap(0)},
		{float32(1), 1.0},
		{big.NewInt(1), schema.NewDecimal(1, 0)},
		{struct{}{}, struct{}{}},
	}
	for _, c := range different {
		if schema.Equal(c[0], c[1]) {
			t.Errorf("%v and %v are equal", c[0], c[1])
		}
	}
}

func TestLogical_RefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	if n, err := schema.DateToDays(schema.Instant(-86400000)); n != -1 || err != nil {
		t.Errorf("the day before 1970 is %d, %v", n, err)
	}
	if _, err := schema.DateToDays(schema.Instant(1)); err == nil {
		t.Error("a date has a time of day")
	}
	if _, err := schema.TimeToMillis(schema.Instant(86400001)); err == nil {
		t.Error("a time of day has a day")
	}
	if _, err := schema.MillisToTime(-1); err == nil {
		t.Error("a time before midnight was read")
	}
	if _, err := schema.DecimalToBytes(schema.DecimalOf(2), schema.NewDecimal(1, 1)); err == nil {
		t.Error("a decimal of another scale was written")
	}
	if _, err := schema.DecimalScale(schema.DecimalOf(2, schema.WithParam(schema.ScaleParam, "x"))); err == nil {
		t.Error("a scale that is no number was read")
	}
}
