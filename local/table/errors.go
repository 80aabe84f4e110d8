package table

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// An apiError is an answer of the service other than success, in the form the AWS SDKs parse.
type apiError struct {
	status  int
	kind    string // the error type with its name space, the SDKs look at what follows '#'
	message string
	item    item           // ConditionalCheckFailedException: the item that failed it, when asked for
	reasons []cancellation // TransactionCanceledException: one for each action, in order
}

// A cancellation says why one action of a transaction did or did not contribute to cancelling it.
type cancellation struct {
	code    string
	message string
	item    item
}

const (
	serviceErrors  = "com.amazonaws.dynamodb.v20120810#"
	coralErrors    = "com.amazon.coral.service#"
	validateErrors = "com.amazon.coral.validate#"

	conditionFailed = "The conditional request failed"
)

func (e *apiError) Error() string { return e.kind + ": " + e.message }

// body renders the error as the JSON document of a reply.
func (e *apiError) body() []byte {
	o := newObject()
	o.str("__type", e.kind)
	switch {
	case e.reasons != nil:
		// This one error capitalises its message.
		o.str("Message", e.message)
		o.raw("CancellationReasons", appendReasons(nil, e.reasons))
	case e.message != "":
		o.str("message", e.message)
	}
	if e.item != nil {
		o.item("Item", e.item)
	}
	return o.close()
}

func appendReasons(b []byte, reasons []cancellation) []byte {
	b = append(b, '[')
	for i, r := range reasons {
		if i > 0 {
			b = append(b, ',')
		}
		o := newObject()
		o.str("Code", r.code)
		if r.message != "" {
			o.str("Message", r.message)
		}
		if r.item != nil {
			o.item("Item", r.item)
		}
		b = append(b, o.close()...)
	}
	return append(b, ']')
}

func invalid(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: validateErrors + "ValidationException", message: fmt.Sprintf(format, args...)}
}

// unreadable is for bodies that are not JSON or hold JSON of the wrong type.
func unreadable(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: coralErrors + "SerializationException", message: fmt.Sprintf(format, args...)}
}

func unknownOperation() *apiError {
	return &apiError{status: http.StatusBadRequest, kind: coralErrors + "UnknownOperationException", message: "An unknown operation was requested."}
}

func noSuchTable(name string) *apiError {
	return &apiError{
		status: http.StatusBadRequest, kind: serviceErrors + "ResourceNotFoundException",
		message: "Requested resource not found: Table: " + name + " not found",
	}
}

func inUse(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: serviceErrors + "ResourceInUseException", message: fmt.Sprintf(format, args...)}
}

// failedCondition carries the item that failed the condition if the request asked for it; nil otherwise.
func failedCondition(found item) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: serviceErrors + "ConditionalCheckFailedException", message: conditionFailed, item: found}
}

func cancelled(reasons []cancellation) *apiError {
	var message strings.Builder
	message.WriteString("Transaction cancelled, please refer cancellation reasons for specific reasons [")
	for i, r := range reasons {
		if i > 0 {
			message.WriteString(", ")
		}
		message.WriteString(r.code)
	}
	return &apiError{status: http.StatusBadRequest, kind: serviceErrors + "TransactionCanceledException", message: message.String() + "]", reasons: reasons}
}

func tokenMismatch() *apiError {
	return &apiError{
		status: http.StatusBadRequest, kind: serviceErrors + "IdempotentParameterMismatchException",
		message: "The request uses the same client token as a previous, but non-identical request.",
	}
}

// internal hides nothing: whoever reads it runs the endpoint on the same machine.
func internal(err error) *apiError {
	return &apiError{status: http.StatusInternalServerError, kind: serviceErrors + "InternalServerError", message: err.Error()}
}

func tooMany(what string, most int) *apiError {
	return invalid("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %s", what, strconv.Itoa(most))
}

func tooFew(what string) *apiError {
	return invalid("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length greater than or equal to 1", what)
}
