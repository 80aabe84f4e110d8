package kafka

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Credentials gives the AWS credentials to sign in with where sasl.mechanism is AWS_MSK_IAM. It is asked for every
// connection, so it should cache. An empty session means that there is none.
type Credentials func(ctx context.Context) (key, secret, session string, err error)

// saslSettings are the settings whose names begin with sasl.
type saslSettings struct {
	mechanism string
	module    string
	options   map[string]string

	tokenURL, clientID, clientSecret, scope string
	urlEncode                               bool
}

const (
	securityPackage = "org.apache.kafka.common.security."
	mskPackage      = "software.amazon.msk.auth.iam."
)

func (s *saslSettings) settings(all map[string]setting, do func(func(string) error) setting, ignore, refuse func(string) setting) {
	all["sasl.mechanism"] = do(s.setMechanism)
	all["sasl.jaas.config"] = do(s.setJAAS)
	all["sasl.client.callback.handler.class"] = do(callbackHandler(
		mskPackage+"IAMClientCallbackHandler", securityPackage+"oauthbearer.OAuthBearerSaslClientCallbackHandler"))
	all["sasl.login.callback.handler.class"] = do(callbackHandler(
		securityPackage+"oauthbearer.OAuthBearerLoginCallbackHandler", securityPackage+"oauthbearer.secured.OAuthBearerLoginCallbackHandler"))
	all["sasl.login.class"] = refuse(noJavaCode)
	all["sasl.oauthbearer.token.endpoint.url"] = do(text(&s.tokenURL))
	all["sasl.oauthbearer.client.credentials.client.id"] = do(text(&s.clientID))
	all["sasl.oauthbearer.client.credentials.client.secret"] = do(text(&s.clientSecret))
	all["sasl.oauthbearer.scope"] = do(text(&s.scope))
	all["sasl.oauthbearer.header.urlencode"] = do(boolean(&s.urlEncode))
	for _, key := range []string{"scope.claim.name", "sub.claim.name"} {
		all["sasl.oauthbearer."+key] = ignore("the broker reads the token's claims, not the client")
	}
	for _, key := range []string{
		"clock.skew.seconds", "expected.audience", "expected.issuer", "jwks.endpoint.refresh.ms",
		"jwks.endpoint.retry.backoff.max.ms", "jwks.endpoint.retry.backoff.ms", "jwks.endpoint.url", "jwt.validator.class",
	} {
		all["sasl.oauthbearer."+key] = ignore("it concerns brokers that check tokens")
	}
	for _, key := range []string{
		"assertion.algorithm", "assertion.claim.aud", "assertion.claim.exp.seconds", "assertion.claim.iss", "assertion.claim.jti.include",
		"assertion.claim.nbf.seconds", "assertion.claim.sub", "assertion.file", "assertion.private.key.file",
		"assertion.private.key.passphrase", "assertion.template.file", "jwt.retriever.class",
	} {
		all["sasl.oauthbearer."+key] = refuse("tokens are fetched with a client id and secret only")
	}
	for _, key := range []string{"kinit.cmd", "min.time.before.relogin", "service.name", "ticket.renew.jitter", "ticket.renew.window.factor"} {
		all["sasl.kerberos."+key] = ignore(noKerberos)
	}
	for _, key := range []string{
		"connect.timeout.ms", "read.timeout.ms", "refresh.buffer.seconds", "refresh.min.period.seconds", "refresh.window.factor",
		"refresh.window.jitter", "retry.backoff.max.ms", "retry.backoff.ms",
	} {
		all["sasl.login."+key] = ignore("a token is fetched for each connection, within the time connecting may take")
	}
}

func (s *saslSettings) setMechanism(value string) error {
	switch value {
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "AWS_MSK_IAM", "OAUTHBEARER":
		s.mechanism = value
		return nil
	case "GSSAPI", "":
		return errors.New("cannot be honoured: " + noKerberos)
	default:
		return fmt.Errorf("invalid value %q: must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, AWS_MSK_IAM, OAUTHBEARER", value)
	}
}

func callbackHandler(known ...string) func(string) error {
	return func(value string) error {
		if value == "" || slices.Contains(known, value) {
			return nil
		}
		return fmt.Errorf("%s cannot be honoured: %s", value, noJavaCode)
	}
}

func (s *saslSettings) setJAAS(value string) error {
	if value == "" {
		s.module, s.options = "", nil
		return nil
	}
	var err error
	s.module, s.options, err = parseJAAS(value)
	return err
}

