package kafka_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// identity is a certificate, the certificate of who signed it, and its key, in PEM.
type identity struct{ ca, cert, key string }

// newIdentity makes a certificate for a host, signed by somebody new.
func newIdentity(t *testing.T, host string) identity {
	t.Helper()
	sign := func(template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	validity := func(c x509.Certificate) *x509.Certificate {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		return &c
	}
	caKey, key := newKey(), newKey()
	ca := validity(x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	leaf := validity(x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = []string{host}
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return identity{
		ca:   encode("CERTIFICATE", sign(ca, ca, caKey, caKey)),
		cert: encode("CERTIFICATE", sign(leaf, ca, key, caKey)),
		key:  encode("PRIVATE KEY", pkcs8),
	}
}

// server is a TLS configuration with the identity, that asks for a client certificate of whom clients signs.
func (id identity) server(t *testing.T, clients string) *tls.Config {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(id.cert), []byte(id.key))
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clients != "" {
		c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		c.ClientCAs.AppendCertsFromPEM([]byte(clients))
	}
	return c
}

func (id identity) file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.pem")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func scram(user, password string) string {
	return fmt.Sprintf(`org.apache.kafka.common.security.scram.ScramLoginModule required username="%s" password="%s";`, user, password)
}

func plain(user, password string) string {
	return fmt.Sprintf(`org.apache.kafka.common.security.plain.PlainLoginModule required username="%s" password="%s";`, user, password)
}

func TestProducer_SignsIn(t *testing.T) {
	t.Parallel()
	id, other := newIdentity(t, "127.0.0.1"), newIdentity(t, "kafka.example")
	encrypted := string(readFile(t, "testdata/encrypted-key.pem"))
	for _, test := range []struct {
		name  string
		opts  []kfake.Opt
		props []string
	}{
		{"TLS", []kfake.Opt{kfake.TLS(id.server(t, ""))}, []string{"security.protocol", "SSL", "ssl.truststore.type", "PEM", "ssl.truststore.certificates", id.ca}},
		{"TLS from a file", []kfake.Opt{kfake.TLS(id.server(t, ""))}, []string{"security.protocol", "ssl", "ssl.truststore.type", "PEM", "ssl.truststore.location", id.file(t, id.ca)}},
		{"TLS of another host", []kfake.Opt{kfake.TLS(other.server(t, ""))}, []string{"security.protocol", "SSL", "ssl.endpoint.identification.algorithm", "", "ssl.truststore.certificates", other.ca}},
		{"TLS 1.2 with one cipher", []kfake.Opt{kfake.TLS(id.server(t, ""))}, []string{
			"security.protocol", "SSL", "ssl.truststore.certificates", id.ca,
			"ssl.enabled.protocols", "TLSv1.2", "ssl.cipher.suites", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		}},
		{"client certificate", []kfake.Opt{kfake.TLS(id.server(t, other.ca))}, []string{
			"security.protocol", "SSL", "ssl.truststore.certificates", id.ca,
			"ssl.keystore.type", "PEM", "ssl.keystore.key", other.key, "ssl.keystore.certificate.chain", other.cert,
		}},
		{"client certificate from a file", []kfake.Opt{kfake.TLS(id.server(t, other.ca))}, []string{
			"security.protocol", "SSL", "ssl.truststore.certificates", id.ca,
			"ssl.keystore.type", "PEM", "ssl.keystore.location", other.file(t, other.key+other.cert),
		}},
		{"client certificate with an encrypted key", []kfake.Opt{kfake.TLS(id.server(t, string(readFile(t, "testdata/encrypted-cert.pem"))))}, []string{
			"security.protocol", "SSL", "ssl.truststore.certificates", id.ca, "ssl.key.password", "open sesame",
			"ssl.keystore.type", "PEM", "ssl.keystore.key", encrypted, "ssl.keystore.certificate.chain", string(readFile(t, "testdata/encrypted-cert.pem")),
		}},
		{"PLAIN", []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "ada", "pass word")}, []string{
			"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "PLAIN", "sasl.jaas.config", plain("ada", "pass word"),
		}},
		{"SCRAM-SHA-256", []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "ada", `a"b\c`)}, []string{
			"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-256", "sasl.jaas.config", scram("ada", `a\"b\\c`),
		}},
		{"SCRAM-SHA-512 over TLS", []kfake.Opt{kfake.EnableSASL(), kfake.TLS(id.server(t, "")), kfake.Superuser("SCRAM-SHA-512", "ada", "secret")}, []string{
			"security.protocol", "SASL_SSL", "ssl.truststore.certificates", id.ca, "sasl.mechanism", "SCRAM-SHA-512", "sasl.jaas.config", scram("ada", "secret"),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, append(test.opts, kfake.SeedTopics(1, "orders"))...)
			p := newProducer(t, kafka.ProducerConfig{Properties: c.props(test.props...), DeliveryTimeout: 10 * time.Second})
			if err := p.Produce(t.Context(), slab("orders", 0, 0, 3)).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.Abort() // connections over TLS are cut in their own way
		})
	}
}

