package protobuf

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// own is the name under which a file is read that nobody imports.
const own = "schema.proto"

// Parse reads a .proto file. refs are the texts of the files that it imports, by the path under which it does; those of
// google.protobuf and of the logical types need not be there.
func Parse(text string, refs map[string]string) (*Schema, error) {
	r := reader{refs: refs, files: &protoregistry.Files{}, meta: metas{}, entries: map[protoreflect.FullName]bool{}}
	read, err := r.read(own, text)
	if err != nil {
		return nil, fmt.Errorf("reading a Protobuf schema: %w", err)
	}
	return &Schema{text: text, read: read, meta: r.meta, entries: r.entries}, nil
}

// metas are the entries of field_meta options by the full names of the fields.
type metas map[protoreflect.FullName]map[string]string

// reader reads files with all that they import.
type reader struct {
	refs  map[string]string
	files *protoregistry.Files
	meta  metas
	depth int
	// entries are the messages with the option map_entry.
	entries map[protoreflect.FullName]bool
}

// deepest is how many files may import each other in a row.
const deepest = 50

func (r *reader) read(path, text string) (protoreflect.FileDescriptor, error) {
	if r.depth++; r.depth > deepest {
		return nil, fmt.Errorf("%s: too many files import each other", path)
	}
	defer func() { r.depth-- }()
	d, err := parseFile(path, text)
	if err != nil {
		return nil, err
	}
	for _, dependency := range d.GetDependency() {
		if err := r.load(dependency); err != nil {
			return nil, err
		}
	}
	if err := r.settle(d); err != nil {
		return nil, err
	}
	file, err := protodesc.NewFile(d, r.files)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// parseFile reads the text of a file. Instead of a text it may be a descriptor in base64, which is how Confluent's Python client
// registers files.
func parseFile(path, text string) (*descriptorpb.FileDescriptorProto, error) {
	handler := reporter.NewHandler(nil)
	node, err := parser.Parse(path, strings.NewReader(text), handler)
	if err != nil {
		if d := serialized(text); d != nil {
			d.Name = &path
			return d, nil
		}
		return nil, err
	}
	// Glue's files spell out the messages of maps, which the parser's own checks forbid. What else they find is found later.
	result, err := parser.ResultFromAST(node, !strings.Contains(text, "map_entry"), handler)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(result.FileDescriptorProto()), nil
}

// load makes a file known that another one imports.
func (r *reader) load(path string) error {
	if _, err := r.files.FindFileByPath(path); err == nil {
		return nil
	}
	if text, ok := r.refs[path]; ok {
		return r.loadText(path, text)
	}
	if file := linked(path); file != nil {
		return r.files.RegisterFile(file)
	}
	if text, ok := common(path); ok {
		return r.loadText(path, text)
	}
	return fmt.Errorf("it imports %q, to which the registry has no reference", path)
}

func (r *reader) loadText(path, text string) error {
	file, err := r.read(path, text)
	if err != nil {
		return err
	}
	return r.files.RegisterFile(file)
}

// settle makes of the options, which are as they were read, what matters here, and drops the others: options that users
// define need not be known to read messages.
func (r *reader) settle(d *descriptorpb.FileDescriptorProto) error {
	d.Options = nil
	for _, s := range d.GetService() {
		s.Options = nil
		for _, m := range s.GetMethod() {
			m.Options = nil
		}
	}
	for _, e := range d.GetEnumType() {
		settleEnum(e)
	}
	for _, f := range d.GetExtension() {
		f.Options = nil
	}
	prefix := protoreflect.FullName(d.GetPackage())
	for _, m := range d.GetMessageType() {
		if err := r.settleMessage(prefix.Append(protoreflect.Name(m.GetName())), m); err != nil {
			return err
		}
	}
	return nil
}

func settleEnum(e *descriptorpb.EnumDescriptorProto) {
	aliases := e.GetOptions().GetAllowAlias()
	for _, o := range e.GetOptions().GetUninterpretedOption() {
		aliases = aliases || optionName(o) == "allow_alias" && o.GetIdentifierValue() == "true"
	}
	e.Options = nil
	if aliases {
		e.Options = &descriptorpb.EnumOptions{AllowAlias: new(true)}
	}
	for _, v := range e.GetValue() {
		v.Options = nil
	}
}

func (r *reader) settleMessage(name protoreflect.FullName, m *descriptorpb.DescriptorProto) error {
	var options *descriptorpb.MessageOptions
	if m.GetOptions().GetMapEntry() {
		options = &descriptorpb.MessageOptions{MapEntry: new(true)}
	}
	for _, o := range m.GetOptions().GetUninterpretedOption() {
		if optionName(o) == "map_entry" && o.GetIdentifierValue() == "true" {
			r.entries[name] = true
		}
	}
	m.Options = options
	for _, x := range m.GetExtensionRange() {
		x.Options = nil
	}
	for _, o := range m.GetOneofDecl() {
		o.Options = nil
	}
	for _, e := range m.GetEnumType() {
		settleEnum(e)
	}
	for _, f := range append(m.GetField(), m.GetExtension()...) {
		if err := r.settleField(name.Append(protoreflect.Name(f.GetName())), f); err != nil {
			return err
		}
	}
	for _, inner := range m.GetNestedType() {
		if err := r.settleMessage(name.Append(protoreflect.Name(inner.GetName())), inner); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) settleField(name protoreflect.FullName, f *descriptorpb.FieldDescriptorProto) error {
	given := f.GetOptions()
	f.Options, f.JsonName = nil, nil
	if given != nil && given.Packed != nil {
		f.Options = &descriptorpb.FieldOptions{Packed: given.Packed}
	}
	if err := r.noteSerialized(name, given.ProtoReflect().GetUnknown()); err != nil {
		return err
	}
	for _, o := range given.GetUninterpretedOption() {
		switch optionName(o) {
		case "default":
			f.DefaultValue = new(defaultOf(o))
		case "packed":
			f.Options = &descriptorpb.FieldOptions{Packed: new(o.GetIdentifierValue() == "true")}
		case "(confluent.field_meta)":
			if err := r.note(name, o.GetAggregateValue()); err != nil {
				return err
			}
		case glueKey, "(" + glueKey + ")":
			r.noteGlue(name, glueKey, o.GetStringValue())
		case glueValue, "(" + glueValue + ")":
			r.noteGlue(name, glueValue, o.GetStringValue())
		}
	}
	return nil
}

func optionName(o *descriptorpb.UninterpretedOption) string {
	var b strings.Builder
	for i, part := range o.GetName() {
		if i > 0 {
			b.WriteByte('.')
		}
		if part.GetIsExtension() {
			b.WriteString("(" + strings.TrimPrefix(part.GetNamePart(), ".") + ")")
		} else {
			b.WriteString(part.GetNamePart())
		}
	}
	return b.String()
}

// defaultOf is a default as descriptors have it.
func defaultOf(o *descriptorpb.UninterpretedOption) string {
	switch {
	case o.IdentifierValue != nil:
		return o.GetIdentifierValue()
	case o.PositiveIntValue != nil:
		return strconv.FormatUint(o.GetPositiveIntValue(), 10)
	case o.NegativeIntValue != nil:
		return strconv.FormatInt(o.GetNegativeIntValue(), 10)
	case o.DoubleValue != nil:
		return strconv.FormatFloat(o.GetDoubleValue(), 'g', -1, 64)
	}
	return string(o.GetStringValue())
}
