package transform

import (
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

const replaceDoc = "Leaves out or renames fields."

const replacement = "field replacement"

// replaceField is ReplaceField.
type replaceField struct {
	side
	exclude, include, renames []string
	nulls                     nulls
	renamed, original         map[string]string
	cache                     cache[*replaced]
}

// replaced is a changed struct schema, and where each of its fields comes from: -1 stands for one that is not there.
type replaced struct {
	schema *schema.Schema
	from   []int
}

// Define implements config.Definer.
func (t *replaceField) Define(d *config.Def) {
	d.List(&t.exclude, "exclude", nil, "Fields to leave out. It goes before the fields to keep.", config.Check(config.Unique(true, false)))
	d.List(&t.include, "include", nil, "Fields to keep. If there are any, all others are left out.", config.Check(config.Unique(true, false)))
	d.List(&t.renames, "renames", nil, "Fields to rename, each as from:to.",
		config.Check(config.Func("list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>", func(_ string, v any) error {
			list, _ := v.([]string)
			_, err := parseRenames(list)
			return err
		})))
	t.nulls.define(d)
}

// parseRenames returns the renames in the order of Java's HashMap.
func parseRenames(list []string) (*schema.Map, error) {
	m := schema.NewHashMap(0)
	for _, pair := range list {
		parts := splitColons(pair)
		if len(parts) != 2 {
			return nil, config.Invalid("renames", list, "Invalid rename mapping: "+pair)
		}
		m.Set(parts[0], parts[1])
	}
	return m, nil
}

// splitColons splits as Java does, which drops empty parts at the end.
func splitColons(s string) []string {
	parts := strings.Split(s, ":")
	if s == "" {
		return parts
	}
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

// Validate implements connect.Validator.
func (t *replaceField) Validate() error {
	m, err := parseRenames(t.renames)
	if err != nil {
		return err
	}
	t.renamed, t.original = make(map[string]string), make(map[string]string)
	for from, to := range m.All() {
		t.renamed[schema.Text(from)] = schema.Text(to)
		t.original[schema.Text(to)] = schema.Text(from) // of several the last counts
	}
	return nil
}

// Apply implements connect.Transform.
func (t *replaceField) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	switch {
	case d.Value == nil:
		return true, nil
	case d.Schema == nil:
		return t.applyMap(d)
	}
	v, err := needStruct(d.Value, replacement)
	if err != nil {
		return false, err
	}
	plan, err := t.cache.get(v.Schema(), t.plan)
	if err != nil {
		return false, err
	}
	out := schema.NewStruct(plan.schema)
	for i, from := range plan.from {
		if from < 0 {
			return false, schema.NoField(original(t.original, plan.schema.Fields[i].Name))
		}
		if err := put(out, i, t.nulls.get(v, from)); err != nil {
			return false, err
		}
	}
	d.Schema, d.Value = plan.schema, out
	return true, nil
}

func (t *replaceField) applyMap(d *connect.Datum) (bool, error) {
	m, err := needMap(d.Value, replacement)
	if err != nil {
		return false, err
	}
	out := schema.NewHashMap(max(1, m.Len()))
	for k, v := range m.All() {
		name, ok := k.(string)
		switch {
		case !ok && k != nil:
			return false, javaError("ClassCastException", "the key of a map is a "+schema.JavaClass(k)+", not a string")
		case !t.keeps(name):
		case !ok:
			out.Set(nil, v)
		default:
			if to, ok := t.renamed[name]; ok {
				k = to
			}
			out.Set(k, v)
		}
	}
	d.Value = out
	return true, nil
}

func (t *replaceField) keeps(name string) bool {
	return !slices.Contains(t.exclude, name) && (len(t.include) == 0 || slices.Contains(t.include, name))
}

// original is the name that a field had, or its own.
func original(names map[string]string, name string) string {
	if from, ok := names[name]; ok {
		return from
	}
	return name
}

func (t *replaceField) plan(s *schema.Schema) (*replaced, error) {
	var fields []schema.Field
	var from []int
	for _, f := range s.Fields {
		if !t.keeps(f.Name) {
			continue
		}
		name := original(t.renamed, f.Name)
		fields = append(fields, schema.F(name, f.Schema))
		// Connect looks the field up by its new name, which another one may have had.
		if source := s.Field(original(t.original, name)); source != nil {
			from = append(from, source.Index)
		} else {
			from = append(from, -1)
		}
	}
	out, err := schema.NewStructOf(fields, basics(s))
	if err != nil {
		return nil, err
	}
	return &replaced{out, from}, nil
}
