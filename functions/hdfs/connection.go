package hdfs

import (
	"net/url"
	"os"
	"os/user"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
)

// connection are the settings that say where the file system is and as whom it is used, which sinks and sources share.
type connection struct {
	url, store string
	token      config.Secret
	principal  string
	keytab     string
	kerberos   bool
	krb5       string
	renew      int64
	namenode   string
	conf, home string
}

const group = "HDFS"

// Define declares the settings.
func (c *connection) Define(d *config.Def) {
	d.String(&c.url, "hdfs.url", "", "The name node: hdfs://host, http://host:port or webhdfs://host:port; several, separated by commas.",
		config.NullDefault(), config.High, config.Group(group, 1))
	d.String(&c.store, "store.url", "", "Another name of hdfs.url.", config.NullDefault(), config.High, config.Group(group, 2))
	d.Bool(&c.kerberos, "hdfs.authentication.kerberos", false, "Whether the cluster asks for Kerberos: connect.hdfs.principal and connect.hdfs.keytab, or a delegation token, get in then.", config.High, config.Group(group, 3))
	d.String(&c.principal, "connect.hdfs.principal", "", "The user's name; with Kerberos the principal, in which _HOST stands for this host.", config.High, config.Group(group, 4))
	d.String(&c.keytab, "connect.hdfs.keytab", "", "The file with the principal's keys.", config.High, config.Group(group, 5))
	d.String(&c.krb5, "sluice.hdfs.krb5.conf", "", "Kerberos' own configuration. Defaults to KRB5_CONFIG, and to /etc/krb5.conf.", config.Low, config.Group(group, 12))
	d.String(&c.namenode, "hdfs.namenode.principal", "", "Ignored: over HTTP the server's principal is HTTP/ and its host.", config.Low, config.Group(group, 13))
	d.Long(&c.renew, "kerberos.ticket.renew.period.ms", 3600000, "Ignored: tickets are asked for when they are needed.", config.Low, config.Group(group, 14))
	d.Password(&c.token, "sluice.hdfs.delegation.token", "A delegation token, which takes the place of a user.",
		config.NullDefault(), config.Low, config.Group(group, 6))
	d.String(&c.conf, "hadoop.conf.dir", "", "Ignored: functions know no Hadoop configuration.", config.Low, config.Group(group, 10))
	d.String(&c.home, "hadoop.home", "", "Ignored.", config.Low, config.Group(group, 11))
}

func (c *connection) endpoints() ([]string, error) {
	name, text := "hdfs.url", c.url
	if text == "" && c.store != "" {
		name, text = "store.url", c.store
	}
	if text == "" {
		return nil, config.Errorf(name, "Missing required configuration %q which has no default value.", name)
	}
	nodes, err := endpoints(text)
	if err != nil {
		return nil, config.Invalid(name, text, err.Error())
	}
	return nodes, nil
}

// root is the folder that the URL names.
func (c *connection) root() string {
	text := c.url
	if text == "" {
		text = c.store
	}
	text, _, _ = strings.Cut(text, ",")
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return "/"
	}
	return "/" + strings.Trim(strings.TrimPrefix(u.Path, "/webhdfs/v1"), "/")
}

// validate finds what is wrong with settings that depend on each other.
func (c *connection) validate() error {
	if c.kerberos && c.token.Reveal() == "" && (c.principal == "" || c.keytab == "") {
		return config.Invalid("hdfs.authentication.kerberos", c.kerberos, "it needs connect.hdfs.principal and connect.hdfs.keytab, or a delegation token in sluice.hdfs.delegation.token")
	}
	_, err := c.endpoints()
	return err
}

// client makes the client. It makes no call.
func (c *connection) client() (*client, error) {
	nodes, err := c.endpoints()
	if err != nil {
		return nil, err
	}
	out := newClient(nodes)
	out.token, out.user = c.token.Reveal(), c.principal
	if c.kerberos && out.token == "" {
		out.ticket, err = newTicket(c.principal, c.keytab, c.krb5)
		return out, err
	}
	if out.user == "" {
		out.user = os.Getenv("HADOOP_USER_NAME")
	}
	if out.user == "" {
		if me, err := user.Current(); err == nil {
			out.user = me.Username
		}
	}
	return out, nil
}
