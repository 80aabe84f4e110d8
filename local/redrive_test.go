package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	login "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// cloud is a bucket and a function that fails on what says so.
type cloud struct {
	objects map[string]string
	invoked []string
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/"):
		body, _ := io.ReadAll(r.Body)
		c.invoked = append(c.invoked, strings.Split(r.URL.Path, "/")[3]+" "+string(body))
		if strings.Contains(string(body), `"value":"YmFk"`) { // bad
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		io.WriteString(w, "{}")
	case r.Method == http.MethodDelete:
		delete(c.objects, strings.TrimPrefix(r.URL.Path, "/bucket/"))
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/bucket" || r.URL.Path == "/bucket/":
		io.WriteString(w, "<ListBucketResult>")
		for key := range c.objects {
			// The oldest has the last name.
			year := "2026"
			if strings.HasSuffix(key, "z") {
				year = "2025"
			}
			io.WriteString(w, "<Contents><Key>"+key+"</Key><LastModified>"+year+"-01-01T00:00:00Z</LastModified></Contents>")
		}
		io.WriteString(w, "</ListBucketResult>")
	default:
		io.WriteString(w, c.objects[strings.TrimPrefix(r.URL.Path, "/bucket/")])
	}
}

// failed is what a trigger writes about an event of these values.
func failed(t *testing.T, values ...string) string {
	t.Helper()
	e := kafka.Encoder{Source: "SelfManagedKafka"}
	for i, v := range values {
		if !e.Add("orders", 0, &kafka.Message{Offset: int64(i), Value: []byte(v)}) {
			t.Fatal("it does not fit")
		}
	}
	text, err := json.Marshal(map[string]any{
		"requestContext": map[string]string{"functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:sink:$LATEST"},
		"payload":        string(e.Bytes()),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRedrive_DeletesWhatASinkTakes(t *testing.T) {
	t.Parallel()
	c := &cloud{objects: map[string]string{"aws/lambda/a": failed(t, "bad"), "aws/lambda/b": failed(t, "two", "three"), "aws/lambda/z": failed(t, "one"), "aws/lambda/c": "{}"}}
	server := httptest.NewServer(c)
	defer server.Close()
	keys := login.NewStaticCredentialsProvider("a", "b", "")
	var out strings.Builder
	r := redriver{
		redriveFlags: redriveFlags{bucket: "bucket", prefix: "aws/lambda/", dry: true}, out: &out,
		bucket: s3.New(s3.Options{Region: "eu-west-1", Credentials: keys, BaseEndpoint: &server.URL, UsePathStyle: true}),
		lambda: lambda.New(lambda.Options{Region: "eu-west-1", Credentials: keys, BaseEndpoint: &server.URL}),
	}
	if err := r.run(t.Context()); err == nil || len(c.invoked) > 0 || len(c.objects) != 4 || !strings.Contains(out.String(), "aws/lambda/b has 2 records") {
		t.Errorf("a dry run: %v, invoked %q\n%s", err, c.invoked, &out)
	}
	r.dry = false
	if err := r.run(t.Context()); err == nil || !strings.Contains(err.Error(), "2 of 4 objects stay") {
		t.Errorf("what stays is no error: %v", err)
	}
	if len(c.objects) != 2 || c.objects["aws/lambda/a"] == "" || c.objects["aws/lambda/c"] == "" {
		t.Errorf("what stays is %v\n%s", c.objects, &out)
	}
	if len(c.invoked) != 3 || !strings.Contains(c.invoked[0], `"value":"b25l"`) || !strings.HasPrefix(c.invoked[0], "arn:aws:lambda:eu-west-1:111122223333:function:sink ") {
		t.Errorf("invoked %q", c.invoked)
	}
}

func TestRedrive_PartsWhatLambdaDoesNotTake(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 3<<20)
	e := kafka.Encoder{Limit: 1 << 30}
	for i := range 3 {
		e.Add("orders", 0, &kafka.Message{Offset: int64(i), Value: []byte(large)})
	}
	events, n, err := pieces(e.Bytes())
	if err != nil || n != 3 || len(events) != 3 {
		t.Errorf("%d pieces of %d records, %v", len(events), n, err)
	}
	e.Add("orders", 0, &kafka.Message{Offset: 3, Value: []byte(large + large)})
	if _, _, err := pieces(e.Bytes()); err == nil || !strings.Contains(err.Error(), "orders-0@3") {
		t.Errorf("a record that no event holds: %v", err)
	}
}
