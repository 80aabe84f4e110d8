package registry

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sluice-connect/sluice/runtime/config"
)

// connection are the settings that say where the registry is and how to speak to it.
type connection struct {
	urls                       []string
	connectTimeout, readTimout time.Duration
	retries                    int
	retryWait, retryMost       time.Duration
	proxyHost                  string
	proxyPort                  int
	auth                       auth
	tls                        tlsFiles
}

func (c *connection) define(d *config.Def, address ...config.Option) {
	d.List(&c.urls, "schema.registry.url", nil, "Addresses of the schema registry. Each is tried until one answers.",
		append(address, config.High)...)
	d.MillisInt(&c.connectTimeout, "http.connect.timeout.ms", time.Minute, "How long connecting to the registry may take.", config.Low)
	d.MillisInt(&c.readTimout, "http.read.timeout.ms", time.Minute, "How long an answer of the registry may take.", config.Low)
	d.Int(&c.retries, "max.retries", 3, "How often a request is repeated when the registry cannot be reached or is in trouble.", config.Low)
	d.MillisInt(&c.retryWait, "retries.wait.ms", time.Second, "The longest pause before the first repetition. It doubles with each.", config.Low)
	d.MillisInt(&c.retryMost, "retries.max.wait.ms", 20*time.Second, "The longest pause before any repetition.", config.Low)
	d.String(&c.proxyHost, "proxy.host", "", "The host of the HTTP proxy to the registry, if there is one.", config.Low)
	d.Int(&c.proxyPort, "proxy.port", -1, "The port of that proxy.", config.Low)
	c.auth.define(d)
	c.tls.define(d)
}

// open makes the client. Nothing is asked of the registry.
func (c *connection) open() (*client, error) {
	addresses, fromURL, err := c.addresses()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: c.connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		ResponseHeaderTimeout: c.readTimout,
		TLSHandshakeTimeout:   c.connectTimeout,
		MaxIdleConnsPerHost:   2,
		IdleConnTimeout:       90 * time.Second,
		ForceAttemptHTTP2:     true,
	}
	if c.proxyHost != "" {
		proxy := &url.URL{Scheme: "http", Host: net.JoinHostPort(c.proxyHost, strconv.Itoa(c.proxyPort))}
		transport.Proxy = http.ProxyURL(proxy)
	}
	if transport.TLSClientConfig, err = c.tls.config(); err != nil {
		return nil, err
	}
	httpClient := &http.Client{Transport: transport, Timeout: c.connectTimeout + c.readTimout}
	authorize, err := c.auth.open(fromURL, httpClient)
	if err != nil {
		return nil, err
	}
	opts := []sr.ClientOpt{sr.URLs(addresses...), sr.HTTPClient(httpClient), sr.UserAgent("sluice")}
	if authorize != nil {
		opts = append(opts, sr.PreReq(authorize))
	}
	cl, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("connecting to the schema registry: %w", err)
	}
	return &client{sr: cl, memory: memory{retries: c.retries, wait: c.retryWait, most: c.retryMost}}, nil
}

// addresses are the registry's URLs without users and passwords, and those of the first that has some.
func (c *connection) addresses() ([]string, *url.Userinfo, error) {
	var addresses []string
	var user *url.Userinfo
	for _, text := range c.urls {
		u, err := url.Parse(strings.TrimRight(text, "/"))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, nil, config.Errorf("schema.registry.url", "Invalid value for configuration schema.registry.url: an address looks like http://host:8081")
		}
		if user == nil {
			user = u.User
		}
		u.User = nil // it must show in no error
		addresses = append(addresses, u.String())
	}
	if len(addresses) == 0 {
		return nil, nil, config.Errorf("schema.registry.url", "Expected at least one URL to be passed in constructor")
	}
	return addresses, user, nil
}
