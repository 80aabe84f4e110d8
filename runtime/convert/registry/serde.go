package registry

import (
	"context"
	"fmt"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// registering says how the schema that a record is to be written with is found out, and what is being done meanwhile in
// Java's words. check tells why that schema cannot read what is written; it is called for one that was not just registered.
func (c *common) registering(ctx context.Context, port Port, w words, subject string, own Schema, check func(Registered) error) (Registered, string, error) {
	switch {
	case c.autoRegister:
		r, err := port.Register(ctx, subject, own, c.normalize)
		return r, "Error registering " + w.format + " schema" + own.Text, err
	case c.useID >= 0:
		doing := "Error retrieving schema ID" + own.Text
		r, err := port.ByID(ctx, c.useID, subject)
		if err == nil && c.idStrict && check(r) != nil {
			return r, "Error serializing " + w.format + " message", incompatible(r.Type, "id.compatibility.strict=false to disable this check", check(r))
		}
		return r, doing, err
	case c.useLatest:
		doing := "Error retrieving latest version of " + w.format + " schema" + own.Text
		r, err := port.Latest(ctx, subject)
		if err == nil && c.latestStrict && check(r) != nil {
			return r, "Error serializing " + w.format + " message", incompatible(r.Type,
				"latest.compatibility.strict=false to disable this check. See log file for more details.", check(r))
		}
		return r, doing, err
	}
	r, err := port.Lookup(ctx, subject, own, c.normalize)
	return r, "Error retrieving " + w.format + " schema" + own.Text, err
}

func incompatible(typ, advice string, why error) error {
	return schema.NewError("java.io.IOException", fmt.Sprintf("Incompatible schema of type '%s'. Set %s", typ, advice), why)
}

// framing is what names a schema in a record: bytes before the value, or a header.
type framing struct{ prefix, header []byte }

func (c *common) framing(r Registered) (framing, error) {
	if !c.inHeader() {
		return framing{prefix: prefix(r.ID)}, nil
	}
	header, err := guidHeader(r.GUID)
	return framing{header: header}, err
}

// String is how Java prints what names a schema.
func (s schemaRef) describe(typ string) string {
	guid := s.guid
	id := fmt.Sprint(s.id)
	if guid == "" {
		guid = "null"
	} else {
		id = "null"
	}
	return fmt.Sprintf("SchemaId{schemaType='%s', id=%s, guid='%s', messageIndexes=null}", typ, id, guid)
}

// foundSchema is the schema that a record was written with.
type foundSchema struct {
	Registered
	readAs *Registered // the schema to read it as, if that is another one
}

// find returns the schema that a record names, with its version under the subject it belongs to. record gives the full name
// of the record that a schema is.
func (c *common) find(ctx context.Context, port Port, w words, topic string, ref schemaRef, record func(Registered) (string, error)) (foundSchema, string, error) {
	what := "value"
	if c.isKey() {
		what = "key"
	}
	doing := fmt.Sprintf("Error retrieving %s %s schema for id %s", w.format, what, ref.describe(w.typ))
	subject := ""
	if c.byTopic() {
		subject, _ = c.subject(topic, "")
	}
	var r foundSchema
	var err error
	if ref.guid != "" {
		r.Registered, err = port.ByGUID(ctx, ref.guid)
	} else {
		r.Registered, err = port.ByID(ctx, ref.id, subject)
	}
	if err != nil {
		return r, doing, err
	}
	if r.Type != w.typ {
		return r, doing, schema.NewError("java.io.IOException", fmt.Sprintf("the schema is of type %s and not %s: another converter wrote the record", r.Type, w.typ), nil)
	}
	name, err := record(r.Registered)
	if err != nil {
		return r, doing, err
	}
	if subject, err = c.subject(topic, name); err != nil {
		return r, doing, err
	}
	here, err := port.Lookup(ctx, subject, r.Schema, c.normalize)
	if err != nil {
		return r, fmt.Sprintf("Error retrieving %s %s schema version for id %s", w.format, what, ref.describe(w.typ)), err
	}
	r.Version = here.Version
	if c.useLatest {
		newest, err := port.Latest(ctx, subject)
		if err != nil {
			return r, fmt.Sprintf("Error retrieving latest version of %s schema for subject %s", w.format, subject), err
		}
		if newest.Text != r.Text {
			r.readAs = &newest
		}
	}
	return r, "", nil
}
