package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// AWS Glue's schema registry has an API of its own: JSON to the root, the operation in a header. Its schemas are kept as the
// subjects of Confluent's API whose name begins with glue: and the name of Glue's registry.

const (
	glueTarget  = "AWSGlue."
	glueSubject = "glue:"
)

// glueError is what a request to Glue is refused with.
type glueError struct {
	Type    string `json:"__type"`
	Message string `json:"Message"`
}

// Error implements error.
func (e *glueError) Error() string { return e.Type + ": " + e.Message }

// glueRequest has the members of all requests.
type glueRequest struct {
	SchemaID         glueName `json:"SchemaId"`
	RegistryID       glueName `json:"RegistryId"`
	SchemaName       string
	SchemaDefinition string
	DataFormat       string
	Compatibility    string
	SchemaVersionID  string `json:"SchemaVersionId"`
	MetadataKeyValue struct{ MetadataKey, MetadataValue string }
	Version          struct {
		LatestVersion bool
		VersionNumber int
	} `json:"SchemaVersionNumber"`
}

type glueName struct{ RegistryName, SchemaName, SchemaArn string }

// subject is the subject that stands for a schema of Glue.
func (n glueName) subject() string {
	name := n.RegistryName
	if name == "" {
		name = "default-registry"
	}
	return glueSubject + name + "/" + n.SchemaName
}

// glueVersion is a version of a schema as Glue shows it.
type glueVersion struct {
	SchemaVersionID  string `json:"SchemaVersionId"`
	SchemaArn        string `json:",omitempty"`
	SchemaName       string `json:",omitempty"`
	SchemaDefinition string `json:",omitempty"`
	DataFormat       string
	Status           string
	VersionNumber    int
	SchemaStatus     string `json:"SchemaVersionStatus,omitempty"`
	CreatedTime      string
}

func (r *Registry) serveGlue(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	v, err := r.glue(req)
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	status := http.StatusOK
	if err != nil {
		refused, ok := errors.AsType[*glueError](err)
		if !ok {
			refused = &glueError{"InvalidInputException", err.Error()}
		}
		status, v = http.StatusBadRequest, refused
		w.Header().Set("X-Amzn-Errortype", refused.Type)
	}
	encode(w, status, v, "\n")
}

func (r *Registry) glue(req *http.Request) (any, error) {
	var in glueRequest
	if err := body(req, &in); err != nil {
		return nil, err
	}
	switch operation := strings.TrimPrefix(req.Header.Get("X-Amz-Target"), glueTarget); operation {
	case "GetSchemaByDefinition":
		return r.glueByDefinition(in)
	case "GetSchemaVersion":
		return r.glueGet(in)
	case "CreateSchema":
		return r.glueCreate(in)
	case "RegisterSchemaVersion":
		return r.glueRegister(in)
	case "PutSchemaVersionMetadata":
		return map[string]any{
			"SchemaVersionId": in.SchemaVersionID, "MetadataKey": in.MetadataKeyValue.MetadataKey, "MetadataValue": in.MetadataKeyValue.MetadataValue,
		}, nil
	default:
		return nil, &glueError{"UnknownOperationException", "There is no operation " + operation + " here"}
	}
}

func noGlueSchema(n glueName) error {
	return &glueError{"EntityNotFoundException", fmt.Sprintf("Schema is not found. RegistryName: %s, SchemaName: %s, SchemaArn: null", n.RegistryName, n.SchemaName)}
}

func (r *Registry) glueByDefinition(in glueRequest) (any, error) {
	versions := r.subjects[in.SchemaID.subject()].live()
	if len(versions) == 0 {
		return nil, noGlueSchema(in.SchemaID)
	}
	s, err := r.canonical(Schema{Type: versions[0].Type, Text: in.SchemaDefinition}, false)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if v.equal(s) {
			return glueShown(v), nil
		}
	}
	return nil, &glueError{"EntityNotFoundException", "Schema version is not found."}
}

func (r *Registry) glueGet(in glueRequest) (any, error) {
	if slices.Contains(r.refused, in.SchemaVersionID) {
		return glueVersion{SchemaVersionID: in.SchemaVersionID, Status: "FAILURE"}, nil
	}
	if in.SchemaVersionID == "" {
		number := in.Version.VersionNumber
		if in.Version.LatestVersion {
			number = latest
		}
		v, ok := r.find(in.SchemaID.subject(), number)
		if !ok {
			return nil, noGlueSchema(in.SchemaID)
		}
		return glueShown(v), nil
	}
	for name, s := range r.subjects {
		if !strings.HasPrefix(name, glueSubject) {
			continue
		}
		for _, v := range s.live() {
			if glueID(v.Subject, v.Text) == in.SchemaVersionID {
				return glueShown(v), nil
			}
		}
	}
	return nil, &glueError{"EntityNotFoundException", "Schema version is not found. SchemaVersionId: " + in.SchemaVersionID}
}

func (r *Registry) glueCreate(in glueRequest) (any, error) {
	name := in.RegistryID
	name.SchemaName = in.SchemaName
	if len(r.subjects[name.subject()].live()) > 0 {
		return nil, &glueError{"AlreadyExistsException", "Schema already exists. SchemaName: " + in.SchemaName}
	}
	level := strings.ReplaceAll(in.Compatibility, "_ALL", "_TRANSITIVE")
	if !slices.Contains(levels(), level) {
		level = "NONE"
	}
	v, err := r.register(name.subject(), Schema{Type: in.DataFormat, Text: in.SchemaDefinition}, false)
	if err != nil {
		return nil, err
	}
	shown := glueShown(&v)
	shown.SchemaStatus = shown.Status
	return shown, r.change(entry{Op: opLevel, Subject: v.Subject, Level: level})
}

// glueRegister adds a version. As Glue does, it answers with an id even if the version does not fit to earlier ones, and
// tells of that when it is asked for the version.
func (r *Registry) glueRegister(in glueRequest) (any, error) {
	subject := in.SchemaID.subject()
	versions := r.subjects[subject].live()
	if len(versions) == 0 {
		return nil, noGlueSchema(in.SchemaID)
	}
	v, err := r.register(subject, Schema{Type: versions[0].Type, Text: in.SchemaDefinition}, false)
	if refused, ok := errors.AsType[*Error](err); ok && refused.Status == http.StatusConflict {
		id := glueID(subject, "refused "+in.SchemaDefinition)
		r.refused = append(r.refused, id)
		return glueVersion{SchemaVersionID: id, Status: "PENDING", VersionNumber: len(versions) + 1}, nil
	}
	if err != nil {
		return nil, err
	}
	return glueShown(&v), nil
}

func glueShown(v *Version) glueVersion {
	registry, name, _ := strings.Cut(strings.TrimPrefix(v.Subject, glueSubject), "/")
	return glueVersion{
		SchemaVersionID: glueID(v.Subject, v.Text), SchemaArn: "arn:aws:glue:us-east-1:000000000000:schema/" + registry + "/" + name, SchemaName: name,
		SchemaDefinition: v.Text, DataFormat: v.Type, Status: "AVAILABLE", VersionNumber: v.Version, CreatedTime: "2024-01-01T00:00:00Z",
	}
}

// glueID is the id of a version: the same for the same schema under the same name, whenever it is registered.
func glueID(subject, text string) string {
	sum := sha256.Sum256([]byte(subject + "\x00" + text))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	x := hex.EncodeToString(sum[:16])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
