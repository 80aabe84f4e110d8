package sql

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// The ways to use TLS, in Connector/J's words.
const (
	tlsDisabled  = "DISABLED"
	tlsPreferred = "PREFERRED"
	tlsRequired  = "REQUIRED"
	tlsVerifyCA  = "VERIFY_CA"
	tlsVerify    = "VERIFY_IDENTITY"
)

// tlsMode is what sslMode says, in either driver's words, or the older parameters. Connector/J's default is PREFERRED, and
// MariaDB's to have no TLS.
func (o *mysqlOptions) tlsMode(system string) (string, error) {
	flags := map[string]bool{}
	for _, name := range []string{"useSSL", "useSsl", "requireSSL", "verifyServerCertificate", "trustServerCertificate"} {
		if text, ok := o.params[name]; ok {
			yes, err := truth(text)
			if err != nil {
				return "", fmt.Errorf("the parameter %s: %w", name, err)
			}
			flags[name] = yes
		}
	}
	switch mode := strings.ToUpper(strings.ReplaceAll(o.params["sslMode"], "-", "_")); mode {
	case tlsDisabled, tlsPreferred, tlsRequired, tlsVerifyCA, tlsVerify:
		return mode, nil
	case "DISABLE":
		return tlsDisabled, nil
	case "TRUST":
		return tlsRequired, nil
	case "VERIFY_FULL":
		return tlsVerify, nil
	case "":
	default:
		return "", fmt.Errorf("the parameter sslMode: there is no mode %q", o.params["sslMode"])
	}
	use, said := flags["useSSL"]
	if also, saidAlso := flags["useSsl"]; saidAlso {
		use, said = also, true
	}
	switch {
	case said && !use, !said && system == "mariadb":
		return tlsDisabled, nil
	case flags["verifyServerCertificate"], said && system == "mariadb" && !flags["trustServerCertificate"]:
		return tlsVerifyCA, nil
	case flags["requireSSL"], said && system == "mariadb":
		return tlsRequired, nil
	}
	return tlsPreferred, nil
}

// tls sets up TLS.
func (o *mysqlOptions) tls(system string) error {
	mode, err := o.tlsMode(system)
	if err != nil || mode == tlsDisabled {
		return err
	}
	host, _, err := net.SplitHostPort(o.config.Addr)
	if err != nil {
		return err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if path := either(o.params["serverSslCert"], o.params["trustCertificateKeyStoreUrl"]); path != "" {
		if c.RootCAs, err = certificates(path); err != nil {
			return err
		}
	}
	switch mode {
	case tlsPreferred:
		o.config.AllowFallbackToPlaintext = true
		c.InsecureSkipVerify = true //nolint:gosec // PREFERRED and REQUIRED encrypt and do not look who answers
	case tlsRequired:
		c.InsecureSkipVerify = true //nolint:gosec // as above
	case tlsVerifyCA:
		roots := c.RootCAs
		c.InsecureSkipVerify = true //nolint:gosec // the chain is verified below, the host's name is not
		c.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, roots) }
	}
	o.config.TLS = c
	return nil
}

// verifyChain checks who signed a server's certificate, and not its name.
func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server has no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}

// certificates reads a file of certificates. Only PEM is read: Java's own key stores are not.
func certificates(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(strings.TrimPrefix(strings.TrimPrefix(path, "file://"), "file:"))
	if err != nil {
		return nil, fmt.Errorf("reading certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading certificates: %s holds none in PEM; a Java key store can be turned into it by keytool -exportcert -rfc", path)
	}
	return pool, nil
}

// mysqlPublicKey hands the driver the server's key, and returns the name under which it knows it.
func mysqlPublicKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil {
		return "", fmt.Errorf("%s is not in PEM", path)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("reading the key in %s: %w", path, err)
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return "", fmt.Errorf("the key in %s is not an RSA key", path)
	}
	mysql.RegisterServerPubKey(path, public)
	return path, nil
}