// login returns the way to sign in, or what is missing for it.
func (s *saslSettings) login(credentials Credentials) (sasl.Mechanism, error) {
	wrong := func(key, format string, args ...any) (sasl.Mechanism, error) {
		return nil, &SettingError{key, fmt.Errorf(format, args...)}
	}
	var want string
	switch s.mechanism {
	case "":
		return wrong("sasl.mechanism", "is missing (Kafka's default is GSSAPI): %s", noKerberos)
	case "PLAIN":
		want = securityPackage + "plain.PlainLoginModule"
	case "OAUTHBEARER":
		want = securityPackage + "oauthbearer.OAuthBearerLoginModule"
	case "AWS_MSK_IAM":
		want = mskPackage + "IAMLoginModule"
	default:
		want = securityPackage + "scram.ScramLoginModule"
	}
	if s.module == "" {
		// Kafka insists on this setting for every mechanism, but for the last two there is nothing it could say.
		if s.mechanism != "AWS_MSK_IAM" && s.mechanism != "OAUTHBEARER" {
			return wrong("sasl.jaas.config", "is missing: expected %s required username=\"…\" password=\"…\";", want)
		}
	} else if s.module != want {
		return wrong("sasl.jaas.config", "names %s, but sasl.mechanism %s needs %s", s.module, s.mechanism, want)
	}

	switch s.mechanism {
	case "AWS_MSK_IAM":
		return s.iam(credentials)
	case "OAUTHBEARER":
		return s.bearer()
	}
	user, password := s.options["username"], s.options["password"]
	if user == "" || password == "" {
		return wrong("sasl.jaas.config", "has no username or no password")
	}
	switch s.mechanism {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return s.scram(user, password).AsSha256Mechanism(), nil
	default:
		return s.scram(user, password).AsSha512Mechanism(), nil
	}
}

func (s *saslSettings) scram(user, password string) scram.Auth {
	return scram.Auth{User: user, Pass: password, IsToken: s.options["tokenauth"] == "true"}
}

func (s *saslSettings) iam(credentials Credentials) (sasl.Mechanism, error) {
	for _, option := range []string{"awsProfileName", "awsRoleArn", "awsRoleSessionName", "awsStsRegion", "awsRoleExternalId", "awsRoleAccessKeyId"} {
		if s.options[option] != "" {
			return nil, &SettingError{"sasl.jaas.config", fmt.Errorf("%s cannot be honoured: a function signs in with its own role", option)}
		}
	}
	if credentials == nil {
		return nil, &SettingError{"sasl.mechanism", errors.New("AWS_MSK_IAM needs AWS credentials, and there are none here")}
	}
	return aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
		key, secret, session, err := credentials(ctx)
		if err != nil {
			return aws.Auth{}, fmt.Errorf("getting AWS credentials: %w", err)
		}
		return aws.Auth{AccessKey: key, SecretKey: secret, SessionToken: session, UserAgent: "sluice"}, nil
	}), nil
}

func (s *saslSettings) bearer() (sasl.Mechanism, error) {
	grant := clientGrant{url: s.tokenURL, id: s.clientID, secret: s.clientSecret, scope: s.scope}
	if grant.id == "" {
		grant.id, grant.secret = s.options["clientId"], s.options["clientSecret"]
	}
	if grant.scope == "" {
		grant.scope = s.options["scope"]
	}
	if s.urlEncode {
		grant.id, grant.secret = url.QueryEscape(grant.id), url.QueryEscape(grant.secret)
	}
	switch {
	case grant.url == "":
		return nil, &SettingError{"sasl.oauthbearer.token.endpoint.url", errors.New("is missing: tokens are fetched from there")}
	case !strings.HasPrefix(grant.url, "https://") && !strings.HasPrefix(grant.url, "http://"):
		return nil, &SettingError{"sasl.oauthbearer.token.endpoint.url", errors.New("must be an https address: tokens are fetched from a server, not from a file")}
	case grant.id == "" || grant.secret == "":
		return nil, &SettingError{"sasl.oauthbearer.client.credentials.client.id", errors.New("is missing, or its secret is; they may also stand in sasl.jaas.config as clientId and clientSecret")}
	}
	return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := grant.token(ctx)
		if err != nil {
			return oauth.Auth{}, fmt.Errorf("fetching a token from %s: %w", grant.url, err)
		}
		return oauth.Auth{Token: token, Extensions: s.extensions()}, nil
	}), nil
}

// extensions returns the options that are sent along with a token, which is how some clouds choose a cluster.
func (s *saslSettings) extensions() map[string]string {
	var out map[string]string
	for option, value := range s.options {
		if name, ok := strings.CutPrefix(option, "extension_"); ok {
			if out == nil {
				out = make(map[string]string)
			}
			out[name] = value
		}
	}
	return out
}
