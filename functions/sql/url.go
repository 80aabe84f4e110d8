package sql

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// address is a JDBC URL taken apart.
type address struct {
	// system is the URL's subprotocol: mysql, mariadb, postgresql or sqlite.
	system string
	// hosts are host:port in order of preference; none for SQLite.
	hosts []string
	// database is the database's name, or SQLite's file.
	database string
	params   []param
}

// param is one parameter of a URL, decoded.
type param struct{ name, value string }

// defaultPort is the port of a system that has one.
func defaultPort(system string) string {
	if system == "postgresql" {
		return "5432"
	}
	return "3306"
}

// parseURL takes a JDBC URL apart. Errors do not repeat the URL, which may hold a password.
func parseURL(text string) (address, error) {
	rest, ok := strings.CutPrefix(text, "jdbc:")
	if !ok {
		return address{}, errors.New("the URL does not begin with \"jdbc:\" as in jdbc:mysql://host/database")
	}
	a := address{}
	a.system, rest, ok = strings.Cut(rest, ":")
	if !ok {
		return a, errors.New("the URL names no database system, as in jdbc:mysql://host/database")
	}
	rest, query, _ := strings.Cut(rest, "?")
	var err error
	if a.params, err = parseParams(query); err != nil {
		return a, err
	}
	switch a.system {
	case "sqlite":
		a.database = rest
		return a, nil
	case "mysql", "mariadb", "postgresql":
	default:
		return a, fmt.Errorf("there is no driver for %q; there are drivers for mysql, mariadb, postgresql and sqlite", a.system)
	}
	return a, a.parseHosts(rest)
}

// parseHosts reads [mode:]//host:port,host:port/database, and PostgreSQL's short forms without hosts.
func (a *address) parseHosts(rest string) error {
	mode, hosts, ok := strings.Cut(rest, "//")
	switch {
	case !ok && a.system == "postgresql":
		mode, hosts = "", "localhost/"+strings.TrimPrefix(rest, "/")
	case !ok:
		return errors.New("it has no // before the host")
	case a.system == "postgresql" && mode != "":
		return fmt.Errorf("there is %q before the //", mode)
	}
	// With a mode there are several hosts. They are tried in order, whatever the mode: a task has one connection.
	switch mode {
	case "", "failover:", "sequential:", "loadbalance:", "replication:":
	default:
		return fmt.Errorf("there is %q before the //; known are failover:, sequential:, loadbalance: and replication: there", mode)
	}
	hosts, database, _ := strings.Cut(hosts, "/")
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		if err := a.parseUser(hosts[:at]); err != nil {
			return err
		}
		hosts = hosts[at+1:]
	}
	var err error
	if a.database, err = url.PathUnescape(database); err != nil {
		return errors.New("the name of the database is not encoded well")
	}
	for host := range strings.SplitSeq(hosts, ",") {
		host, err := withPort(host, defaultPort(a.system))
		if err != nil {
			return err
		}
		a.hosts = append(a.hosts, host)
	}
	return nil
}

// parseUser reads user:password before an @. What the query says later counts more, and the settings count most.
func (a *address) parseUser(text string) error {
	user, password, has := strings.Cut(text, ":")
	for name, value := range map[string]string{"user": user, "password": password} {
		value, err := url.PathUnescape(value)
		if err != nil {
			return fmt.Errorf("the %s before the @ is not encoded well", name)
		}
		if name == "user" || has {
			a.params = append([]param{{name, value}}, a.params...)
		}
	}
	return nil
}

func withPort(host, port string) (string, error) {
	switch {
	case strings.ContainsAny(host, "()="):
		return "", errors.New("hosts written as address=(…) or (…) are not understood; write host:port")
	case host == "":
		host = "localhost"
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return net.JoinHostPort(host[1:len(host)-1], port), nil
	}
	if strings.Contains(host, ":") {
		h, p, err := net.SplitHostPort(host)
		if err != nil {
			return "", fmt.Errorf("%q is not host:port", host)
		}
		if p != "" {
			port = p
		}
		return net.JoinHostPort(h, port), nil
	}
	return net.JoinHostPort(host, port), nil
}

// param returns the value of a parameter, the last one given, or "".
func (a address) param(name string) string {
	for _, p := range slices.Backward(a.params) {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// parseParams reads name=value&name=value.
func parseParams(query string) ([]param, error) {
	var params []param
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, fmt.Errorf("the parameter name %q is not encoded well", name)
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, fmt.Errorf("the value of the parameter %q is not encoded well", name)
		}
		params = append(params, param{name, value})
	}
	return params, nil
}