func TestProducer_SaysWhyItCannotSignIn(t *testing.T) {
	t.Parallel()
	id, other := newIdentity(t, "127.0.0.1"), newIdentity(t, "kafka.example")
	sasl := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ada", "secret")}
	refused := func(c *cluster) {
		c.ControlKey(int16(kmsg.SASLAuthenticate), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			resp := kreq.ResponseKind().(*kmsg.SASLAuthenticateResponse)
			resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
			return resp, nil, true
		})
	}
	for _, test := range []struct {
		name    string
		opts    []kfake.Opt
		control func(*cluster)
		props   []string
		want    string
	}{
		{
			"wrong password, hung up", sasl, nil,
			[]string{"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-512", "sasl.jaas.config", scram("ada", "guess")},
			"closed the connection during authentication (wrong user or password?)",
		},
		{
			"wrong password, answered", sasl, refused,
			[]string{"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-512", "sasl.jaas.config", scram("ada", "guess")},
			"the broker does not let the user in (wrong user or password?)",
		},
		{
			"unknown mechanism", sasl, func(c *cluster) {
				c.ControlKey(int16(kmsg.SASLHandshake), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
					c.KeepControl()
					resp := kreq.ResponseKind().(*kmsg.SASLHandshakeResponse)
					resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
					return resp, nil, true
				})
			},
			[]string{"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-512", "sasl.jaas.config", scram("ada", "secret")},
			"the broker does not know this sasl.mechanism",
		},
		{
			"unknown authority",
			[]kfake.Opt{kfake.TLS(id.server(t, ""))},
			nil,
			[]string{"security.protocol", "SSL", "ssl.truststore.certificates", other.ca},
			"the broker's certificate is signed by somebody unknown",
		},
		{
			"unknown authority of any host",
			[]kfake.Opt{kfake.TLS(id.server(t, ""))},
			nil,
			[]string{"security.protocol", "SSL", "ssl.endpoint.identification.algorithm", "", "ssl.truststore.certificates", other.ca},
			"the broker's certificate is signed by somebody unknown",
		},
		{
			"another host",
			[]kfake.Opt{kfake.TLS(other.server(t, ""))},
			nil,
			[]string{"security.protocol", "SSL", "ssl.truststore.certificates", other.ca},
			"the broker's certificate is for another host",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, append(test.opts, kfake.SeedTopics(1, "orders"))...)
			if test.control != nil {
				test.control(c)
			}
			p := newProducer(t, kafka.ProducerConfig{Properties: c.props(test.props...)})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			// It says so at once, and not when two minutes are over.
			err := p.Produce(ctx, slab("orders", 0, 0, 3)).Wait(ctx)
			var connecting *kafka.ConnectError
			if !errors.As(err, &connecting) || kafka.IsRetriable(err) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v", err)
			}
			if connecting.Broker != c.ListenAddrs()[0] {
				t.Errorf("the broker is %s, want %s", connecting.Broker, c.ListenAddrs()[0])
			}
			if strings.Contains(err.Error(), "guess") {
				t.Error("the error tells the password")
			}
		})
	}
}

