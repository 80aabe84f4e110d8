package registry

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
)

// tlsFiles are the settings that say whom to trust and what to show for oneself. Stores are PEM files, or PEM texts.
type tlsFiles struct {
	trustType, trustFile, trustCerts string
	keyType, keyFile, chain          string
	key                              config.Secret
	unused                           [3]config.Secret // passwords of stores that PEM does not have
	identification                   string
}

const sslPrefix = "schema.registry.ssl."

func (t *tlsFiles) define(d *config.Def) {
	d.String(&t.trustType, sslPrefix+"truststore.type", "JKS", "The type of the trust store. Only PEM is read.")
	d.String(&t.trustFile, sslPrefix+"truststore.location", "", "A PEM file of the certificates to trust.")
	d.String(&t.trustCerts, sslPrefix+"truststore.certificates", "", "The certificates to trust, in PEM form.")
	d.Password(&t.unused[0], sslPrefix+"truststore.password", "PEM needs none.", config.Default(""), config.Low)
	d.String(&t.keyType, sslPrefix+"keystore.type", "JKS", "The type of the key store. Only PEM is read.")
	d.String(&t.keyFile, sslPrefix+"keystore.location", "", "A PEM file of the client's key and certificates.")
	d.Password(&t.key, sslPrefix+"keystore.key", "The client's key, in PEM form.", config.Default(""))
	d.String(&t.chain, sslPrefix+"keystore.certificate.chain", "", "The client's certificates, in PEM form.")
	d.Password(&t.unused[1], sslPrefix+"keystore.password", "PEM needs none.", config.Default(""), config.Low)
	d.Password(&t.unused[2], sslPrefix+"key.password", "The key must not be encrypted.", config.Default(""), config.Low)
	d.String(&t.identification, sslPrefix+"endpoint.identification.algorithm", "https",
		"https, or empty to accept a certificate of any host.", config.Low)
}

func (t *tlsFiles) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	trusted, err := pem(sslPrefix+"truststore", t.trustType, t.trustFile, t.trustCerts)
	if err != nil {
		return nil, err
	}
	if trusted != nil {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(trusted) {
			return nil, config.Errorf(sslPrefix+"truststore.location", "The trust store of the schema registry has no certificate in PEM form.")
		}
	}
	both, err := pem(sslPrefix+"keystore", t.keyType, t.keyFile, t.chain+"\n"+t.key.Reveal())
	if err != nil {
		return nil, err
	}
	if both != nil {
		pair, err := tls.X509KeyPair(both, both)
		if err != nil {
			return nil, config.Errorf(sslPrefix+"keystore.location", "Reading the key and the certificate for the schema registry: %v", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if t.identification == "" {
		anyHost(c)
	}
	return c, nil
}

// pem returns a store: the text, or what is in the file. nil is none.
func pem(name, kind, file, text string) ([]byte, error) {
	if strings.TrimSpace(text) != "" {
		return []byte(text), nil
	}
	if file == "" {
		return nil, nil
	}
	if !strings.EqualFold(kind, "PEM") {
		return nil, config.Errorf(name+".type", "The store %s is of type %s, and only PEM is read here: turn it into PEM with keytool -exportcert -rfc or openssl pkcs12, "+
			"and set %s.type to PEM.", file, kind, name)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, config.Errorf(name+".location", "Reading the store: %v", err)
	}
	return b, nil
}

// anyHost verifies the chain of certificates, but not the host they are for.
func anyHost(c *tls.Config) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true //nolint:gosec // VerifyConnection does what is left
	c.VerifyConnection = func(state tls.ConnectionState) error {
		opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, cert := range state.PeerCertificates[1:] {
			opts.Intermediates.AddCert(cert)
		}
		_, err := state.PeerCertificates[0].Verify(opts)
		return err
	}
}
