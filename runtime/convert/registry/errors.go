package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// RefusedError is the answer of a registry that does not have what it was asked for, or does not want to do it.
type RefusedError struct {
	// Status is the HTTP status, Code the registry's own number of what is wrong, which is the status if it gave none.
	Status, Code int
	// Name is what Glue calls what is wrong, such as EntityNotFoundException; "" from other registries.
	Name    string
	Message string
	// Hint is what we can say about it, if anything.
	Hint string
}

// Error implements error in the words of Java's client, with the hint behind them.
func (e *RefusedError) Error() string {
	text := e.Message
	if e.Code > 0 {
		text += "; error code: " + strconv.Itoa(e.Code)
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// JavaClass is the class of the exception in Java.
func (e *RefusedError) JavaClass() string {
	switch {
	case e.Name != "":
		return "software.amazon.awssdk.services.glue.model." + e.Name
	case e.Code == 0:
		return glueException
	}
	return "io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException"
}

// NotFound tells whether the registry does not have what it was asked for.
func (e *RefusedError) NotFound() bool {
	return e.Status == http.StatusNotFound || e.Name == "EntityNotFoundException"
}

// answered makes of a client's error what Port promises.
func answered(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	refused, ok := errors.AsType[*sr.ResponseError](err)
	if !ok {
		return &connect.RetryError{Outage: true, Err: fmt.Errorf("asking the schema registry: %w", err)}
	}
	e := &RefusedError{Status: refused.StatusCode, Code: refused.ErrorCode, Message: refused.Message}
	if e.Code == 0 {
		e.Code = e.Status
	}
	if e.Message == "" {
		e.Message = http.StatusText(e.Status)
	}
	switch {
	case e.Status >= 500, e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout:
		return &connect.RetryError{Outage: true, Err: fmt.Errorf("asking the schema registry: %w", e)}
	case e.Status == http.StatusUnauthorized:
		e.Hint = "the registry wants other credentials: basic.auth.user.info or bearer.auth.token"
	case e.Status == http.StatusForbidden:
		e.Hint = "the registry does not allow this to these credentials"
	case e.Status == http.StatusNotFound && refused.ErrorCode == 0:
		e.Hint = "is schema.registry.url the address of a schema registry, with its path?"
	}
	return e
}

const (
	serializationException = "org.apache.kafka.common.errors.SerializationException"
	configException        = "org.apache.kafka.common.config.ConfigException"
	glueException          = "com.amazonaws.services.schemaregistry.exception.AWSSchemaRegistryException"
)

// words are how a converter speaks of its format.
type words struct {
	typ    string // of its schemas: AVRO, JSON or PROTOBUF
	format string // Avro, Protobuf or JSON
	data   string // what the messages call its data
	read   string // what they call what bytes are turned into
	// newestVersion tells that what is read as the newest schema has that one's version.
	newestVersion bool
	// writing and reading are what the converter says first, %s being a topic, when its own words are others than those of most.
	writing, reading string
	// indexed tells that indexes of a message stand in front of every value.
	indexed bool
	// glue tells that the serializers are those of AWS Glue.
	glue bool
}

// exception is the class of what the serializer throws.
func (w words) exception() string {
	if w.glue {
		return glueException
	}
	return serializationException
}

// encoding is what the serializer was doing when a value did not become bytes.
func (w words) encoding() string {
	if w.glue {
		return "Exception occurred while serializing " + w.format + " message"
	}
	return "Error serializing " + w.format + " message"
}

// decoding is encoding for the other direction.
func (w words) decoding(ref schemaRef) string {
	if w.glue {
		return "Exception occurred while de-serializing " + w.format + " message"
	}
	return "Error deserializing " + w.format + " message for id " + ref.describe(w.typ)
}

// encodeError is what Java's converter makes of an error of its serializer: a retriable one stays so, what the registry
// forbids is a matter of settings, the rest one of the record.
func (w words) encodeError(topic, doing string, err error) error {
	if retry, ok := errors.AsType[*connect.RetryError](err); ok {
		return &connect.RetryError{After: retry.After, Outage: retry.Outage, Err: schema.NewError(
			"org.apache.kafka.connect.errors.RetriableException", fmt.Sprintf("Failed to serialize %s data from topic %s :", w.data, topic), retry.Err)}
	}
	message := fmt.Sprintf("Failed to serialize %s data from topic %s:", w.data, topic)
	if w.writing != "" {
		message = strings.ReplaceAll(w.writing, "%s", topic)
	}
	return w.failed(topic, message, doing, err)
}

// decodeError is encodeError for the other direction.
func (w words) decodeError(topic, doing string, err error) error {
	if retry, ok := errors.AsType[*connect.RetryError](err); ok {
		return &connect.RetryError{After: retry.After, Outage: retry.Outage, Err: schema.NewError(
			"org.apache.kafka.connect.errors.RetriableException", fmt.Sprintf("Failed to deserialize data for topic %s to %s :", topic, w.read), retry.Err)}
	}
	message := fmt.Sprintf("Failed to deserialize data for topic %s to %s:", topic, w.read)
	if w.reading != "" {
		message = strings.ReplaceAll(w.reading, "%s", topic)
	}
	return w.failed(topic, message, doing, err)
}

func (w words) failed(topic, message, doing string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if refused, ok := errors.AsType[*RefusedError](err); ok && refused.Code/100 == 4 && !w.glue {
		return schema.NewError(configException, fmt.Sprintf("Failed to access %s data from topic %s : %s", w.data, topic, refused.Error()), nil)
	}
	if doing != "" {
		err = schema.NewError(w.exception(), doing, err)
	}
	return schema.NewError(schema.DataException, message, err)
}
