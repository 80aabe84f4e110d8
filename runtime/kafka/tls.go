package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// tlsSettings are the settings whose names begin with ssl.
type tlsSettings struct {
	verifyHost bool
	minimum    uint16
	maximum    uint16
	ciphers    []uint16

	trustType, trustCerts, trustFile        string
	keyType, keyPEM, chainPEM, keyFile      string
	keyPassword, trustPassword, storeSecret string
}

func (t *tlsSettings) settings(all map[string]setting, do func(func(string) error) setting, ignore, refuse func(string) setting) {
	all["ssl.endpoint.identification.algorithm"] = do(t.setIdentification)
	all["ssl.enabled.protocols"] = do(t.setVersions)
	all["ssl.cipher.suites"] = do(t.setCiphers)
	all["ssl.truststore.type"] = do(storeType(&t.trustType))
	all["ssl.truststore.certificates"] = do(text(&t.trustCerts))
	all["ssl.truststore.location"] = do(text(&t.trustFile))
	all["ssl.truststore.password"] = do(text(&t.trustPassword))
	all["ssl.keystore.type"] = do(storeType(&t.keyType))
	all["ssl.keystore.key"] = do(text(&t.keyPEM))
	all["ssl.keystore.certificate.chain"] = do(text(&t.chainPEM))
	all["ssl.keystore.location"] = do(text(&t.keyFile))
	all["ssl.keystore.password"] = do(text(&t.storeSecret))
	all["ssl.key.password"] = do(text(&t.keyPassword))
	all["ssl.protocol"] = ignore("the best version both sides know is used, see ssl.enabled.protocols")
	all["ssl.provider"] = ignore(noJVM)
	all["ssl.keymanager.algorithm"] = ignore(noJVM)
	all["ssl.trustmanager.algorithm"] = ignore(noJVM)
	all["ssl.secure.random.implementation"] = ignore(noJVM)
	all["ssl.engine.factory.class"] = refuse(noJavaCode)
}

func (t *tlsSettings) setIdentification(value string) error {
	switch strings.ToLower(value) {
	case "https":
		t.verifyHost = true
	case "", "none":
		t.verifyHost = false
	default:
		return fmt.Errorf("invalid value %q: must be https, or empty to accept a certificate of any host", value)
	}
	return nil
}

func (t *tlsSettings) setVersions(value string) error {
	t.minimum, t.maximum = 0, 0
	for name := range strings.SplitSeq(value, ",") {
		var version uint16
		switch strings.TrimSpace(name) {
		case "":
			continue
		case "TLSv1.3":
			version = tls.VersionTLS13
		case "TLSv1.2":
			version = tls.VersionTLS12
		case "TLSv1.1":
			version = tls.VersionTLS11
		case "TLSv1":
			version = tls.VersionTLS10
		default:
			return fmt.Errorf("invalid value %q: expected TLSv1.2, TLSv1.3 or both", value)
		}
		if t.minimum == 0 || version < t.minimum {
			t.minimum = version
		}
		t.maximum = max(t.maximum, version)
	}
	return nil
}

func (t *tlsSettings) setCiphers(value string) error {
	t.ciphers = nil
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		found := false
		for _, suite := range tls.CipherSuites() {
			if suite.Name == name {
				t.ciphers, found = append(t.ciphers, suite.ID), true
			}
		}
		if !found {
			return fmt.Errorf("the cipher suite %s is unknown or no longer secure", name)
		}
	}
	return nil
}

func storeType(p *string) func(string) error {
	return func(value string) error {
		switch strings.ToUpper(value) {
		case "PEM", "":
			*p = "PEM"
		case "JKS", "PKCS12":
			return fmt.Errorf("the type %s cannot be honoured: only PEM is read here; "+
				"turn the store into PEM with keytool -exportcert -rfc or openssl pkcs12, and set the type to PEM", value)
		default:
			return fmt.Errorf("invalid value %q: only PEM is read here", value)
		}
		return nil
	}
}

// config returns what to dial with.
func (t *tlsSettings) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: t.maximum, CipherSuites: t.ciphers}
	if t.minimum != 0 {
		c.MinVersion = t.minimum
	}
	var problems []error
	roots, err := t.roots()
	if err != nil {
		problems = append(problems, err)
	}
	c.RootCAs = roots
	if certificate, err := t.certificate(); err != nil {
		problems = append(problems, err)
	} else if certificate != nil {
		c.Certificates = []tls.Certificate{*certificate}
	}
	if !t.verifyHost {
		// The chain is verified all the same, only the name is not.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("the broker sent no certificate")
			}
			opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
			for _, cert := range state.PeerCertificates[1:] {
				opts.Intermediates.AddCert(cert)
			}
			_, err := state.PeerCertificates[0].Verify(opts)
			return err
		}
	}
	return c, errors.Join(problems...)
}

// roots returns the certificates to trust, or nil for those of the system.
func (t *tlsSettings) roots() (*x509.CertPool, error) {
	key, pem := "ssl.truststore.certificates", []byte(t.trustCerts)
	if t.trustFile != "" {
		key = "ssl.truststore.location"
		if t.trustCerts != "" {
			return nil, &SettingError{key, errors.New("cannot be set together with ssl.truststore.certificates")}
		}
		var err error
		if pem, err = readStore(t.trustFile, t.trustType); err != nil {
			return nil, &SettingError{key, err}
		}
	}
	if len(pem) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &SettingError{key, errors.New("has no certificate in PEM form")}
	}
	return pool, nil
}

// certificate returns the client's own certificate, or nil if there is none.
func (t *tlsSettings) certificate() (*tls.Certificate, error) {
	key, chainPEM, keyPEM, password := "ssl.keystore.key", []byte(t.chainPEM), []byte(t.keyPEM), t.keyPassword
	if t.keyFile != "" {
		key = "ssl.keystore.location"
		if t.keyPEM != "" || t.chainPEM != "" {
			return nil, &SettingError{key, errors.New("cannot be set together with ssl.keystore.key or ssl.keystore.certificate.chain")}
		}
		both, err := readStore(t.keyFile, t.keyType)
		if err != nil {
			return nil, &SettingError{key, err}
		}
		chainPEM, keyPEM = both, both
	}
	if len(chainPEM) == 0 && len(keyPEM) == 0 {
		return nil, nil
	}
	if len(chainPEM) == 0 || len(keyPEM) == 0 {
		return nil, &SettingError{key, errors.New("ssl.keystore.key and ssl.keystore.certificate.chain need each other")}
	}
	plain, err := decryptKey(keyPEM, password)
	if err != nil {
		return nil, &SettingError{key, err}
	}
	certificate, err := tls.X509KeyPair(chainPEM, plain)
	if err != nil {
		return nil, &SettingError{key, fmt.Errorf("reading the key and its certificate: %w", err)}
	}
	return &certificate, nil
}

// readStore reads a PEM file, and says what to do if it is something else. Java's default for the type is JKS.
func readStore(path, kind string) ([]byte, error) {
	if kind == "" {
		return nil, fmt.Errorf("a store without a type is in Java's own format, which is not read here; " +
			"turn it into PEM with keytool -exportcert -rfc or openssl pkcs12, and set the type to PEM")
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	return body, nil
}
