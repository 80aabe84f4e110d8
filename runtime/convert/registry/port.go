package registry

import "context"

// Schema is a schema as a registry holds it.
type Schema struct {
	// Type is AVRO, JSON or PROTOBUF.
	Type string
	Text string
	// References are the schemas that the text refers to, by the names in it.
	References []Reference
	// Topic is the one whose records need it, for registries that note it.
	Topic string
}

// The types of schemas.
const (
	AvroType     = "AVRO"
	JSONType     = "JSON"
	ProtobufType = "PROTOBUF"
)

// Reference names another schema of the registry.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// Registered is a Schema with what the registry says about it.
type Registered struct {
	Schema
	// ID is its number, 0 if that is not known.
	ID int
	// Version is that under the subject that was asked about, 0 if none was.
	Version int
	// GUID is the hash that it has in every registry, as a UUID; "" if it is not known.
	GUID string
	// Referenced are the texts that References lead to, directly or not, those first that others need.
	Referenced []Referenced
}

// noVersion is the Version of schemas whose registry has versions that Connect is not told.
const noVersion = -1

// version is what Connect is told of the Version.
func (r Registered) version() *int32 {
	if r.Version == noVersion {
		return nil
	}
	v := int32(r.Version)
	return &v
}

// Referenced is a schema that another one refers to by a name.
type Referenced struct{ Name, Text string }

// Port is what converters ask of a registry. Its errors are a *RefusedError, or a connect.RetryError when the registry could not be
// asked. It may be used by any number of goroutines.
type Port interface {
	// ByGUID returns the schema of a GUID.
	ByGUID(ctx context.Context, guid string) (Registered, error)
	// Register makes a schema known under a subject and returns what it is there.
	Register(ctx context.Context, subject string, s Schema, normalize bool) (Registered, error)
	// Lookup returns what a schema is under a subject.
	Lookup(ctx context.Context, subject string, s Schema, normalize bool) (Registered, error)
}

// NumberedPort is the Port of a registry that numbers schemas and their versions, as Confluent's does.
type NumberedPort interface {
	Port
	// ByID returns the schema of a number. subject may help to find it; "" does not.
	ByID(ctx context.Context, id int, subject string) (Registered, error)
	// Latest returns the newest schema of a subject.
	Latest(ctx context.Context, subject string) (Registered, error)
}
