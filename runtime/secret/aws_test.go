package secret_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/secret"
)

// cloud answers as Secrets Manager and Systems Manager do.
type cloud struct {
	mu      sync.Mutex
	secrets map[string]string
	// fail, if set, answers instead.
	fail  func(w http.ResponseWriter) bool
	calls []string
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	scope := r.Header.Get("Authorization")
	_, scope, _ = strings.Cut(scope, "Credential=")
	scope, rest, _ := strings.Cut(scope, ",")
	scope = scope[strings.IndexByte(scope, '/')+1+len("20060102/"):]
	c.calls = append(c.calls, fmt.Sprintf("%s %s %s %s", r.Header.Get("X-Amz-Target"), scope, body, r.Header.Get("X-Amz-Security-Token")))
	if !strings.Contains(rest, "x-amz-target") || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || r.URL.Path != "/" {
		http.Error(w, `{"__type":"InvalidSignatureException"}`, http.StatusBadRequest)
		return
	}
	if c.fail != nil && c.fail(w) {
		return
	}
	var in struct {
		SecretID string `json:"SecretId"`
		Name     string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	value, ok := c.secrets[in.SecretID+in.Name]
	if !ok {
		refuse(http.StatusBadRequest, "com.amazonaws#ResourceNotFoundException", "Secrets Manager can't find the specified secret.")(w)
		return
	}
	answer := map[string]any{"SecretString": value}
	if in.Name != "" {
		answer = map[string]any{"Parameter": map[string]any{"Value": value, "Type": "SecureString"}}
	}
	if bytes, ok := strings.CutPrefix(value, "binary "); ok {
		answer = map[string]any{"SecretBinary": []byte(bytes)}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func refuse(status int, code, message string) func(w http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "Message": message})
		return true
	}
}

func (c *cloud) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}

// start serves the cloud and returns a resolver of its secrets.
func (c *cloud) start(t *testing.T, o secret.Options, variables map[string]string) *secret.Resolver {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	all := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": server.URL,
	}
	for k, v := range variables {
		all[k] = strings.ReplaceAll(v, "SERVER", server.URL)
	}
	o.LookupEnv = func(name string) (string, bool) {
		v, ok := all[name]
		return v, ok
	}
	return secret.New(o)
}

const arn = "arn:aws:secretsmanager:us-east-2:123456789012:secret:prod/db-AbCdEf"

func TestResolver_ReadsFromAWS(t *testing.T) {
	t.Parallel()
	c := &cloud{secrets: map[string]string{
		"prod/db": `{"user":"ann","password":"hunter2","port":5432,"null":null,"list":[1, 2]}`, "text": "just text",
		arn: `{"password":"of the arn"}`, "/prod/key": "parameter", "/prod/key:3": "version", "bin": "binary bytes",
	}}
	r := c.start(t, secret.Options{}, nil)
	raw := map[string]string{
		"url": "x://${secretsManager:prod/db:user}:${secretsManager:prod/db:password}@h:${secretsManager:prod/db:port}", "list": "${secretsManager:prod/db:list}",
		"text": "${secretsManager:text}", "colons": "${secretsManager::text}", "arn": "${secretsManager:" + arn + ":password}",
		"whole": "${secretsManager:" + arn + "}", "escaped": "${secretsManager:" + strings.ReplaceAll(arn, ":", "%3A") + ":password}",
		"ssm": "${ssm:/prod/key}", "ssm2": "${ssm::/prod/key}", "version": "${ssm:/prod/key:3}", "bin": "${secretsManager:bin}",
	}
	got, err := r.Resolve(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"url": "x://ann:hunter2@h:5432", "list": "[1, 2]", "text": "just text", "colons": "just text", "arn": "of the arn",
		"whole": `{"password":"of the arn"}`, "escaped": "of the arn", "ssm": "parameter", "ssm2": "parameter", "version": "version", "bin": "bytes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	calls := map[string]int{}
	for _, call := range c.calls {
		calls[call]++
	}
	if diff := cmp.Diff(map[string]int{
		`secretsmanager.GetSecretValue eu-west-1/secretsmanager/aws4_request {"SecretId":"prod/db"} token`:     1,
		`secretsmanager.GetSecretValue eu-west-1/secretsmanager/aws4_request {"SecretId":"text"} token`:        1,
		`secretsmanager.GetSecretValue eu-west-1/secretsmanager/aws4_request {"SecretId":"bin"} token`:         1,
		`secretsmanager.GetSecretValue us-east-2/secretsmanager/aws4_request {"SecretId":"` + arn + `"} token`: 1,
		`AmazonSSM.GetParameter eu-west-1/ssm/aws4_request {"Name":"/prod/key","WithDecryption":true} token`:   1,
		`AmazonSSM.GetParameter eu-west-1/ssm/aws4_request {"Name":"/prod/key:3","WithDecryption":true} token`: 1,
	}, calls); diff != "" {
		t.Errorf("calls (-want +got)\n%s", diff)
	}
	if s := r.Scrub("hunter2 and of the arn"); s != "${secretsManager:prod/db:password} and "+raw["escaped"] {
		t.Error(s)
	}
}

func TestResolver_SaysWhyAWSGivesNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, raw, want string
		variables       map[string]string
		fail            func(w http.ResponseWriter) bool
		calls           int
	}{
		{name: "absent", raw: "${secretsManager:no:k}", want: "reading secret no in eu-west-1: ResourceNotFoundException: Secrets Manager can't find the specified secret.; there is no such secret", calls: 1},
		{name: "denied", raw: "${secretsManager:db:k}", fail: refuse(400, "AccessDeniedException", "User: x is not authorized"), want: "the role needs secretsmanager:GetSecretValue", calls: 1},
		{name: "denied parameter", raw: "${ssm:/p}", fail: refuse(400, "AccessDeniedException", "no"), want: "the role needs ssm:GetParameter on this parameter", calls: 1},
		{name: "expired", raw: "${ssm:/p}", fail: refuse(400, "ExpiredTokenException", "old"), want: "the credentials are not valid there", calls: 1},
		{name: "key", raw: "${secretsManager:db:k}", fail: refuse(400, "DecryptionFailure", "no"), want: "kms:Decrypt", calls: 1},
		{name: "no region", raw: "${secretsManager:db:k}", variables: map[string]string{"AWS_REGION": ""}, want: "no region; set AWS_REGION"},
		{name: "no credentials", raw: "${secretsManager:db:k}", variables: map[string]string{"AWS_ACCESS_KEY_ID": ""}, want: "no credentials; set AWS_ACCESS_KEY_ID"},
		{name: "no member", raw: "${secretsManager:db:k}", want: `it has no "k"`, calls: 1},
		{name: "no JSON", raw: "${secretsManager:text:k}", want: `it is not a JSON object, so that it has no "k"`, calls: 1},
		{name: "no name", raw: "${secretsManager:}", want: "the placeholder names no secret"},
		{name: "unreachable", raw: "${secretsManager:db:k}", variables: map[string]string{"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:1"}, want: "a NAT gateway or an interface endpoint"},
		{name: "broken", raw: "${ssm:/p}", fail: refuse(500, "", "oops"), want: "500 Internal Server Error: oops", calls: 3},
		{name: "throttled", raw: "${ssm:/p}", fail: refuse(400, "ThrottlingException", "Rate exceeded"), want: "ThrottlingException: Rate exceeded", calls: 3},
		{name: "nonsense", raw: "${ssm:/p}", want: "the answer is not what Systems Manager answers", calls: 1, fail: func(w http.ResponseWriter) bool {
			_, _ = io.WriteString(w, "hunter2")
			return true
		}},
		{name: "ttl", raw: "${ssm:/p}", want: "reading ttl.ms", calls: 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &cloud{fail: test.fail, secrets: map[string]string{"db": `{"password":"hunter2"}`, "text": "hunter2", "/p": "hunter2"}}
			o := secret.Options{}
			if test.name == "ttl" {
				o.Properties = map[string]string{"config.providers": "ssm", "config.providers.ssm.param.ttl.ms": "soon"}
			}
			r := c.start(t, o, test.variables)
			_, err := r.Resolve(t.Context(), map[string]string{"s": test.raw})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "resolving "+test.raw+" of the setting s: ") {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the value is shown: %v", err)
			}
			if c.count() != test.calls {
				t.Errorf("%d calls: %q", c.count(), c.calls)
			}
		})
	}
}

