package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// castSpec says what to cast: the whole, or fields.
type castSpec struct {
	whole  schema.Type
	fields []castField // in the order of Java's HashMap
}

type castField struct {
	name string
	to   schema.Type
}

// to is the type a field is cast to, Invalid for one that is not.
func (c *castSpec) to(name string) schema.Type {
	for i := range c.fields {
		if c.fields[i].name == name {
			return c.fields[i].to
		}
	}
	return schema.Invalid
}

// parseCasts reads a list of field:type, or one type. The error is one about a setting.
func parseCasts(list []string) (castSpec, error) {
	var spec castSpec
	fields := schema.NewHashMap(0)
	for _, one := range list {
		parts := splitColons(one)
		if len(parts) == 0 {
			return castSpec{}, config.Invalid("spec", list, "there is neither a field nor a type")
		}
		if len(parts) > 2 {
			// Connect names the setting of another transform.
			return castSpec{}, config.Invalid("renames", list, "Invalid rename mapping: "+one)
		}
		text := trim(parts[len(parts)-1])
		t, err := castType(text)
		switch {
		case err != nil:
			return castSpec{}, err
		case len(parts) == 1:
			spec.whole = t
		default:
			fields.Set(trim(parts[0]), t)
		}
	}
	if spec.whole != schema.Invalid && len(list) > 1 {
		return castSpec{}, config.Errorf("spec", "Cast transformations that specify a type to cast the entire value to may only "+
			"specify a single cast in their spec")
	}
	for name, to := range fields.All() {
		if t, ok := to.(schema.Type); ok {
			spec.fields = append(spec.fields, castField{schema.Text(name), t})
		}
	}
	return spec, nil
}

// castType is a type that can be cast to, by its name in any case.
func castType(text string) (schema.Type, error) {
	upper := strings.ToUpper(text)
	for t := schema.Int8; t <= schema.StructType; t++ {
		if t.String() != upper {
			continue
		}
		if t > schema.String {
			return t, config.Errorf("spec", "Cast transformation does not support casting to %s; supported types are %s", t,
				typesTo(schema.String))
		}
		return t, nil
	}
	return schema.Invalid, config.Errorf("spec", "Invalid value java.lang.IllegalArgumentException: No enum constant "+
		"org.apache.kafka.connect.data.Schema.Type.%s for configuration Invalid type found in casting spec: %s", upper, text)
}

// typesTo lists the types up to one.
func typesTo(last schema.Type) string {
	var names []string
	for t := schema.Int8; t <= last; t++ {
		names = append(names, t.String())
	}
	return fmt.Sprintf("[%s]", strings.Join(names, ", "))
}

// trim cuts off what Java's String.trim does.
func trim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

// isCast tells whether a list is not empty and has only good casts.
func isCast(_ string, v any) error {
	list, _ := v.([]string)
	if len(list) == 0 {
		return config.Errorf("spec", "Must specify at least one field to cast.")
	}
	_, err := parseCasts(slices.Clone(list))
	return err
}
