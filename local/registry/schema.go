package registry

import (
	"bytes"
	"crypto/md5" //nolint:gosec // how registries tell schemas apart, no secret
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/convert/registry"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
	"github.com/sluice-connect/sluice/runtime/schema/protobuf"
)

// The types of schemas.
const (
	AvroType     = registry.AvroType
	JSONType     = registry.JSONType
	ProtobufType = registry.ProtobufType
)

// Schema is what can be registered.
type Schema struct {
	// Type is AVRO, which "" stands for, JSON or PROTOBUF.
	Type       string      `json:"schemaType,omitempty"`
	Text       string      `json:"schema"`
	References []Reference `json:"references,omitempty"`
}

// Reference names another registered schema by the name under which the text refers to it.
type Reference = registry.Reference

// Version is a schema registered under a subject.
type Version struct {
	Subject string
	Version int
	ID      int
	Schema
	Deleted bool
}

// GUID is the hash by which all registries know a schema, as a UUID.
func (s Schema) GUID() string {
	h := md5.New() //nolint:gosec // see the import
	h.Write([]byte(s.Text))
	for _, r := range s.References {
		h.Write([]byte(r.Name))
		h.Write([]byte(r.Subject))
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(r.Version)))
	}
	x := hex.EncodeToString(h.Sum(nil))
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func (s Schema) equal(o Schema) bool {
	return s.Type == o.Type && s.Text == o.Text && slices.Equal(s.References, o.References)
}

// canonical is the schema as it is kept: checked as far as this package knows its type, without what means nothing.
func (r *Registry) canonical(s Schema, normalize bool) (Schema, error) {
	if s.Type == "" {
		s.Type = AvroType
	}
	refs, err := r.referenced(s.References, nil)
	if err != nil {
		return s, err
	}
	switch s.Type {
	case AvroType:
		a, err := avro.Parse(s.Text, refs...)
		switch {
		case err != nil:
			return s, failure(422, 42201, "Invalid schema %s, details: %v", s.Text, err)
		case len(refs) > 0: // written out it would hold what it refers to
		case normalize:
			s.Text = a.Normalized()
		default:
			s.Text = a.String()
		}
	case JSONType:
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(s.Text)); err != nil {
			return s, failure(422, 42201, "Invalid schema %s, details: %v", s.Text, err)
		}
		s.Text = compact.String()
	case ProtobufType:
	default:
		return s, failure(422, 42201, "Invalid schema type %s", s.Type)
	}
	return s, nil
}

// formatted is a schema as a request wants it: a file of Protobuf may be asked for as a descriptor in base64.
func (r *Registry) formatted(req *http.Request, s Schema) Schema {
	if s.Type != ProtobufType || req.URL.Query().Get("format") != "serialized" {
		return s
	}
	texts := map[string]string{}
	r.imports(s.References, texts)
	if file, err := protobuf.Parse(s.Text, texts); err == nil {
		s.Text = file.Serialized()
	}
	return s
}

// imports collects the texts that references lead to, by the names in them.
func (r *Registry) imports(refs []Reference, into map[string]string) {
	for _, ref := range refs {
		v, ok := r.find(ref.Subject, ref.Version)
		if _, known := into[ref.Name]; ok && !known {
			into[ref.Name] = v.Text
			r.imports(v.References, into)
		}
	}
}

// referenced are the texts of all schemas that references lead to, those first that others need.
func (r *Registry) referenced(refs []Reference, around []Reference) ([]string, error) {
	var texts []string
	for _, ref := range refs {
		if slices.Contains(around, ref) {
			return nil, failure(422, 42201, "Invalid schema, details: %s refers to itself", ref.Subject)
		}
		v, ok := r.find(ref.Subject, ref.Version)
		if !ok {
			return nil, failure(422, 42201, "Invalid schema, details: No schema reference found for subject \"%s\" and version %d", ref.Subject, ref.Version)
		}
		inner, err := r.referenced(v.References, append(slices.Clip(around), ref))
		if err != nil {
			return nil, err
		}
		for _, text := range append(inner, v.Text) {
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts, nil
}

// compatible holds a schema against earlier ones of its subject.
func (r *Registry) compatible(level string, s Schema, earlier []*Version) ([]string, error) {
	if s.Type != AvroType || level == "NONE" || len(earlier) == 0 {
		return nil, nil
	}
	if !strings.HasSuffix(level, "_TRANSITIVE") {
		earlier = earlier[len(earlier)-1:]
	}
	now, err := r.parseAvro(s)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, e := range earlier {
		if e.Type != AvroType {
			problems = append(problems, fmt.Sprintf("Incompatible because of different schema type: %s", e.Type))
			continue
		}
		then, err := r.parseAvro(e.Schema)
		if err != nil {
			return nil, err
		}
		if base := strings.TrimSuffix(level, "_TRANSITIVE"); base != "FORWARD" {
			if err := avro.CheckReadable(then, now); err != nil {
				problems = append(problems, fmt.Sprintf("version %d cannot be read with it: %v", e.Version, err))
			}
		}
		if base := strings.TrimSuffix(level, "_TRANSITIVE"); base != "BACKWARD" {
			if err := avro.CheckReadable(now, then); err != nil {
				problems = append(problems, fmt.Sprintf("it cannot be read with version %d: %v", e.Version, err))
			}
		}
	}
	return problems, nil
}

func (r *Registry) parseAvro(s Schema) (*avro.Schema, error) {
	refs, err := r.referenced(s.References, nil)
	if err != nil {
		return nil, err
	}
	return avro.Parse(s.Text, refs...)
}
