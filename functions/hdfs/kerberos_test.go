package hdfs_test

import (
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/service"
	"github.com/jcmturner/gokrb5/v8/spnego"

	"github.com/sluice-connect/sluice/functions/hdfs/hdfstest"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
)

// realm starts a real key distribution centre of MIT Kerberos with the principals of a user and a server.
func realm(t *testing.T) (conf, keys string) {
	t.Helper()
	kdc, err := exec.LookPath("/usr/sbin/krb5kdc")
	if err == nil {
		_, err = exec.LookPath("/usr/sbin/kadmin.local")
	}
	if err != nil {
		if os.Getenv("SLUICE_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip("there is no krb5kdc, or no kadmin.local: ", err)
	}
	sbin, dir := filepath.Dir(kdc), t.TempDir()
	port := freePort(t)
	conf, keys = filepath.Join(dir, "krb5.conf"), filepath.Join(dir, "keys")
	for name, text := range map[string]string{
		conf: fmt.Sprintf("[libdefaults]\n default_realm = TEST\n dns_lookup_kdc = false\n dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n"+
			"[realms]\n TEST = {\n  kdc = 127.0.0.1:%d\n }\n", port),
		filepath.Join(dir, "kdc.conf"): fmt.Sprintf("[kdcdefaults]\n kdc_listen = \"\"\n kdc_tcp_listen = 127.0.0.1:%d\n[realms]\n TEST = {\n  database_name = %s/db\n  key_stash_file = %s/stash\n"+
			"  acl_file = %s/acl\n }\n", port, dir, dir, dir),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := append(os.Environ(), "KRB5_CONFIG="+conf, "KRB5_KDC_PROFILE="+filepath.Join(dir, "kdc.conf"))
	for _, args := range [][]string{
		{"kdb5_util", "create", "-s", "-P", "master", "-r", "TEST"},
		{"kadmin.local", "-r", "TEST", "addprinc", "-randkey", "sluice"},
		{"kadmin.local", "-r", "TEST", "addprinc", "-randkey", "HTTP/127.0.0.1"},
		{"kadmin.local", "-r", "TEST", "ktadd", "-k", keys, "sluice", "HTTP/127.0.0.1"},
	} {
		run := exec.CommandContext(t.Context(), filepath.Join(sbin, args[0]), args[1:]...)
		run.Env = env
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", args, err, out)
		}
	}
	run := exec.CommandContext(t.Context(), kdc, "-n", "-r", "TEST")
	run.Env = env
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Wait() }) // the context killed it
	for range 1000 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
			return conf, keys
		}
	}
	t.Fatal("the key distribution centre does not answer")
	return "", ""
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// With a keytab of a real realm the sink writes to servers that ask for SPNEGO, and the source reads there; without one
// nobody gets in.
func TestKerberos_SPNEGO(t *testing.T) {
	t.Parallel()
	conf, keys := realm(t)
	serverKeys, err := keytab.Load(keys)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(spnego.SPNEGOKRB5Authenticate(&hdfstest.Server{}, serverKeys, service.KeytabPrincipal("HTTP/127.0.0.1"), service.DecodePAC(false)))
	t.Cleanup(web.Close)
	secure := []string{
		"hdfs.authentication.kerberos", "true", "connect.hdfs.principal", "sluice@TEST", "connect.hdfs.keytab", keys, "sluice.hdfs.krb5.conf", conf,
	}
	put(t, openSink(t, settings(web.URL, secure...), &storagetest.State{}), rows(0, 3, 2))
	if got := drain(t, sourceSettings(web.URL, secure...), table{}); len(got) != 3 {
		t.Errorf("%q", got)
	}
	err = openSink(t, settings(web.URL), &storagetest.State{}).Put(t.Context(), rows(0, 3, 2))
	if err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("without a ticket: %v", err)
	}
	secure[5] = conf // no keytab
	if _, err := tryOpen(settings(web.URL, secure...), &storagetest.State{}); err == nil || !strings.Contains(err.Error(), "keytab") {
		t.Errorf("without keys: %v", err)
	}
}