func TestResolver_KeepsWhatItReadFromAWS(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := &cloud{secrets: map[string]string{"db": "first"}}
	r := c.start(t, secret.Options{Now: func() time.Time { return now }}, nil)
	read := func(want string, calls int) {
		t.Helper()
		got, err := r.Resolve(t.Context(), map[string]string{"s": "${secretsManager:db}"})
		if err != nil || got["s"] != want || c.count() != calls {
			t.Errorf("got %q, %v after %d calls, want %q after %d", got["s"], err, c.count(), want, calls)
		}
	}
	read("first", 1)
	c.secrets["db"] = "second"
	now = now.Add(5*time.Minute - 1)
	read("first", 1)
	now = now.Add(1)
	read("second", 2)

	c.secrets["db"] = "third"
	r.Renew()
	read("second", 2) // it is not half a minute old
	now = now.Add(30 * time.Second)
	r.Renew()
	read("third", 3)

	now = now.Add(time.Hour)
	c.fail = refuse(503, "", "down")
	read("third", 6) // better than nothing
	c.fail = refuse(400, "AccessDeniedException", "no more")
	if got, err := r.Resolve(t.Context(), map[string]string{"s": "${secretsManager:db}"}); err == nil {
		t.Errorf("what may no longer be read is %q", got["s"])
	}
}

func TestResolver_DeclaredStores(t *testing.T) {
	t.Parallel()
	c := &cloud{secrets: map[string]string{"db": `{"k":"v"}`, "/p": "w"}}
	r := c.start(t, secret.Options{Properties: map[string]string{
		"config.providers": "secretsManager,sm,params", "config.providers.secretsManager.param.region": "ap-south-1",
		"config.providers.secretsManager.param.ttl.ms": "0",
		"config.providers.sm.class":                    "com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider",
		"config.providers.params.class":                "com.amazonaws.kafka.config.providers.SsmParamStoreConfigProvider",
	}}, map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "SERVER", "AWS_ENDPOINT_URL_SSM": "SERVER/"})
	for range 2 {
		got, err := r.Resolve(t.Context(), map[string]string{"a": "${secretsManager:db:k}", "b": "${sm:db:k}", "c": "${params::/p}"})
		if diff := cmp.Diff(map[string]string{"a": "v", "b": "v", "c": "w"}, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	if n := c.count(); n != 4 || !strings.Contains(c.calls[0], "ap-south-1") {
		t.Errorf("%d calls: %q", n, c.calls)
	}
}

func TestResolver_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := &cloud{fail: func(http.ResponseWriter) bool {
		cancel()
		<-ctx.Done()
		return true
	}}
	_, err := c.start(t, secret.Options{}, nil).Resolve(ctx, map[string]string{"s": "${ssm:/p}"})
	if err == nil || c.count() != 1 {
		t.Errorf("%v after %d calls", err, c.count())
	}
}