func TestProducer_ForgivesABrokerThatIsRestarted(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ada", "secret"), kfake.SeedTopics(1, "orders"))
	for range 2 {
		c.ControlKey(int16(kmsg.SASLAuthenticate), func(kmsg.Request) (kmsg.Response, error, bool) {
			return nil, errors.New("restarting"), true
		})
	}
	p := newProducer(t, kafka.ProducerConfig{
		Properties:      c.props("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-512", "sasl.jaas.config", scram("ada", "secret")),
		DeliveryTimeout: 20 * time.Second,
	})
	if err := p.Produce(t.Context(), slab("orders", 0, 0, 3)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestProducer_SaysWhatABrokerThatHangsUpMayWant(t *testing.T) {
	t.Parallel()
	id := newIdentity(t, "127.0.0.1")
	for _, test := range []struct {
		name  string
		opts  []kfake.Opt
		props []string
		want  string
	}{
		{"no TLS", []kfake.Opt{kfake.TLS(id.server(t, ""))}, nil, "does it want TLS"},
		{"TLS by mistake", nil, []string{"security.protocol", "SSL"}, "connecting to broker 127.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, test.opts...)
			p := newProducer(t, kafka.ProducerConfig{Properties: c.props(test.props...), DeliveryTimeout: 2 * time.Second})
			err := p.Produce(t.Context(), slab("orders", 0, 0, 3)).Wait(t.Context())
			if !errors.Is(err, kafka.ErrDeliveryTimeout) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// observeAuth lets everybody in with an answer, and returns what they said.
func observeAuth(c *cluster, answer string) *atomic.Pointer[string] {
	var said atomic.Pointer[string]
	c.ControlKey(int16(kmsg.SASLHandshake), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return kreq.ResponseKind(), nil, true
	})
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		text := string(kreq.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes)
		said.Store(&text)
		resp := kreq.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.SASLAuthBytes = []byte(answer)
		return resp, nil, true
	})
	return &said
}

func TestAdmin_SignsInWithAWSCredentials(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	said := observeAuth(c, "{}")
	admin := newAdmin(t, kafka.AdminConfig{
		// The region is read from the broker's name.
		Properties: props("b-1.shop.abc123.c2.kafka.eu-west-1.amazonaws.com:9098", "security.protocol", "SASL_PLAINTEXT",
			"sasl.mechanism", "AWS_MSK_IAM", "sasl.jaas.config", "software.amazon.msk.auth.iam.IAMLoginModule required;",
			"sasl.client.callback.handler.class", "software.amazon.msk.auth.iam.IAMClientCallbackHandler"),
		Credentials: func(context.Context) (string, string, string, error) {
			return "AKIDEXAMPLE", "hush", "session-1", nil
		},
		Options: []kgo.Opt{kgo.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, c.ListenAddrs()[0])
		})},
	})
	if _, err := admin.Topics(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := *said.Load()
	for _, want := range []string{"AKIDEXAMPLE", "session-1", "eu-west-1", "kafka-cluster:Connect"} {
		if !strings.Contains(text, want) {
			t.Errorf("it did not say %s: %s", want, text)
		}
	}
	if strings.Contains(text, "hush") {
		t.Errorf("it told the secret: %s", text)
	}
}

func TestProducer_SignsInWithAToken(t *testing.T) {
	t.Parallel()
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if id != "ada" || secret != "hush" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "kafka" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"access_token":"token-1","expires_in":300}`)
	}))
	t.Cleanup(tokens.Close)
	settings := []string{
		"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url", tokens.URL,
		"sasl.login.callback.handler.class", "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
	}
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	said := observeAuth(c, "")
	module := `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="ada" clientSecret="%s" scope="kafka" extension_logicalCluster="lkc-1";`
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props(append(settings, "sasl.jaas.config", fmt.Sprintf(module, "hush"))...)})
	if err := p.Produce(t.Context(), slab("orders", 0, 0, 1)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := *said.Load(); !strings.Contains(text, "Bearer token-1") || !strings.Contains(text, "logicalCluster=lkc-1") {
		t.Errorf("it said %q", text)
	}

	wrong := newProducer(t, kafka.ProducerConfig{
		Properties: c.props(append(settings, "sasl.jaas.config", fmt.Sprintf(module, "guess"))...), DeliveryTimeout: 2 * time.Second,
	})
	err := wrong.Produce(t.Context(), slab("orders", 0, 0, 1)).Wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "wrong client id, secret or scope?") || strings.Contains(err.Error(), "guess") {
		t.Errorf("the error is %v", err)
	}
}
