package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	// ErrDeliveryTimeout is in the chain of errors for records that were not acknowledged in the time given.
	ErrDeliveryTimeout = errors.New("not acknowledged within the delivery time-out")
	// ErrAborted is in the chain of errors for records that [Producer.Abort] dropped.
	ErrAborted = errors.New("dropped, because the producer was aborted")
)

// ProduceError says that a record was not acknowledged.
type ProduceError struct {
	// Index of the record in the slab handed to Produce, or -1 if the error concerns all that was outstanding.
	Index int
	// Topic of the record; empty if Index is -1.
	Topic string
	// Err says why, with the likely cause.
	Err error
}

// Error implements error.
func (e *ProduceError) Error() string {
	if e.Topic == "" {
		return fmt.Sprintf("producing records: %v", e.Err)
	}
	return fmt.Sprintf("producing to topic %s: %v", e.Topic, e.Err)
}

// Unwrap returns Err.
func (e *ProduceError) Unwrap() error { return e.Err }

// RecordTooLargeError says that a record is larger than allowed.
type RecordTooLargeError struct {
	// Topic the record was for.
	Topic string
	// Size of its key, value and headers in bytes.
	Size int
	// Limit in bytes that it is beyond, or 0 if the broker refused it without saying how much it takes.
	Limit int
	// Setting is where Limit comes from: max.request.size, or max.message.bytes of the topic.
	Setting string
}

// Error implements error.
func (e *RecordTooLargeError) Error() string {
	switch e.Setting {
	case "":
		return fmt.Sprintf("the broker refused a record of %d bytes as too large (max.message.bytes of the topic?)", e.Size)
	case maxMessageBytes:
		return fmt.Sprintf("a record of %d bytes is larger than the topic takes, its max.message.bytes is %d", e.Size, e.Limit)
	default:
		return fmt.Sprintf("a record of %d bytes is larger than %d, which is the value of the %s configuration", e.Size, e.Limit, e.Setting)
	}
}

const (
	maxMessageBytes = "max.message.bytes"
	maxRequestSize  = "max.request.size"
)

// ConnectError says that a broker could not be connected to.
type ConnectError struct {
	// Broker is the address, host:port.
	Broker string
	// Err says why, with the likely cause.
	Err error
}

// Error implements error.
func (e *ConnectError) Error() string {
	return fmt.Sprintf("connecting to broker %s: %v", e.Broker, e.Err)
}

// Unwrap returns Err.
func (e *ConnectError) Unwrap() error { return e.Err }

// IsRetriable says whether the same may succeed later without anybody changing anything: Kafka's RetriableException.
func IsRetriable(err error) bool {
	var network net.Error
	var dropped *net.OpError
	switch {
	case err == nil || permanent(err):
		return false
	case errors.Is(err, ErrDeliveryTimeout), errors.Is(err, ErrAborted), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, kgo.ErrRecordRetries), errors.Is(err, errSmallerBatches),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return true
	case errors.As(err, &network), errors.As(err, &dropped):
		return true
	}
	return kerr.IsRetriable(kafkaError(err))
}

// IsUnknownTopic says whether the topic, or the partition asked for, does not exist.
func IsUnknownTopic(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, errNoPartition)
}

