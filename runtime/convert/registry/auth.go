package registry

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// auth are the settings that say who asks.
type auth struct {
	basicSource    string
	userInfo       config.Secret
	oldUserInfo    config.Secret
	jaas           config.Secret
	bearerSource   string
	token          config.Secret
	issuer         string
	clientID       string
	clientSecret   config.Secret
	scope          string
	logicalCluster string
	identityPool   string
	bearerGiven    bool
}

func (a *auth) define(d *config.Def) {
	d.String(&a.basicSource, "basic.auth.credentials.source", "URL",
		"Where user and password come from: URL (schema.registry.url), USER_INFO (basic.auth.user.info) or SASL_INHERIT (sasl.jaas.config).")
	d.Password(&a.userInfo, "basic.auth.user.info", "User and password, as user:password.", config.Default(""))
	d.Password(&a.oldUserInfo, "schema.registry.basic.auth.user.info", "User and password, as user:password.", config.Default(""),
		config.Deprecated("basic.auth.user.info"), config.Low)
	d.Password(&a.jaas, "sasl.jaas.config", "A login of Kafka's clients, for SASL_INHERIT.", config.Default(""), config.Low)
	d.String(&a.bearerSource, "bearer.auth.credentials.source", "STATIC_TOKEN",
		"Where the bearer token comes from: STATIC_TOKEN (bearer.auth.token) or OAUTHBEARER (bearer.auth.issuer.endpoint.url).", config.Given(&a.bearerGiven))
	d.Password(&a.token, "bearer.auth.token", "The bearer token.", config.Default(""))
	d.String(&a.issuer, "bearer.auth.issuer.endpoint.url", "", "The URL of the identity provider that gives tokens.")
	d.String(&a.clientID, "bearer.auth.client.id", "", "The client's id there.")
	d.Password(&a.clientSecret, "bearer.auth.client.secret", "The client's secret there.", config.Default(""))
	d.String(&a.scope, "bearer.auth.scope", "", "The scope to ask for.", config.Low)
	d.String(&a.logicalCluster, "bearer.auth.logical.cluster", "", "What to send as target-sr-cluster.", config.Low)
	d.String(&a.identityPool, "bearer.auth.identity.pool.id", "", "What to send as Confluent-Identity-Pool-Id.", config.Low)
}

// open returns what puts the credentials into a request, nil if there are none.
func (a *auth) open(fromURL *url.Userinfo, client *http.Client) (func(*http.Request) error, error) {
	switch source := strings.ToUpper(a.bearerSource); {
	case !a.bearerGiven && a.token.Reveal() == "":
	case source == "STATIC_TOKEN":
		if a.token.Reveal() == "" {
			return nil, config.Errorf("bearer.auth.token", "bearer.auth.token is needed when bearer.auth.credentials.source is STATIC_TOKEN.")
		}
		return a.bearer(func(*http.Request) (string, error) { return a.token.Reveal(), nil }), nil
	case source == "OAUTHBEARER":
		if a.issuer == "" || a.clientID == "" {
			return nil, config.Errorf("bearer.auth.issuer.endpoint.url",
				"bearer.auth.issuer.endpoint.url and bearer.auth.client.id are needed when bearer.auth.credentials.source is OAUTHBEARER.")
		}
		t := &tokens{auth: a, client: client}
		return a.bearer(t.current), nil
	default:
		return nil, config.Errorf("bearer.auth.credentials.source", "%s is not supported: use STATIC_TOKEN or OAUTHBEARER.", a.bearerSource)
	}
	switch strings.ToUpper(a.basicSource) {
	case "URL":
		if fromURL == nil {
			return nil, nil
		}
		password, _ := fromURL.Password()
		return basic(fromURL.Username(), password), nil
	case "USER_INFO":
		info := a.userInfo.Reveal()
		if info == "" {
			info = a.oldUserInfo.Reveal()
		}
		user, password, ok := strings.Cut(info, ":")
		if !ok {
			return nil, config.Errorf("basic.auth.user.info", "basic.auth.user.info must be user:password when basic.auth.credentials.source is USER_INFO.")
		}
		return basic(user, password), nil
	case "SASL_INHERIT":
		login := a.jaas.Reveal()
		user, password := jaasOption(login, "username"), jaasOption(login, "password")
		if user == "" || password == "" {
			return nil, config.Errorf("sasl.jaas.config", "sasl.jaas.config must have a username and a password when basic.auth.credentials.source is SASL_INHERIT.")
		}
		return basic(user, password), nil
	}
	return nil, config.Errorf("basic.auth.credentials.source", "%s is not supported: use URL, USER_INFO or SASL_INHERIT.", a.basicSource)
}

// jaasOption is the value of an option of a login, such as username="me". It is "" if the login has none.
func jaasOption(login, name string) string {
	found := regexp.MustCompile(`\b` + name + `\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))`).FindStringSubmatch(login)
	if found == nil {
		return ""
	}
	return regexp.MustCompile(`\\(.)`).ReplaceAllString(found[1], "$1") + found[2]
}

func basic(user, password string) func(*http.Request) error {
	return func(r *http.Request) error {
		r.SetBasicAuth(user, password)
		return nil
	}
}

func (a *auth) bearer(token func(*http.Request) (string, error)) func(*http.Request) error {
	return func(r *http.Request) error {
		t, err := token(r)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+t)
		if a.logicalCluster != "" {
			r.Header.Set("target-sr-cluster", a.logicalCluster)
		}
		if a.identityPool != "" {
			r.Header.Set("Confluent-Identity-Pool-Id", a.identityPool)
		}
		return nil
	}
}

// tokens gets tokens by OAuth's client credentials and keeps each until shortly before it ends.
type tokens struct {
	*auth
	client *http.Client

	mu    sync.Mutex
	token string
	until time.Time
}

// expiryBuffer is how long before its end a token is replaced.
const expiryBuffer = 5 * time.Minute

func (t *tokens) current(r *http.Request) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Now().Before(t.until) {
		return t.token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.scope != "" {
		form.Set("scope", t.scope)
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, t.issuer, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("asking %s for a token: %w", t.issuer, err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(t.clientID), url.QueryEscape(t.clientSecret.Reveal()))
	answer, err := t.client.Do(request)
	if err != nil {
		return "", fmt.Errorf("asking for a token: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return "", fmt.Errorf("asking %s for a token: %w", t.issuer, err)
	}
	var got struct {
		Token   string  `json:"access_token"`
		Expires float64 `json:"expires_in"`
	}
	if answer.StatusCode != http.StatusOK || json.Unmarshal(body, &got) != nil || got.Token == "" {
		return "", fmt.Errorf("asking %s for a token: it answered %s", t.issuer, answer.Status)
	}
	life := time.Duration(got.Expires) * time.Second
	t.token, t.until = got.Token, time.Now().Add(max(life-expiryBuffer, life/2))
	return t.token, nil
}
