package registry

import (
	"context"
	"fmt"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// confluent is a registry with Confluent's REST API, and the way Confluent's serializers use one.
type confluent struct {
	common
	port  NumberedPort
	words words
}

// open connects to the registry, if it is not connected yet. It asks it nothing.
func (c *confluent) open(w words) (err error) {
	c.words = w
	if c.port == nil {
		c.port, err = c.common.open()
	}
	return err
}

// writing implements system.
func (c *confluent) writing(ctx context.Context, topic, record string, own Schema, check func(Registered) error) (Registered, framing, error) {
	subject, err := c.subject(topic, record)
	if err != nil {
		return Registered{}, framing{}, c.words.encodeError(topic, "", err)
	}
	r, doing, err := c.registering(ctx, subject, own, check)
	if err != nil {
		return r, framing{}, c.words.encodeError(topic, doing, err)
	}
	if !c.inHeader() {
		return r, framing{prefix: prefix(r.ID)}, nil
	}
	header, err := guidHeader(r.GUID)
	if err != nil {
		return r, framing{}, c.words.encodeError(topic, "", err)
	}
	return r, framing{header: header}, nil
}

// registering says how the schema that a record is to be written with is found out, and what is being done meanwhile in
// Java's words. check tells why that schema cannot read what is written; it is called for one that was not just registered.
func (c *confluent) registering(ctx context.Context, subject string, own Schema, check func(Registered) error) (Registered, string, error) {
	w, port := c.words, c.port
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

// unframe implements system.
func (c *confluent) unframe(topic string, b, header []byte) (schemaRef, []byte, error) {
	if !c.looksAtHeader() {
		header = nil
	}
	ref, body, err := unframe(b, header)
	if err != nil {
		err = c.words.decodeError(topic, "", err)
	}
	return ref, body, err
}

// reading implements system.
func (c *confluent) reading(ctx context.Context, topic string, ref schemaRef, record func(Registered) (string, error)) (foundSchema, error) {
	r, doing, err := c.find(ctx, topic, ref, record)
	if err != nil {
		err = c.words.decodeError(topic, doing, err)
	}
	return r, err
}

// describe is how Java prints what names a schema.
func (r schemaRef) describe(typ string) string {
	id, guid := r.String(), "null"
	if r.byGUID() {
		id, guid = "null", r.String()
	}
	return fmt.Sprintf("SchemaId{schemaType='%s', id=%s, guid='%s', messageIndexes=null}", typ, id, guid)
}

// find returns the schema that a record names, with its version under the subject it belongs to. record gives the full name
// of the record that a schema is.
func (c *confluent) find(ctx context.Context, topic string, ref schemaRef, record func(Registered) (string, error)) (foundSchema, string, error) {
	w, port := c.words, c.port
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
	if ref.byGUID() {
		r.Registered, err = port.ByGUID(ctx, ref.String())
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
