package sql_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/functions/sql"
)

// with returns the server's settings with a query added to the URL.
func (s *server) with(query string) map[string]string {
	out := maps.Clone(s.settings)
	out["connection.attempts"] = "1"
	if query != "" {
		out["connection.url"] += "?" + query
	}
	return out
}

// file writes a file for the test.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// stranger is a certificate that nobody has signed but itself.
func stranger(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

// ask returns the one value of a query on the connector's own connection.
func ask(t *testing.T, settings map[string]string, query string) (answer string, err error) {
	t.Helper()
	d, err := sql.Open(t.Context(), settings)
	if err != nil {
		return "", err
	}
	defer d.Close()
	conn, err := d.Conn(t.Context())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return answer, conn.QueryRowContext(t.Context(), query).Scan(&answer)
}

// value is the one value of a query by the test's own connection.
func (s *server) value(t *testing.T, query string) (answer string) {
	t.Helper()
	if err := s.db.QueryRowContext(t.Context(), query).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

const mysqlCipher = "select variable_value from performance_schema.session_status where variable_name = 'Ssl_cipher'"

func TestMySQL_TLS(t *testing.T) {
	t.Parallel()
	s := fresh(t, "mysql")
	ca := file(t, s.value(t, "select load_file(concat(@@datadir, 'ca.pem'))"))
	for query, want := range map[string]string{ // "" is refused
		"":                            "encrypted",
		"sslMode=PREFERRED":           "encrypted",
		"sslMode=REQUIRED":            "encrypted",
		"useSSL=true&requireSSL=true": "encrypted",
		"sslMode=DISABLED":            "plain",
		"useSSL=false&allowPublicKeyRetrieval=true":      "plain",
		"sslMode=VERIFY_CA&serverSslCert=" + ca:          "encrypted",
		"sslMode=VERIFY_CA&serverSslCert=" + stranger(t): "",
		"sslMode=VERIFY_CA":                              "",
		"sslMode=VERIFY_IDENTITY&serverSslCert=" + ca:    "", // its name is none
	} {
		cipher, err := ask(t, s.with(query), mysqlCipher)
		got := map[bool]string{true: "plain", false: "encrypted"}[cipher == ""]
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q, want %q: %v", query, got, want, err)
		}
	}
}

// A user's first password goes to the server in full: over TLS as it is, else encrypted with the server's public key, which
// is asked of it or read from a file. Afterwards the server knows a hash of it.
func TestMySQL_CachingSHA2Password(t *testing.T) {
	t.Parallel()
	s := fresh(t, "mysql")
	var name, key string
	if err := s.db.QueryRowContext(t.Context(), "show status like 'Caching_sha2_password_rsa_public_key'").Scan(&name, &key); err != nil {
		t.Fatal(err)
	}
	another := "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
	for i, c := range []struct {
		query string
		ok    bool
	}{
		{"sslMode=REQUIRED", true},
		{"sslMode=DISABLED&allowPublicKeyRetrieval=true", true},
		{"sslMode=DISABLED&serverRSAPublicKeyFile=" + file(t, key), true},
		{"sslMode=DISABLED&serverRSAPublicKeyFile=" + file(t, another), false},
	} {
		user := fmt.Sprintf("user%d_%s", i, s.database()[7:])
		s.exec(t, "create user "+user+" identified with caching_sha2_password by 'pass word'", "grant all on "+s.database()+".* to "+user)
		t.Cleanup(func() { _, _ = s.db.Exec("drop user " + user) })
		settings := s.with(c.query)
		settings["connection.user"], settings["connection.password"] = user, "pass word"
		for range 2 { // in full, and by the hash
			got, err := ask(t, settings, "select current_user()")
			if (err == nil) != c.ok || c.ok && !strings.HasPrefix(got, user+"@") {
				t.Errorf("%s: %q, %v", c.query, got, err)
			}
		}
		settings["connection.password"] = "wrong"
		if _, err := ask(t, settings, "select 1"); err == nil || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s with another password: %v", c.query, err)
		}
	}
}

func TestPostgres_TLS(t *testing.T) {
	t.Parallel()
	s := fresh(t, "postgresql")
	if s.value(t, "show ssl") != "on" {
		t.Skip("the server has no TLS")
	}
	ca := file(t, s.value(t, "select pg_read_file('server.crt')"))
	for query, want := range map[string]string{ // "" is refused
		"":                                      "true",
		"sslmode=disable":                       "false",
		"sslmode=allow":                         "false",
		"sslmode=prefer":                        "true",
		"sslmode=require":                       "true",
		"sslmode=verify-ca&sslrootcert=" + ca:   "true",
		"sslmode=verify-full&sslrootcert=" + ca: "true",
		"ssl=true&sslrootcert=" + ca:            "true",
		"sslmode=verify-ca&sslrootcert=" + stranger(t): "",
		"ssl=true": "", // by the system's certificates
		"sslfactory=org.postgresql.ssl.NonValidatingFactory": "true",
	} {
		got, err := ask(t, s.with(query), "select ssl::text from pg_stat_ssl where pid = pg_backend_pid()")
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q, want %q: %v", query, got, want, err)
		}
	}
	// The certificate is for localhost and 127.0.0.1; the machine has other addresses.
	settings := s.with("sslmode=verify-full&sslrootcert=" + ca)
	settings["connection.url"] = strings.Replace(settings["connection.url"], "127.0.0.1", "127.0.0.2", 1)
	if _, err := ask(t, settings, "select 'here'"); err == nil {
		t.Error("the name in the certificate was not looked at")
	}
}

// The first host that answers is the one.
func TestHosts_AreTriedInTheirOrder(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		if s.system == "sqlite" {
			t.Skip("there is no host")
		}
		settings := s.with("")
		head, rest, _ := strings.Cut(settings["connection.url"], "//")
		query := map[string]string{"postgresql": "select current_database()"}[s.system]
		if query == "" {
			query = "select database()"
		}
		for _, url := range []string{head + "//127.0.0.1:1," + rest, head + map[string]string{"mysql": "failover:", "mariadb": "sequential:"}[s.system] + "//127.0.0.1:1," + rest} {
			settings["connection.url"] = url
			if got, err := ask(t, settings, query); err != nil || got != s.database() {
				t.Errorf("%s: %q, %v", url, got, err)
			}
		}
	})
}
