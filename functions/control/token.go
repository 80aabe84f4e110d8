package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/sluice-connect/sluice/runtime/worker"
)

// envToken is the environment variable with the ARN of the secret that holds the bearer token; empty if there is none.
const envToken = "SLUICE_REST_TOKEN"

// tokens lets requests in that know the bearer token. Those that were signed were let in by IAM already.
type tokens struct {
	secret   string
	resolver worker.Secrets
}

// refuse is the answer to a request that is not let in; nil if it is.
func (t tokens) refuse(ctx context.Context, payload []byte) []byte {
	if t.secret == "" {
		return nil // nobody comes in but by IAM
	}
	var request struct {
		Headers        map[string]string `json:"headers"`
		RequestContext struct {
			Authorizer struct {
				IAM json.RawMessage `json:"iam"`
			} `json:"authorizer"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(payload, &request); err != nil {
		return refusal(http.StatusBadRequest, "The request cannot be read")
	}
	if iam := string(request.RequestContext.Authorizer.IAM); iam != "" && iam != "null" {
		return nil
	}
	const placeholder = "token"
	resolved, err := t.resolver.Resolve(ctx, map[string]string{placeholder: "${secretsManager:" + t.secret + "}"})
	if err != nil || resolved[placeholder] == "" || strings.Contains(resolved[placeholder], "${") { // a placeholder that stayed one is no token
		return refusal(http.StatusInternalServerError, "The token that lets requests in cannot be read")
	}
	var given string
	for name, value := range request.Headers {
		if strings.EqualFold(name, "Authorization") {
			given = value
		}
	}
	kind, token, _ := strings.Cut(given, " ")
	// Of equal length, so that comparing tells nothing.
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(strings.TrimSpace(resolved[placeholder])))
	if !strings.EqualFold(kind, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return refusal(http.StatusUnauthorized, "User cannot access the resource.")
	}
	return nil
}

// refusal is an answer in the form of Connect's errors.
func refusal(status int, message string) []byte {
	body, _ := json.Marshal(map[string]any{"error_code": status, "message": message}) //nolint:errchkjson // this can be written
	headers := map[string]string{"content-type": "application/json"}
	if status == http.StatusUnauthorized {
		headers["www-authenticate"] = "Bearer"
	}
	answer, _ := json.Marshal(map[string]any{"statusCode": status, "headers": headers, "body": string(body)}) //nolint:errchkjson // this can be written
	return answer
}
