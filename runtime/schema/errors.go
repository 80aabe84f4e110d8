package schema

import (
	"fmt"
	"strings"
)

// Java class names of the errors that Connect raises about data. Dead letters and clients name them.
const (
	DataException            = "org.apache.kafka.connect.errors.DataException"
	ConnectException         = "org.apache.kafka.connect.errors.ConnectException"
	SchemaBuilderException   = "org.apache.kafka.connect.errors.SchemaBuilderException"
	SchemaProjectorException = "org.apache.kafka.connect.errors.SchemaProjectorException"
)

// Error is a failure that Connect reports by an exception: Class is the exception's Java class, Message its message
// exactly as Connect words it, Cause what lay under it, if anything.
type Error struct {
	Class   string
	Message string
	Cause   error
}

// NewError returns an error of a Java class. cause may be nil.
func NewError(class, message string, cause error) *Error {
	return &Error{Class: class, Message: message, Cause: cause}
}

// Errorf returns a DataException without a cause.
func Errorf(format string, args ...any) *Error {
	return &Error{Class: DataException, Message: fmt.Sprintf(format, args...)}
}

// Error implements error: the message, and the cause behind it.
func (e *Error) Error() string {
	switch {
	case e.Cause == nil:
		return e.Message
	case strings.HasSuffix(e.Message, ": "):
		return e.Message + e.Cause.Error()
	case strings.HasSuffix(e.Message, ":"):
		return e.Message + " " + e.Cause.Error()
	}
	return e.Message + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// JavaClass is the exception's class.
func (e *Error) JavaClass() string { return e.Class }
