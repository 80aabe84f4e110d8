package protobuf

// Indexes returns how many bytes the indexes take that b begins with.
func Indexes(b []byte) (int, error) { return lengthOf(b) }

// NameOf is the full name of the message whose indexes b begins with, or "" if the file has none there.
func (s *Schema) NameOf(b []byte) string {
	n, err := lengthOf(b)
	if err != nil || s.read == nil {
		return ""
	}
	name, in := "", s.read.Messages()
	for _, i := range pathOf(b[:n]) {
		if i < 0 || i >= in.Len() {
			return ""
		}
		m := in.Get(i)
		name, in = string(m.FullName()), m.Messages()
	}
	return name
}
