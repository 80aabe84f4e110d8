package secret

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// service is what differs between the two services that keep secrets.
type service struct {
	name   string // in host names and signatures
	env    string // the end of the variable that names its endpoint
	target string // the operation
	action string // what a role must allow
	noun   string
	locate func(rest string) (id, key string)
	ask    func(id string) any
	read   func(answer []byte) (string, error)
}

func secretsManager() service {
	return service{
		name: "secretsmanager", env: "SECRETS_MANAGER", target: "secretsmanager.GetSecretValue",
		action: "secretsmanager:GetSecretValue", noun: "secret", locate: locateSecret,
		ask: func(id string) any { return map[string]string{"SecretId": id} },
		read: func(answer []byte) (string, error) {
			var a struct {
				SecretString *string
				SecretBinary []byte
			}
			if err := json.Unmarshal(answer, &a); err != nil {
				return "", errors.New("the answer is not what Secrets Manager answers")
			}
			if a.SecretString != nil {
				return *a.SecretString, nil
			}
			return string(a.SecretBinary), nil
		},
	}
}

func parameterStore() service {
	return service{
		name: "ssm", env: "SSM", target: "AmazonSSM.GetParameter", action: "ssm:GetParameter", noun: "parameter",
		// A parameter's name may be an ARN, or end with a version or label: all of it is the name.
		locate: func(rest string) (id, key string) { return unescape(strings.TrimPrefix(rest, ":")), "" },
		ask:    func(id string) any { return map[string]any{"Name": id, "WithDecryption": true} },
		read: func(answer []byte) (string, error) {
			var a struct{ Parameter struct{ Value *string } }
			if err := json.Unmarshal(answer, &a); err != nil || a.Parameter.Value == nil {
				return "", errors.New("the answer is not what Systems Manager answers")
			}
			return *a.Parameter.Value, nil
		},
	}
}

// locateSecret parts name:key and arn:…:secret:name:key. The colons of the ARN may be written %3A, too.
func locateSecret(rest string) (id, key string) {
	rest = strings.TrimPrefix(rest, ":")
	if strings.HasPrefix(rest, "arn:") {
		if fields := strings.SplitN(rest, ":", 8); len(fields) == 8 {
			return strings.Join(fields[:7], ":"), fields[7]
		}
		return rest, ""
	}
	id, key, _ = strings.Cut(rest, ":")
	return unescape(id), key
}

func unescape(id string) string {
	if plain, err := url.PathUnescape(id); err == nil {
		return plain
	}
	return id
}

// store is a provider over one of the services.
type store struct {
	service
	env      func(string) string
	client   *http.Client
	region   string
	endpoint string
	keep     time.Duration
}

func newAWS(o Options, s service, params map[string]string) provider {
	keep, err := ttlOf(params)
	if err != nil {
		return broken{err}
	}
	env := func(name string) string {
		v, _ := o.LookupEnv(name)
		return v
	}
	return &store{service: s, env: env, client: o.Client, region: params["region"], endpoint: params["endpoint"], keep: keep}
}

func (s *store) locate(rest string) (place, key string) { return s.service.locate(rest) }
func (s *store) ttl() time.Duration                     { return s.keep }

func (s *store) load(ctx context.Context, id string) (lookup, error) {
	if id == "" {
		return nil, fmt.Errorf("the placeholder names no %s", s.noun)
	}
	region := first(regionOf(id), s.region, s.env("AWS_REGION"), s.env("AWS_DEFAULT_REGION"))
	if region == "" {
		return nil, fmt.Errorf("reading %s %s: no region; set AWS_REGION", s.noun, id)
	}
	answer, err := s.call(ctx, region, id)
	if err != nil {
		return nil, fmt.Errorf("reading %s %s in %s: %w", s.noun, id, region, err)
	}
	value, err := s.read(answer)
	if err != nil {
		return nil, fmt.Errorf("reading %s %s in %s: %w", s.noun, id, region, err)
	}
	return func(key string) (string, bool, error) { return member(value, key) }, nil
}

