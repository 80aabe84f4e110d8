package protobuf

import (
	"encoding/binary"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Schema is a .proto file.
type Schema struct {
	text string
	// made is the file that a Connect schema became, read the one that a text says. One of them is there.
	made *file
	read protoreflect.FileDescriptor
	meta metas
	// entries are the messages that say of themselves that they are those of a map.
	entries map[protoreflect.FullName]bool
	// glue is what Glue's mapping made of a Connect schema.
	glue *encoder
	root string
}

// String is the file's text.
func (s *Schema) String() string { return s.text }

// Data translates between Connect and Protobuf and remembers what it has translated. It is used by one goroutine at a
// time; what it returns may be used by many.
type Data struct {
	options  Options
	schemas  schema.Cache[*Schema]
	encoders schema.Cache[*encoder]
	decoders map[decoderKey]*Decoder
	wrappers *Schema
}

type decoderKey struct {
	w, r    *Schema
	version int32
}

// New returns a Data with these options.
func New(o Options) *Data {
	d := &Data{options: o, decoders: map[decoderKey]*Decoder{}, wrappers: &Schema{text: wrappersText()}}
	d.schemas.Limit, d.encoders.Limit = o.CacheSize, o.CacheSize
	return d
}

// FromConnect is the file of a Connect schema. What is no struct stands in one of the wrapper messages. The same or an
// equal schema gives the same pointer as long as the cache holds it.
func (d *Data) FromConnect(s *schema.Schema) (*Schema, error) {
	switch {
	case s == nil:
		return nil, schema.NewError("java.lang.NullPointerException", "Protobuf needs a schema, and the value has none", nil)
	case d.options.Glue && s.Type != schema.StructType:
		return nil, schema.Errorf("Cannot list fields on non-struct type")
	case s.Type == schema.Array || s.Type == schema.MapType:
		return nil, schema.NewError(illegalArgument, "Unsupported root schema of type "+s.Type.String(), nil)
	case s.Type != schema.StructType:
		return d.wrappers, nil
	}
	return d.schemas.Get(s, func() (*Schema, error) {
		if d.options.Glue {
			return glueSchema(s)
		}
		made, err := (&fromConnect{Options: &d.options}).written(s)
		if err != nil {
			return nil, err
		}
		return &Schema{text: made.text(), made: made}, nil
	})
}

// Encoder writes values of s. w is the file that readers will look up, nil if it is the one that s translates to; only
// the indexes in front of the message depend on it.
func (d *Data) Encoder(s *schema.Schema, w *Schema) (*Encoder, error) {
	own, err := d.FromConnect(s)
	if err != nil {
		return nil, err
	}
	if d.options.Glue {
		return own.glueEncoder(w)
	}
	root, err := d.encoders.Get(s, func() (*encoder, error) { return d.encoder(s, own), nil })
	if err != nil {
		return nil, err
	}
	e := &Encoder{root: root}
	if root.logical {
		// Nothing says which message it is, and no reader can tell: so it is in the original.
		e.Name = wrapperPackage + ".DoubleValue"
		return e, nil
	}
	path := []int{0}
	if own.made == nil {
		wrapper, index := wrapperOf(root.kind)
		e.Name, path = wrapperPackage+"."+wrapper.name, []int{index}
	} else {
		e.Name = own.made.fullName(own.made.root)
	}
	if w != nil && w != own {
		if path = w.path(e.Name); path == nil {
			return nil, &FormError{illegalArgument, "Cannot find a message named " + e.Name + " in the schema"}
		}
	}
	e.indexes = appendIndexes(nil, path)
	return e, nil
}

// glueSchema makes the file of a struct's schema as AWS Glue's converter does.
func glueSchema(s *schema.Schema) (*Schema, error) {
	c := &glueFrom{}
	root, e, err := c.written(s)
	if err != nil {
		return nil, err
	}
	text := c.file.text()
	made, err := Parse(text, nil)
	if err != nil {
		return nil, schema.NewError(validationFailure, "The schema "+s.Name+" has no form in Protobuf", err)
	}
	made.glue, made.root = e, root.full
	return made, nil
}

// glueEncoder writes the values that the file was made for. w is the file that readers will look up, nil if it is this one.
func (s *Schema) glueEncoder(w *Schema) (*Encoder, error) {
	if w == nil {
		w = s
	}
	index := slices.IndexFunc(w.sorted(), func(m protoreflect.MessageDescriptor) bool { return string(m.FullName()) == s.root })
	if index < 0 {
		return nil, &FormError{glueException, "Provided descriptor is not present in the schema: " + s.root}
	}
	return &Encoder{Name: s.root, root: s.glue, indexes: binary.AppendUvarint(nil, uint64(index))}, nil
}

func (d *Data) encoder(s *schema.Schema, own *Schema) *encoder {
	c := encoders{Options: &d.options, made: map[encoderKey]*encoder{}}
	switch {
	case own.made != nil:
		return c.structOf(s, own.made.root)
	case isLogical(s):
		return &encoder{connect: s, logical: true}
	}
	return &encoder{connect: s, kind: kindOf(s.Type), wrapped: true}
}

// Name is the full name of the file's first message, or "" if there is none.
func (s *Schema) Name() string {
	if s.read == nil || s.read.Messages().Len() == 0 {
		return ""
	}
	return string(s.read.Messages().Get(0).FullName())
}

// path is where in the file the message of that full name is, nil if it is not there.
func (s *Schema) path(fullName string) []int {
	if s.read == nil {
		return nil
	}
	pkg := string(s.read.Package())
	if pkg != "" {
		pkg += "."
	}
	rest, ok := strings.CutPrefix(fullName, pkg)
	if !ok {
		return nil
	}
	var path []int
	in := s.read.Messages()
	for name := range strings.SplitSeq(rest, ".") {
		m := in.ByName(protoreflect.Name(name))
		if m == nil {
			return nil
		}
		path = append(path, m.Index())
		in = m.Messages()
	}
	return path
}

// appendIndexes writes a path. That of the first message, which most are, is a single 0.
func appendIndexes(dst []byte, path []int) []byte {
	if len(path) == 1 && path[0] == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(path)))
	for _, i := range path {
		dst = binary.AppendVarint(dst, int64(i))
	}
	return dst
}

// lengthOf is how many bytes of b the indexes in front of a message take.
func lengthOf(b []byte) (int, error) {
	if len(b) > 0 && b[0] == 0 {
		return 1, nil
	}
	count, n := binary.Varint(b)
	switch {
	case n <= 0 || count > int64(len(b)):
		return 0, &FormError{Class: bufferUnderflow}
	case count < 0:
		return 0, &FormError{illegalArgument, "The number of message indexes is negative"}
	}
	for range count {
		index, size := binary.Varint(b[n:])
		if size <= 0 || index != int64(int32(index)) {
			return 0, &FormError{Class: bufferUnderflow}
		}
		n += size
	}
	return n, nil
}

// pathOf reads indexes, which are whole.
func pathOf(b []byte) []int {
	count, n := binary.Varint(b)
	if count == 0 {
		return []int{0}
	}
	path := make([]int, count)
	for i := range path {
		index, size := binary.Varint(b[n:])
		path[i] = int(index)
		n += size
	}
	return path
}
