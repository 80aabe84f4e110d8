package hdfs

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	krb5client "github.com/jcmturner/gokrb5/v8/client"
	krb5 "github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

// ticket proves to servers who asks, by SPNEGO. It logs in when it is first needed, and again when that has expired.
type ticket struct{ client *krb5client.Client }

// newTicket reads the keytab and Kerberos' own configuration.
func newTicket(principal, keytabPath, configPath string) (*ticket, error) {
	conf, err := krb5.Load(cmp.Or(configPath, os.Getenv("KRB5_CONFIG"), "/etc/krb5.conf"))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of Kerberos: %w", err)
	}
	keys, err := keytab.Load(keytabPath)
	if err != nil {
		return nil, fmt.Errorf("reading the keytab %s: %w", keytabPath, err)
	}
	name, realm, _ := strings.Cut(principal, "@")
	if host, err := os.Hostname(); err == nil {
		name = strings.ReplaceAll(name, "_HOST", host)
	}
	return &ticket{krb5client.NewWithKeytab(name, cmp.Or(realm, conf.LibDefaults.DefaultRealm), keys, conf, krb5client.DisablePAFXFAST(true))}, nil
}

// prove adds the proof to a request.
func (t *ticket) prove(r *http.Request) error {
	if err := spnego.SetSPNEGOHeader(t.client, r, "HTTP/"+r.URL.Hostname()); err != nil {
		return fmt.Errorf("asking for a ticket for HTTP/%s: %w", r.URL.Hostname(), err)
	}
	return nil
}

// prove adds the proof of who asks to a request to one of the nodes. What they redirect to elsewhere has a token in its URL.
func (c *client) prove(r *http.Request) error {
	if c.ticket == nil {
		return nil
	}
	for _, node := range c.nodes {
		if u, err := url.Parse(node); err == nil && u.Host == r.URL.Host {
			return c.ticket.prove(r)
		}
	}
	return nil
}