// member is a member of a JSON secret, or all of the secret.
func member(value, key string) (string, bool, error) {
	if key == "" {
		return value, true, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &members) != nil {
		return "", false, fmt.Errorf("it is not a JSON object, so that it has no %q; leave that out to get all of it", key)
	}
	raw, ok := members[key]
	if !ok || string(raw) == "null" {
		return "", false, fmt.Errorf("it has no %q", key)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, true, nil
	}
	return string(raw), true, nil
}

// regionOf is the region in an ARN.
func regionOf(id string) string {
	if fields := strings.SplitN(id, ":", 5); len(fields) == 5 && fields[0] == "arn" {
		return fields[3]
	}
	return ""
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// attempts is how often a request is made that fails for no fault of its own.
const attempts = 3

func (s *store) call(ctx context.Context, region, id string) ([]byte, error) {
	body, err := json.Marshal(s.ask(id))
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		answer, err := s.once(ctx, region, body)
		if err == nil || !isUnreachable(err) || n == attempts {
			return answer, err
		}
		wait := time.NewTimer(time.Duration(n*n)*100*time.Millisecond + rand.N(100*time.Millisecond))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil, err
		case <-wait.C:
		}
	}
}

func (s *store) once(ctx context.Context, region string, body []byte) ([]byte, error) {
	request, err := s.request(ctx, region, body)
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, &unreachableError{fmt.Errorf("%w; a function inside a VPC needs a way to %s: a NAT gateway or an interface endpoint", err, request.URL.Host)}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, &unreachableError{fmt.Errorf("reading the answer of %s: %w", request.URL.Host, err)}
	}
	if response.StatusCode != http.StatusOK {
		return nil, s.refused(response, answer)
	}
	return answer, nil
}

// request makes one signed request. A whole client of the service would cost a function more than all else it does at its
// start.
func (s *store) request(ctx context.Context, region string, body []byte) (*http.Request, error) {
	endpoint := first(s.endpoint, s.env("AWS_ENDPOINT_URL_"+s.service.env), s.env("AWS_ENDPOINT_URL"))
	if endpoint == "" {
		endpoint = "https://" + s.name + "." + region + ".amazonaws.com"
		if strings.HasPrefix(region, "cn-") {
			endpoint += ".cn"
		}
	}
	credentials := aws.Credentials{
		AccessKeyID: s.env("AWS_ACCESS_KEY_ID"), SecretAccessKey: s.env("AWS_SECRET_ACCESS_KEY"),
		SessionToken: s.env("AWS_SESSION_TOKEN"),
	}
	if !credentials.HasKeys() {
		return nil, errors.New("no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", s.target)
	sum := sha256.Sum256(body)
	return request, v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), s.name, region, time.Now())
}

// unreachableError is a failure that may be over at the next try.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return e.err.Error() }
func (e *unreachableError) Unwrap() error { return e.err }

func isUnreachable(err error) bool {
	_, ok := errors.AsType[*unreachableError](err)
	return ok
}

// refused says why the service gave no value, and what may help.
func (s *store) refused(response *http.Response, answer []byte) error {
	var a struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // or Message: names are matched in either case
	}
	_ = json.Unmarshal(answer, &a) // what is no JSON has no type
	code := a.Type[strings.LastIndexByte(a.Type, '#')+1:]
	if code == "" {
		code, _, _ = strings.Cut(response.Header.Get("X-Amzn-Errortype"), ":")
	}
	err := fmt.Errorf("%s: %s", first(code, response.Status), first(a.Message, "no message"))
	cause := ""
	switch code {
	case "AccessDeniedException":
		cause = "the role needs " + s.action + " on this " + s.noun + ", and kms:Decrypt on its key if that is not AWS's own"
	case "ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound":
		cause = "there is no such " + s.noun + " in this account and region, or it has no value yet"
	case "DecryptionFailure", "InvalidKeyId":
		cause = "the role needs kms:Decrypt on its key"
	case "UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignature", "ExpiredTokenException", "InvalidClientTokenId":
		cause = "the credentials are not valid there, or no longer"
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded":
		return &unreachableError{err}
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return &unreachableError{err}
	}
	if cause == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, cause)
}
