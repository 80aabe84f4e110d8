package config

import (
	"errors"
	"fmt"
)

// ExceptionClass is the Java class of the error that Kafka raises for a bad setting.
const ExceptionClass = "org.apache.kafka.common.config.ConfigException"

// Error is one thing wrong with one setting.
type Error struct {
	// Key is the setting's name.
	Key string
	// Value is the value as Java prints it, "null" for null, secrets hidden. Empty when the message is not about a value.
	Value string
	// Message is Kafka's text, whole.
	Message string
}

// Invalid is Kafka's error about a value: "Invalid value v for configuration k: why". Secrets are hidden. Validators use
// it. why may be empty.
func Invalid(name string, value any, why string) *Error {
	text := Print(value)
	message := "Invalid value " + text + " for configuration " + name
	if why != "" {
		message += ": " + why
	}
	return &Error{Key: name, Value: text, Message: message}
}

// Errorf is an error about a setting in words of one's own.
func Errorf(name, format string, args ...any) *Error {
	return &Error{Key: name, Message: fmt.Sprintf(format, args...)}
}

// Error implements error. It is the message.
func (e *Error) Error() string { return e.Message }

// JavaClass is the class of the exception that Kafka raises.
func (e *Error) JavaClass() string { return ExceptionClass }

// Class is the class of the exception that Kafka raises.
func (e *Error) Class() string { return ExceptionClass }

// Errors returns every Error in err, in order.
func Errors(err error) []*Error {
	switch e := err.(type) { //nolint:errorlint // it walks the tree of errors itself
	case nil:
		return nil
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() []error }:
		var all []*Error
		for _, one := range e.Unwrap() {
			all = append(all, Errors(one)...)
		}
		return all
	}
	return Errors(errors.Unwrap(err))
}

// UnderPrefix returns err with prefix before the name of every setting in it. The messages stay as they are.
func UnderPrefix(err error, prefix string) error {
	named := Errors(err)
	if len(named) == 0 {
		return err
	}
	all := make([]error, len(named))
	for i, e := range named {
		full := *e
		full.Key = prefix + e.Key
		all[i] = &full
	}
	return errors.Join(all...)
}
