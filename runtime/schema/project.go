package schema

// Project turns a value written with the schema from into one of the schema to, as Connect's SchemaProjector does: fields
// that to does not have are left out, those that from does not have take their defaults, numbers may grow wider. The
// error is a SchemaProjectorException.
func Project(from *Schema, v any, to *Schema) (any, error) {
	if err := compatible(from, to); err != nil {
		return nil, err
	}
	if from.Optional && !to.Optional {
		if to.Default == nil {
			return nil, projectorError("Writer schema is optional, however, target schema does not provide a default value.", nil)
		}
		if v == nil {
			return to.Default, nil
		}
	}
	if v == nil {
		return nil, nil
	}
	switch to.Type {
	case StructType:
		s, ok := v.(*Struct)
		if !ok {
			return nil, projectorError("Expected a struct, found "+JavaClass(v), nil)
		}
		return projectStruct(from, s, to)
	case Array:
		list, ok := v.([]any)
		if !ok {
			return nil, projectorError("Expected an array, found "+JavaClass(v), nil)
		}
		return projectArray(from, list, to)
	case MapType:
		m, ok := v.(*Map)
		if !ok {
			return nil, projectorError("Expected a map, found "+JavaClass(v), nil)
		}
		return projectMap(from, m, to)
	default:
		return widen(v, to.Type), nil
	}
}

func compatible(from, to *Schema) error {
	switch {
	case from.Type != to.Type && !promotable(from.Type, to.Type):
		return projectorError("Schema type mismatch. source type: "+from.Type.String()+" and target type: "+to.Type.String(), nil)
	case from.Name != to.Name || from.HasName() != to.HasName():
		return projectorError("Schema name mismatch. source name: "+orNull(from)+" and target name: "+orNull(to), nil)
	case !equalParams(from.Params, to.Params):
		return projectorError("Schema parameters not equal. source parameters: "+paramText(from)+" and target parameters: "+paramText(to), nil)
	}
	return nil
}

func promotable(from, to Type) bool { return from < to && to <= Float64 && from != Invalid }

func orNull(s *Schema) string {
	if !s.HasName() {
		return "null"
	}
	return s.Name
}

func paramText(s *Schema) string {
	if len(s.Params) == 0 {
		return "null"
	}
	m := NewMap(len(s.Params))
	for _, p := range s.Params {
		m.Set(p.Name, p.Value)
	}
	return Text(m)
}

func projectStruct(from *Schema, v *Struct, to *Schema) (any, error) {
	out := NewStruct(to)
	for i, f := range to.Fields {
		source := from.Field(f.Name)
		switch {
		case source != nil:
			projected, err := Project(source.Schema, v.At(source.Index), f.Schema)
			if err != nil {
				return nil, projectorError("Error projecting "+source.Name, err)
			}
			out.values[i] = projected
		case f.Schema.Optional:
		case f.Schema.Default != nil:
			out.values[i] = f.Schema.Default
		default:
			return nil, projectorError("Required field `"+f.Name+"` is missing from source schema: "+from.String(), nil)
		}
	}
	return out, nil
}

func projectArray(from *Schema, v []any, to *Schema) (any, error) {
	out := make([]any, len(v))
	for i, e := range v {
		var err error
		if out[i], err = Project(from.Value, e, to.Value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func projectMap(from *Schema, v *Map, to *Schema) (any, error) {
	out := NewHashMap(0)
	out.Reserve(v.Len())
	for k, e := range v.All() {
		key, err := Project(from.Key, k, to.Key)
		if err != nil {
			return nil, err
		}
		value, err := Project(from.Value, e, to.Value)
		if err != nil {
			return nil, err
		}
		out.Set(key, value)
	}
	return out, nil
}

// widen makes a number of a larger type. What is no number stays.
func widen(v any, to Type) any {
	var n int64
	switch v := v.(type) {
	case int8:
		n = int64(v)
	case int16:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	case float32:
		if to == Float64 {
			return float64(v)
		}
		return v
	default:
		return v
	}
	switch to {
	case Int16:
		return int16(n)
	case Int32:
		return int32(n)
	case Int64:
		return n
	case Float32:
		return float32(n)
	case Float64:
		return float64(n)
	default:
		return v
	}
}

func projectorError(message string, cause error) error {
	return NewError(SchemaProjectorException, message, cause)
}
