package protobuf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// file is a .proto file in the making: one message with all it needs inside.
type file struct {
	pkg     string
	imports []string
	root    *message
}

// message is a message's definition.
type message struct {
	name     string
	parent   *message
	of       *schema.Schema // the struct it is made for, nil for the entries of a map
	fields   []*field       // in the order in which they are written, those of oneofs left out
	oneofs   []*oneof
	messages []*message
	enums    []*enum
}

type oneof struct {
	name   string
	fields []*field
}

type field struct {
	label  string // "", repeated or optional
	typ    string
	name   string
	number int32
	meta   []schema.Param
}

type enum struct {
	name   string
	values []enumValue
}

type enumValue struct {
	name   string
	number int32
}

// use imports a file.
func (f *file) use(path string) {
	if slices.Contains(f.imports, path) {
		return
	}
	f.imports = append(f.imports, path)
}

// all are the message's fields with those of its oneofs.
func (m *message) all() []*field {
	fields := m.fields
	for _, o := range m.oneofs {
		fields = append(slices.Clip(fields), o.fields...)
	}
	return fields
}

// field returns the field of that name, or nil.
func (m *message) field(name string) *field {
	for _, f := range m.all() {
		if f.name == name {
			return f
		}
	}
	return nil
}

func (m *message) message(name string) *message {
	for _, inner := range m.messages {
		if inner.name == name {
			return inner
		}
	}
	return nil
}

func (m *message) enum(name string) *enum {
	for _, e := range m.enums {
		if e.name == name {
			return e
		}
	}
	return nil
}

// resolve finds the message or the enum that a type means inside of m.
func (m *message) resolve(typ string) (*message, *enum) {
	for around := m; around != nil; around = around.parent {
		if inner := around.message(typ); inner != nil {
			return inner, nil
		}
		if e := around.enum(typ); e != nil {
			return nil, e
		}
		if around.parent == nil && around.name == typ {
			return around, nil
		}
	}
	return nil, nil
}

// fullName is the message's name with those of what is around it.
func (f *file) fullName(m *message) string {
	name := m.name
	for around := m.parent; around != nil; around = around.parent {
		name = around.name + "." + name
	}
	if f.pkg != "" {
		name = f.pkg + "." + name
	}
	return name
}

// check finds what Java's library refuses in a file.
func (f *file) check() error {
	if f.pkg != "" {
		for part := range strings.SplitSeq(f.pkg, ".") {
			if err := checkName(part, f.pkg); err != nil {
				return err
			}
		}
	}
	return f.checkMessage(f.root)
}

func (f *file) checkMessage(m *message) error {
	full := f.fullName(m)
	if err := checkName(m.name, full); err != nil {
		return err
	}
	names, numbers := map[string]bool{}, map[int32]bool{}
	claim := func(name string) error {
		if names[name] {
			return invalid("%q is already defined in %q.", name, full)
		}
		names[name] = true
		return checkName(name, full+"."+name)
	}
	for _, field := range m.all() {
		if err := claim(field.name); err != nil {
			return err
		}
		switch {
		case field.number <= 0:
			return invalid("%s.%s: Field numbers must be positive integers.", full, field.name)
		case numbers[field.number]:
			return invalid("Field number %d has already been used in %q.", field.number, full)
		}
		numbers[field.number] = true
		if err := m.checkType(field, full); err != nil {
			return err
		}
	}
	for _, o := range m.oneofs {
		if err := claim(o.name); err != nil {
			return err
		}
	}
	for _, e := range m.enums {
		if err := claim(e.name); err != nil {
			return err
		}
		if len(e.values) == 0 {
			return invalid("%s.%s: Enums must contain at least one value.", full, e.name)
		}
		for _, v := range e.values {
			if err := claim(v.name); err != nil {
				return err
			}
		}
	}
	for _, inner := range m.messages {
		if err := claim(inner.name); err != nil {
			return err
		}
		if err := f.checkMessage(inner); err != nil {
			return err
		}
	}
	return nil
}

func (m *message) checkType(f *field, full string) error {
	if _, ok := scalar(f.typ); ok {
		return nil
	}
	if _, ok := importOf(f.typ); ok {
		return nil
	}
	if inner, e := m.resolve(f.typ); inner != nil || e != nil {
		return nil
	}
	return invalid("%s.%s: %q is not defined.", full, f.name, f.typ)
}

func checkName(name, full string) error {
	if name == "" {
		return invalid("Missing name.")
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return invalid("%s: %q is not a valid identifier.", full, name)
		}
	}
	return nil
}

// invalid is Java's error for a file that cannot be.
func invalid(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return schema.NewError(illegalArgument, "Invalid protobuf schema definition: "+text, &FormError{validationFailure, text})
}

// text writes the file as Confluent's library does.
func (f *file) text() string {
	var b strings.Builder
	b.WriteString("syntax = \"proto3\";\n")
	if f.pkg != "" {
		b.WriteString("package " + f.pkg + ";\n")
	}
	b.WriteByte('\n')
	for _, path := range f.imports {
		b.WriteString("import " + strconv.Quote(path) + ";\n")
	}
	if len(f.imports) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(f.root.text())
	return b.String()
}

func (m *message) text() string {
	var b strings.Builder
	b.WriteString("message " + m.name + " {")
	section := func(parts []string) {
		if len(parts) == 0 {
			return
		}
		b.WriteByte('\n')
		for _, part := range parts {
			b.WriteString(indent(part))
		}
	}
	section(texts(m.fields))
	section(texts(m.oneofs))
	section(append(texts(m.messages), texts(m.enums)...))
	b.WriteString("}\n")
	return b.String()
}

func texts[T interface{ text() string }](of []T) []string {
	out := make([]string, len(of))
	for i, part := range of {
		out[i] = part.text()
	}
	return out
}

func (o *oneof) text() string { return oneofText(o.name, o.fields) }

func oneofText[T interface{ text() string }](name string, fields []T) string {
	return "oneof " + name + " {\n" + indent(strings.Join(texts(fields), "")) + "}\n"
}

func (e *enum) text() string {
	var b strings.Builder
	b.WriteString("enum " + e.name + " {\n")
	for _, v := range e.values {
		fmt.Fprintf(&b, "  %s = %d;\n", v.name, v.number)
	}
	b.WriteString("}\n")
	return b.String()
}

// head is a field's text up to its options.
func (f *field) head() string {
	text := f.typ + " " + f.name + " = " + strconv.Itoa(int(f.number))
	if f.label != "" {
		text = f.label + " " + text
	}
	return text
}

func (f *field) text() string {
	text := f.head()
	if len(f.meta) == 0 {
		return text + ";\n"
	}
	entries := make([]string, len(f.meta))
	for i, p := range f.meta {
		entries[i] = "    {\n      key: " + strconv.Quote(p.Name) + ",\n      value: " + strconv.Quote(p.Value) + "\n    }"
	}
	return text + " [(confluent.field_meta) = {\n  params: [\n" + strings.Join(entries, ",\n") + "\n  ]\n}];\n"
}

// indent moves each line of a text, empty ones too.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}