// IsAuthorization says whether the user was not let in or is not allowed to do what was asked.
func IsAuthorization(err error) bool {
	for _, e := range []error{
		kerr.SaslAuthenticationFailed, kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.GroupAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed, errSignIn,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// IsFenced says whether another producer has taken this one's place.
func IsFenced(err error) bool {
	for _, e := range []error{
		kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.FencedInstanceID, kerr.InvalidProducerIDMapping, kerr.OperationNotAttempted,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

var (
	errNoPartition = errors.New("the topic does not have the partition asked for")
	errSignIn      = errors.New("closed the connection during authentication (wrong user or password?)")
)

// kafkaError returns the broker's answer in the chain of err, or nil.
func kafkaError(err error) error {
	if answer, ok := errors.AsType[*kerr.Error](err); ok {
		return answer
	}
	return nil
}

// permanent says whether err cannot be cured by time.
func permanent(err error) bool {
	var unknownCA x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var tooLarge *RecordTooLargeError
	return IsAuthorization(err) || IsFenced(err) || errors.As(err, &tooLarge) || errors.Is(err, errNoPartition) ||
		errors.As(err, &unknownCA) || errors.As(err, &wrongHost) || errors.As(err, &invalid) || errors.As(err, &verification) ||
		errors.Is(err, kerr.UnsupportedSaslMechanism) || errors.Is(err, kerr.IllegalSaslState) || errors.Is(err, context.Canceled)
}

// concernsRecord says whether err is about a record or its topic alone, so that those after it may be sent.
func concernsRecord(err error) bool {
	var tooLarge *RecordTooLargeError
	if errors.As(err, &tooLarge) || IsUnknownTopic(err) {
		return true
	}
	for _, e := range []error{
		kerr.TopicAuthorizationFailed, kerr.InvalidTopicException, kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.PolicyViolation,
		kerr.UnsupportedForMessageFormat,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// explain puts the likely cause into the error of a record.
func explain(r *Record, limits *batchLimits, err error) error {
	switch {
	case errors.Is(err, kgo.ErrClientClosed), errors.Is(err, kgo.ErrAborting):
		return ErrAborted
	case errors.Is(err, kerr.MessageTooLarge):
		return tooLarge(r, limits, err)
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("the topic does not exist and was not created (is auto.create.topics.enable off at the broker?): %w", err)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return fmt.Errorf("the user may not write to the topic: %w", err)
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("the user may not write idempotently (brokers before Kafka 3.0 need the IdempotentWrite permission, or enable.idempotence=false): %w", err)
	case IsFenced(err):
		return fmt.Errorf("another producer has taken this one's place: %w", err)
	case strings.HasPrefix(err.Error(), "invalid record partitioning choice"):
		return fmt.Errorf("%w: %w", errNoPartition, err)
	}
	return err
}

// tooLarge tells records that are too large from those that were in a batch that is.
func tooLarge(r *Record, limits *batchLimits, err error) error {
	e := &RecordTooLargeError{Topic: r.Topic, Size: recordSize(r)}
	// Only a broker's answer tells of compressed bytes. The library's own check counts what the format of batches adds,
	// so it may refuse a record that is a few bytes below the limit.
	if !strings.Contains(err.Error(), ", compressed_bytes=") {
		e.Limit, e.Setting = int(limits.of(r.Topic)), maxMessageBytes
		if e.Limit == int(limits.most) {
			e.Setting = maxRequestSize
		}
		return e
	}
	if limits.smaller(r.Topic, e.Size) {
		return fmt.Errorf("%w: %w", errSmallerBatches, err)
	}
	return e
}

// explainConnect puts the likely cause into the error of connecting to a broker. Signed says whether a user is signed
// in, secure whether TLS is spoken.
func explainConnect(broker string, err error, signed, secure bool) *ConnectError {
	var early *kgo.ErrFirstReadEOF
	var notTLS tls.RecordHeaderError
	var unknownCA x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var notFound *net.DNSError
	switch ended := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET); {
	case errors.As(err, &early) && strings.Contains(early.Error(), "api versions"):
		err = fmt.Errorf("the broker hung up at once (does it want TLS, security.protocol SSL or SASL_SSL?): %w", err)
	case ended && signed:
		// Many brokers do not answer a wrong password, they hang up.
		err = fmt.Errorf("%w: %w", errSignIn, err)
	case ended && secure:
		err = fmt.Errorf("the broker hung up at once (does it speak TLS at this port?): %w", err)
	case ended:
		err = fmt.Errorf("the broker hung up at once (does it want TLS or a user, see security.protocol?): %w", err)
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		err = fmt.Errorf("the broker does not let the user in (wrong user or password?): %w", err)
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		err = fmt.Errorf("the broker does not know this sasl.mechanism: %w", err)
	case errors.As(err, &notTLS):
		err = fmt.Errorf("the broker does not speak TLS at this port: %w", err)
	case errors.As(err, &unknownCA):
		err = fmt.Errorf("the broker's certificate is signed by somebody unknown (ssl.truststore.certificates?): %w", err)
	case errors.As(err, &wrongHost):
		err = fmt.Errorf("the broker's certificate is for another host (ssl.endpoint.identification.algorithm?): %w", err)
	case errors.As(err, &notFound) && notFound.IsNotFound:
		err = fmt.Errorf("there is no such host (bootstrap.servers?): %w", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		err = fmt.Errorf("nobody listens at this port: %w", err)
	}
	return &ConnectError{broker, err}
}

// recordSize is the size of what a user put into r.
func recordSize(r *Record) int {
	n := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}
