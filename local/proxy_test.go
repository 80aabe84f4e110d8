package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	login "github.com/aws/aws-sdk-go-v2/credentials"
)

func TestProxy_SignsWhatItHandsOn(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	deployed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Location", "/connectors/a")
		w.WriteHeader(http.StatusCreated)
	}))
	defer deployed.Close()
	target, err := url.Parse(deployed.URL + "/prod")
	if err != nil {
		t.Fatal(err)
	}
	keys := login.NewStaticCredentialsProvider("AKID", "secret", "session")
	proxy := httptest.NewServer(newProxy(target, signer{keys, "lambda", "eu-west-1"}))
	defer proxy.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, proxy.URL+"/connectors/%C3%BC%20b?expand=info", strings.NewReader(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Basic bWU6bWU=")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusCreated || answer.Header.Get("Location") != "/connectors/a" {
		t.Errorf("the answer is %v", answer)
	}
	if got.Method != http.MethodPost || got.RequestURI != "/prod/connectors/%C3%BC%20b?expand=info" || string(body) != `{"a":1}` {
		t.Errorf("handed on: %s %s %s", got.Method, got.RequestURI, body)
	}
	signed := got.Header.Get("Authorization")
	if !strings.HasPrefix(signed, "AWS4-HMAC-SHA256 Credential=AKID/") || !strings.Contains(signed, "/eu-west-1/lambda/aws4_request") || got.Header.Get("X-Amz-Security-Token") != "session" {
		t.Errorf("signed: %s", signed)
	}
}

func TestProxy_SignsForTheServiceInTheURL(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"https://abc.lambda-url.eu-west-1.on.aws/":             "lambda eu-west-1",
		"https://abc.execute-api.us-east-2.amazonaws.com/prod": "execute-api us-east-2",
		"http://localhost:5000/lambda-url/us-east-1/f/":        "lambda here",
	} {
		target, err := url.Parse(host)
		if err != nil {
			t.Fatal(err)
		}
		if service, region := signedFor(target, "here"); service+" "+region != want {
			t.Errorf("%s is signed for %s %s, want %s", host, service, region, want)
		}
	}
}
