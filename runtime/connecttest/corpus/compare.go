package corpus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Error is how a case fails.
type Error struct {
	// Phase is when: configure or apply, define or parse. Empty means the only one there is.
	Phase string
	// Class and Message are the exception's.
	Class, Message string
	// Match says how much of them counts: full, class or any.
	Match string
	// Cause is the Java class of the innermost cause.
	Cause string
}

// Failed compares how a case ended with how it should. It reports true when the case was to fail, so that there is
// nothing more to compare, and marks the test as failed when the outcomes differ. Of several joined errors, which is how
// settings are reported, the first counts. An error shows its class by a method JavaClass() string.
func (c Case) Failed(t *testing.T, err error) bool {
	t.Helper()
	if c.Error == nil {
		if err != nil {
			t.Errorf("failed: %v", err)
			return true
		}
		return false
	}
	if err == nil {
		t.Errorf("did not fail, want %s: %s", c.Error.Class, c.Error.Message)
		return true
	}
	if c.Error.Match == "any" {
		return true
	}
	class, message := Classify(err)
	if class != c.Error.Class {
		t.Errorf("failed with class %s, want %s\n got: %s\nwant: %s", class, c.Error.Class, message, c.Error.Message)
	} else if c.Error.Match == "full" && message != c.Error.Message {
		t.Errorf("failed with another message\n got: %s\nwant: %s", message, c.Error.Message)
	}
	return true
}

// Classify returns the Java class and the message of an error: those of the first error in it that has a class.
func Classify(err error) (class, message string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
		return Classify(joined.Unwrap()[0])
	}
	if e, ok := errors.AsType[*schema.Error](err); ok {
		return e.Class, e.Message
	}
	if e, ok := errors.AsType[interface {
		error
		JavaClass() string
	}](err); ok {
		return e.JavaClass(), e.Error()
	}
	return fmt.Sprintf("%T", err), err.Error()
}

// DiffDatum says how two data differ, or nothing when they do not. The order of maps does not count.
func DiffDatum(want, got connect.Datum) string {
	if want.Schema.Equal(got.Schema) && schema.Equal(want.Value, got.Value) {
		return ""
	}
	return fmt.Sprintf(" got: %s\nwant: %s", Dump(got), Dump(want))
}

// DiffRecord says how two records differ, or nothing when they do not.
func DiffRecord(want, got connect.Record) string {
	var diff []string
	add := func(part string, w, g any) { diff = append(diff, fmt.Sprintf("%s\n got: %v\nwant: %v", part, g, w)) }
	if want.Topic != got.Topic {
		add("topic", want.Topic, got.Topic)
	}
	if want.Partition != got.Partition {
		add("partition", want.Partition, got.Partition)
	}
	if !want.Time.Equal(got.Time) {
		add("timestamp", want.Time, got.Time)
	}
	if want.Kafka != got.Kafka {
		add("place in Kafka", want.Kafka, got.Kafka)
	}
	if d := DiffDatum(want.Key, got.Key); d != "" {
		diff = append(diff, "key\n"+d)
	}
	if d := DiffDatum(want.Value, got.Value); d != "" {
		diff = append(diff, "value\n"+d)
	}
	if len(want.Headers) != len(got.Headers) {
		add("number of headers", len(want.Headers), len(got.Headers))
		return strings.Join(diff, "\n")
	}
	for i, h := range want.Headers {
		if g := got.Headers[i]; h.Key != g.Key {
			add("header name", h.Key, g.Key)
		} else if d := DiffDatum(h.Value, g.Value); d != "" {
			diff = append(diff, "header "+h.Key+"\n"+d)
		}
	}
	return strings.Join(diff, "\n")
}

// Dump writes a datum out with everything that Equal looks at, for people to compare.
func Dump(d connect.Datum) string {
	var b strings.Builder
	dumpSchema(&b, d.Schema, nil)
	b.WriteString(" ")
	dumpValue(&b, d.Value)
	return b.String()
}

// dumpSchema writes a struct that lies in itself as a reference. around are the structs around s.
func dumpSchema(b *strings.Builder, s *schema.Schema, around []*schema.Schema) {
	if s == nil {
		b.WriteString("schemaless")
		return
	}
	b.WriteString(s.Type.String())
	if s.Optional {
		b.WriteString("?")
	}
	if s.HasName() {
		b.WriteString(" name=" + strconv.Quote(s.Name))
	}
	if s.Version != nil {
		fmt.Fprintf(b, " version=%d", *s.Version)
	}
	if s.HasDoc() {
		b.WriteString(" doc=" + strconv.Quote(s.Doc))
	}
	if len(s.Params) > 0 {
		fmt.Fprintf(b, " params=%q", s.Params)
	}
	if s.Default != nil {
		b.WriteString(" default=")
		dumpValue(b, s.Default)
	}
	if s.Key != nil {
		b.WriteString(" key=<")
		dumpSchema(b, s.Key, around)
		b.WriteString(">")
	}
	if s.Value != nil {
		b.WriteString(" value=<")
		dumpSchema(b, s.Value, around)
		b.WriteString(">")
	}
	for _, o := range around {
		if len(s.Fields) > 0 && len(o.Fields) > 0 && &s.Fields[0] == &o.Fields[0] {
			b.WriteString(" ref")
			return
		}
	}
	around = append(around, s)
	for _, f := range s.Fields {
		b.WriteString(" " + strconv.Quote(f.Name) + ":<")
		dumpSchema(b, f.Schema, around)
		b.WriteString(">")
	}
}

func dumpValue(b *strings.Builder, v any) {
	switch v := v.(type) {
	case []any:
		b.WriteString("[")
		for _, e := range v {
			dumpValue(b, e)
			b.WriteString(", ")
		}
		b.WriteString("]")
	case *schema.Map:
		b.WriteString("{")
		for k, e := range v.All() {
			dumpValue(b, k)
			b.WriteString(": ")
			dumpValue(b, e)
			b.WriteString(", ")
		}
		b.WriteString("}")
	case *schema.Struct:
		b.WriteString("Struct(")
		for i, f := range v.Schema().Fields {
			b.WriteString(f.Name + "=")
			dumpValue(b, v.Raw(i))
			b.WriteString(", ")
		}
		b.WriteString(")")
	case string:
		b.WriteString(strconv.Quote(v))
	case []byte:
		fmt.Fprintf(b, "bytes(%x)", v)
	case time.Time:
		fmt.Fprintf(b, "date(%d)", v.UnixMilli())
	default:
		fmt.Fprintf(b, "%T(%s)", v, schema.Text(v))
	}
}
