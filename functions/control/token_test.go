package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	control "github.com/sluice-connect/sluice/functions/control"
	"github.com/sluice-connect/sluice/runtime/secret"
)

const tokenSecret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:rest-AbCdEf"

// vault is a Secrets Manager with one secret, whose text is the token.
func vault(t *testing.T, token string) *secret.Resolver {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if token == "" || !strings.Contains(string(body), tokenSecret) {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"AccessDeniedException","Message":"not allowed"}`)
			return
		}
		answer, _ := json.Marshal(map[string]string{"SecretString": token}) //nolint:errchkjson // strings can always be written
		w.Write(answer)
	}))
	t.Cleanup(server.Close)
	env := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
	}
	return secret.New(secret.Options{LookupEnv: func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}})
}

func TestToken_LetsInWhoKnowsIt(t *testing.T) {
	t.Parallel()
	const token = "s3cret-token-of-32-characters-or-so"
	for name, c := range map[string]struct {
		secret, stored, event string
		status                float64 // 0: let in
	}{
		"nobody asks for a token":        {"", token, `{"headers":{}}`, 0},
		"the token":                      {tokenSecret, token, `{"headers":{"authorization":"Bearer ` + token + `"}}`, 0},
		"a line end behind it":           {tokenSecret, token + "\n", `{"headers":{"Authorization":"bearer ` + token + `"}}`, 0},
		"signed, by the function URL":    {tokenSecret, token, `{"headers":{},"requestContext":{"authorizer":{"iam":{"userArn":"arn:x"}}}}`, 0},
		"no header":                      {tokenSecret, token, `{"headers":{}}`, 401},
		"another token":                  {tokenSecret, token, `{"headers":{"authorization":"Bearer ` + token[1:] + `"}}`, 401},
		"another kind":                   {tokenSecret, token, `{"headers":{"authorization":"Basic ` + token + `"}}`, 401},
		"an empty token":                 {tokenSecret, token, `{"headers":{"authorization":"Bearer "}}`, 401},
		"what looks as if it was signed": {tokenSecret, token, `{"headers":{},"requestContext":{"authorizer":{"iam":null}}}`, 401},
		"an authorizer of another kind":  {tokenSecret, token, `{"headers":{},"requestContext":{"authorizer":{"jwt":{"claims":{}}}}}`, 401},
		"a secret that cannot be read":   {tokenSecret, "", `{"headers":{"authorization":"Bearer "}}`, 500},
		"what is no request":             {tokenSecret, token, `[]`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := control.Refuse(t.Context(), c.secret, vault(t, c.stored), []byte(c.event))
			if c.status == 0 {
				if text != nil {
					t.Errorf("it is refused: %s", text)
				}
				return
			}
			var answer struct {
				StatusCode float64           `json:"statusCode"`
				Headers    map[string]string `json:"headers"`
				Body       string            `json:"body"`
			}
			var body struct {
				Code    float64 `json:"error_code"`
				Message string  `json:"message"`
			}
			if json.Unmarshal(text, &answer) != nil || answer.StatusCode != c.status {
				t.Fatalf("the answer is %s, want %v", text, c.status)
			}
			if json.Unmarshal([]byte(answer.Body), &body) != nil || body.Code != c.status || body.Message == "" || strings.Contains(answer.Body, token) {
				t.Errorf("it says %s", answer.Body)
			}
			if (answer.Headers["www-authenticate"] == "Bearer") != (c.status == 401) {
				t.Errorf("its headers are %v", answer.Headers)
			}
		})
	}
}
