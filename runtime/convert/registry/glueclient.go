package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// glueClient is a Port to AWS Glue. Its subjects are the names of schemas in one of Glue's registries, its GUIDs the ids that
// Glue gives to versions.
type glueClient struct {
	memory
	api         *glue.Client
	registry    string
	ttl         time.Duration
	compat      types.Compatibility
	description string
}

// ByGUID implements Port.
func (c *glueClient) ByGUID(ctx context.Context, guid string) (Registered, error) {
	return c.remembered(ctx, "version "+guid, c.ttl, func() (Registered, error) {
		out, err := c.api.GetSchemaVersion(ctx, &glue.GetSchemaVersionInput{SchemaVersionId: &guid})
		if err != nil {
			return Registered{}, glueAnswered(ctx, err)
		}
		r := Registered{Schema: Schema{Type: string(out.DataFormat)}, GUID: guid}
		if out.SchemaDefinition == nil {
			return r, &RefusedError{Status: http.StatusNotFound, Message: "Schema definition is not present for the schema id = " + guid}
		}
		r.Text = *out.SchemaDefinition
		return r, nil
	})
}

// Lookup implements Port. Glue compares schemas as it likes: normalize means nothing to it.
func (c *glueClient) Lookup(ctx context.Context, subject string, s Schema, _ bool) (Registered, error) {
	return c.remembered(ctx, content("lookup", subject, s, false), c.ttl, func() (Registered, error) { return c.lookup(ctx, subject, s) })
}

func (c *glueClient) lookup(ctx context.Context, subject string, s Schema) (Registered, error) {
	out, err := c.api.GetSchemaByDefinition(ctx, &glue.GetSchemaByDefinitionInput{SchemaDefinition: &s.Text, SchemaId: c.name(subject)})
	switch {
	case err != nil:
		return Registered{}, glueAnswered(ctx, err)
	case out.SchemaVersionId == nil || out.Status != types.SchemaVersionStatusAvailable:
		return Registered{}, &RefusedError{Status: http.StatusConflict, Message: "Schema Found but status is " + string(out.Status)}
	}
	return Registered{Schema: s, GUID: *out.SchemaVersionId}, nil
}

func (c *glueClient) name(schema string) *types.SchemaId {
	return &types.SchemaId{SchemaName: &schema, RegistryName: &c.registry}
}

// Register implements Port: it looks for the schema first, and makes a version of the schema of that name, or that schema.
func (c *glueClient) Register(ctx context.Context, subject string, s Schema, _ bool) (Registered, error) {
	return c.remembered(ctx, content("register", subject, s, false), c.ttl, func() (Registered, error) {
		found, err := c.lookup(ctx, subject, s)
		refused, ok := errors.AsType[*RefusedError](err)
		if !ok || !refused.NotFound() {
			return found, err
		}
		var id string
		if strings.Contains(refused.Message, "Schema is not found.") {
			id, err = c.create(ctx, subject, s)
		} else {
			id, err = c.addVersion(ctx, subject, s)
		}
		if err != nil {
			return Registered{}, err
		}
		return Registered{Schema: s, GUID: id}, c.note(ctx, id, s.Topic)
	})
}

func (c *glueClient) create(ctx context.Context, subject string, s Schema) (id string, err error) {
	out, err := c.api.CreateSchema(ctx, &glue.CreateSchemaInput{
		SchemaName: &subject, RegistryId: &types.RegistryId{RegistryName: &c.registry}, SchemaDefinition: &s.Text,
		DataFormat: types.DataFormat(s.Type), Compatibility: c.compat, Description: &c.description,
	})
	if _, raced := errors.AsType[*types.AlreadyExistsException](err); raced {
		return c.addVersion(ctx, subject, s)
	}
	if err != nil {
		return "", glueAnswered(ctx, err)
	}
	return deref(out.SchemaVersionId), nil
}

func (c *glueClient) addVersion(ctx context.Context, subject string, s Schema) (id string, err error) {
	out, err := c.api.RegisterSchemaVersion(ctx, &glue.RegisterSchemaVersionInput{SchemaDefinition: &s.Text, SchemaId: c.name(subject)})
	if err != nil {
		return "", glueAnswered(ctx, err)
	}
	return deref(out.SchemaVersionId), c.checked(ctx, deref(out.SchemaVersionId), out.Status)
}

// How long Glue is given to hold a new version against earlier ones.
const (
	mostChecks  = 10
	shortCheck  = 100 * time.Millisecond
	longestWait = 3 * time.Second
)

// checked waits until Glue has held a new version against earlier ones, and tells whether it fits.
func (c *glueClient) checked(ctx context.Context, id string, status types.SchemaVersionStatus) error {
	wait := shortCheck
	for range mostChecks {
		switch status {
		case types.SchemaVersionStatusAvailable:
			return nil
		case types.SchemaVersionStatusPending:
		default:
			return &RefusedError{
				Status: http.StatusConflict, Message: fmt.Sprintf("Schema evolution check failed. schemaVersionId %s is in %s status.", id, status),
				Hint: "the schema does not fit to earlier versions under the schema's compatibility in Glue",
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
		wait = min(2*wait, longestWait)
		out, err := c.api.GetSchemaVersion(ctx, &glue.GetSchemaVersionInput{SchemaVersionId: &id})
		if err != nil {
			return glueAnswered(ctx, err)
		}
		status = out.Status
	}
	return &connect.RetryError{Outage: true, Err: fmt.Errorf("retries exhausted for schema evolution check for schemaVersionId = %s", id)}
}

// transportKey is the metadata of a version that names the topic it was made for.
const transportKey = "x-amz-meta-transport"

// note writes down for which topic a version was made.
func (c *glueClient) note(ctx context.Context, id, topic string) error {
	key := transportKey
	_, err := c.api.PutSchemaVersionMetadata(ctx, &glue.PutSchemaVersionMetadataInput{
		SchemaVersionId: &id, MetadataKeyValue: &types.MetadataKeyValuePair{MetadataKey: &key, MetadataValue: &topic},
	})
	if _, there := errors.AsType[*types.AlreadyExistsException](err); there || err == nil {
		return nil
	}
	return glueAnswered(ctx, err)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// glueAnswered makes of an error of the SDK what Port promises.
func glueAnswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return &connect.RetryError{Outage: true, Err: fmt.Errorf("asking AWS Glue: %w", glueCause(err))}
	}
	e := &RefusedError{Name: refused.ErrorCode(), Message: refused.ErrorMessage()}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		e.Status = answer.HTTPStatusCode()
	}
	switch e.Name {
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "OperationTimeoutException",
		"ConcurrentModificationException", "ExpiredTokenException", "ExpiredToken", "RequestExpired":
		return &connect.RetryError{Outage: true, Err: fmt.Errorf("asking AWS Glue: %w", e)}
	case "EntityNotFoundException":
		if strings.HasPrefix(e.Message, "Registry") {
			e.Hint = "registry.name must name a registry that is there"
		}
	case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId":
		e.Hint = "the role must allow glue:GetSchemaVersion and glue:GetSchemaByDefinition, and to register also glue:RegisterSchemaVersion, " +
			"glue:CreateSchema and glue:PutSchemaVersionMetadata"
	}
	if e.Status >= http.StatusInternalServerError {
		return &connect.RetryError{Outage: true, Err: fmt.Errorf("asking AWS Glue: %w", e)}
	}
	return e
}

// glueCause is what went wrong, without the SDK's account of what it was doing.
func glueCause(err error) error {
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		return op.Unwrap()
	}
	return err
}
