package hdfs_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	krb5client "github.com/jcmturner/gokrb5/v8/client"
	krb5 "github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/spnego"

	"github.com/sluice-connect/sluice/functions/storage/storagetest"
)

// secureServers are the name node and the HttpFS of a secure cluster, and the folder of its realm.
func secureServers(t *testing.T) (urls map[string]string, realm string) {
	t.Helper()
	urls, realm = map[string]string{"name node": os.Getenv("SLUICE_TEST_HDFS_KERBEROS"), "HttpFS": os.Getenv("SLUICE_TEST_HTTPFS_KERBEROS")}, os.Getenv("SLUICE_TEST_REALM")
	if realm == "" {
		if os.Getenv("SLUICE_CI") == "1" {
			t.Fatal("SLUICE_TEST_REALM says no secure cluster")
		}
		t.Skip("SLUICE_TEST_REALM says no secure cluster")
	}
	for name, url := range urls {
		urls[name] = strings.TrimSuffix(url, "/webhdfs/v1")
	}
	return urls, realm
}

// A secure cluster lets the sink and the source in with a keytab, and with a delegation token, through the name node and its
// data nodes and through HttpFS, and nobody without.
func TestReal_SecureCluster(t *testing.T) {
	t.Parallel()
	urls, realm := secureServers(t)
	conf, keys := filepath.Join(realm, "krb5.conf"), filepath.Join(realm, "user.keytab")
	for server, url := range urls {
		for how, access := range map[string][]string{
			"keytab": {
				"hdfs.authentication.kerberos", "true", "connect.hdfs.principal", "sluice@TEST", "connect.hdfs.keytab", keys, "sluice.hdfs.krb5.conf", conf,
			},
			"token": {"hdfs.authentication.kerberos", "true", "sluice.hdfs.delegation.token", delegationToken(t, url, conf, keys)},
		} {
			t.Run(server+", "+how, func(t *testing.T) {
				t.Parallel()
				access := append([]string{"topics.dir", fmt.Sprintf("tmp/secure-%d", rand.Uint64())}, access...)
				state := &storagetest.State{}
				for _, from := range []int{0, 100, 200} { // each by another process, which goes on with what is staged
					put(t, openSink(t, settings(url, append(access, "flush.size", "150")...), state), rows(from, 100, 10))
				}
				if got := drain(t, sourceSettings(url, access...), table{}); len(got) != 300 {
					t.Errorf("%d records", len(got))
				}
			})
		}
		t.Run(server+", nobody", func(t *testing.T) {
			t.Parallel()
			err := openSink(t, settings(url), &storagetest.State{}).Put(t.Context(), rows(0, 3, 2))
			if err == nil || !strings.Contains(err.Error(), "401") && !strings.Contains(err.Error(), "Authentication required") {
				t.Errorf("without a ticket: %v", err)
			}
		})
	}
}

// delegationToken asks a server for one, as a user with a keytab.
func delegationToken(t *testing.T, url, conf, keys string) string {
	t.Helper()
	c, err := krb5.Load(conf)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keytab.Load(keys)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/webhdfs/v1/?op=GETDELEGATIONTOKEN&renewer=sluice", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := spnego.NewClient(krb5client.NewWithKeytab("sluice", "TEST", k, c, krb5client.DisablePAFXFAST(true)), nil, "HTTP/localhost").Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Token struct {
			Text string `json:"urlString"`
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token.Text == "" {
		t.Fatalf("no token: %s, %v", response.Status, err)
	}
	return answer.Token.Text
}
