package control_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What Kafka Connect 4.3.1, and the web server in it, made of requests that few clients send. want is the status, the
// Content-Type, and what the body holds.
func TestServer_UnderstandsRequestsAsConnectDoes(t *testing.T) {
	t.Parallel()
	server, _, _ := still(t)
	const (
		jsonType, none = "application/json", ""
		html           = "text/html;charset=iso-8859-1"
		get            = "GET "
		noStatus       = "No status found for connector "
	)
	long := strings.Repeat("n", 7000)
	for _, c := range []struct {
		line, headers, body string
		status              int
		media, text         string
	}{
		// Paths.
		{get + "/connectors/", none, none, 200, jsonType, "[]"},
		{get + "/connectors;x=y", none, none, 200, jsonType, "[]"},
		{get + "/connectors/a;x=y/status", none, none, 404, jsonType, noStatus + "a\""},
		{get + "/connectors/a%3Bb/status", none, none, 404, jsonType, noStatus + "a;b\""},
		{get + "/connectors/a+b/status", none, none, 404, jsonType, noStatus + "a+b\""},
		{get + "/connectors/%20/status", none, none, 404, jsonType, noStatus + " \""},
		{get + "/connectors/%C3%A9/status", none, none, 404, jsonType, noStatus + "é\""},
		{get + "/connectors/.", none, none, 404, jsonType, "Connector . not found"},
		{get + "/connectors/..", none, none, 404, jsonType, "Connector .. not found"},
		{get + "/connectors/a/../b", none, none, 404, none, "HTTP 404 Not Found"},
		{get + "/connectors/" + long, none, none, 404, jsonType, "n not found"},
		{get + "/connectors/" + long + "/topics", none, none, 200, jsonType, `{"topics":[]}`},
		{get + "/CONNECTORS", none, none, 404, none, "HTTP 404 Not Found"},
		{get + "//", none, none, 400, html, "400"},
		{get + "/connectors//status", none, none, 400, html, "400"},
		{get + "/connectors/a%2fb", none, none, 400, html, "400"},
		{get + "/connectors/a%25b", none, none, 400, html, "400"},
		{get + "/connectors/%2e%2e", none, none, 400, html, "400"},
		{get + "/connectors/%E9", none, none, 400, html, "400"},
		{get + "/connectors/é", none, none, 400, html, "400"},
		{get + "/connectors/a|b", none, none, 400, html, "400"},
		{get + "/connectors/{x}", none, none, 400, html, "400"},
		{get + "/connectors/[x]", none, none, 400, html, "400"},
		{"DELETE /connectors/a%2fb", none, none, 400, none, none},
		{get + "/connectors/a#b", none, none, 404, jsonType, "Connector a not found"},
		{get + "/connectors/" + long + long, none, none, 414, html, "414"},
		// Queries.
		{get + "/connectors?expand=%", none, none, 200, jsonType, "{}"},
		{get + "/connectors?expand=status;info", none, none, 200, jsonType, "{}"},
		{get + "/connectors?%=status", none, none, 200, jsonType, "[]"},
		{get + "/connectors?&expand", none, none, 200, jsonType, "{}"},
		// What the body is said to be.
		{get + "/connectors", "Content-Type: text/plain", none, 415, none, "HTTP 415 Unsupported Media Type"},
		{get + "/connectors", "Content-Type: text/plain\r\nAccept: application/xml", none, 415, none, "HTTP 415"},
		{get + "/", "Content-Type: text/plain", none, 200, jsonType, `"version"`},
		{"PUT /connectors/a/pause", "Content-Type: application/x-www-form-urlencoded", none, 415, none, "HTTP 415"},
		{"PUT /connectors/a/pause", "Content-Type: application/json", none, 404, jsonType, "Unknown connector a"},
		{"POST /connectors/a/restart", "Content-Type: APPLICATION/JSON; charset=latin1", `{"a":1}`, 404, jsonType, "Unknown connector: a"},
		{"POST /connectors", "Content-Type: application/vnd.api+json", "{}", 415, none, "HTTP 415"},
		{"POST /connectors", none, "{}", 415, jsonType, "HTTP 415"},
		{"POST /connectors", "Content-Type: garbage", "{}", 400, html, "400"},
		{"PUT /connectors/a/config", "Content-Type: application/", "{}", 400, none, none},
		{get + "/connectors", "Content-Type:", none, 400, html, "400"},
		{"PUT /nope", "Content-Type: text/plain", none, 404, none, "HTTP 404"},
		{"PUT /connectors", "Content-Type: text/plain", none, 405, none, "HTTP 405"},
		// What the client takes.
		{get + "/connectors", "Accept: text/html", none, 406, none, "HTTP 406"},
		{get + "/connectors", "Accept: application/json;q=0", none, 200, jsonType, "[]"},
		{get + "/connectors", "Accept: text/html, */*;q=0.1", none, 200, jsonType, "[]"},
		{get + "/connectors", "Accept: application/json; charset=UTF-8;q=0.5", none, 200, jsonType + ";charset=utf-8", "[]"},
		{get + "/connectors/a", "Accept: application/json;v=\"1 2\"", none, 404, jsonType + ";v=\"1 2\"", "Connector a not found"},
		{"OPTIONS /connectors", none, none, 200, "text/plain", "HEAD, POST, GET, OPTIONS"},
		{"OPTIONS /connectors", "Accept: */*", none, 200, "text/plain", "HEAD, POST, GET, OPTIONS"},
		{"OPTIONS /connectors", "Accept: application/json, text/plain", none, 200, jsonType, none},
		{"OPTIONS /connectors", "Accept: garbage", none, 200, "garbage/*", none},
		// Bodies.
		{"POST /connectors", jsonBody, "\ufeff{\"name\":\"x\",\"config\":{}}", 400, jsonType, "contains no connector type"},
		{"POST /connectors", jsonBody, "{\"name\":\"\xff\",\"config\":{}}", 500, jsonType, "UTF-8"},
		{"POST /connectors", jsonBody, " ", 500, jsonType, "missing"},
		{"POST /connectors", jsonBody, `{"name":"x","config":"y"}`, 500, jsonType, "Cannot construct instance of `java.util.LinkedHashMap`"},
		{"POST /connectors", jsonBody, `{"name":"x","config":1}`, 500, jsonType, "from Integer value (token `JsonToken.VALUE_NUMBER_INT`)"},
		{"POST /connectors", jsonBody, `{"name":"x","config":true}`, 500, jsonType, "from Boolean value (token `JsonToken.VALUE_TRUE`)"},
		{"POST /connectors", jsonBody, `{"name":[],"config":{}}`, 500, jsonType, "Cannot deserialize value of type `java.lang.String` from Array value"},
		{"PATCH /connectors/a/config", jsonBody, "null", 404, jsonType, "Connector a not found"},
		{"PATCH /connectors/a/config", none, none, 404, jsonType, "Connector a not found"},
		{"POST /connectors/a/tasks", jsonBody, "null", 400, jsonType, "missing required signature"},
		{"POST /connectors/a/tasks", jsonBody, `[{"a":1}, null]`, 400, jsonType, "missing required signature"},
		{"POST /connectors/a/tasks", jsonBody, "{}", 500, jsonType, "Cannot deserialize value of type `java.util.ArrayList<"},
		{"POST /connectors/a/tasks", jsonBody, `[1]`, 500, jsonType, "Cannot deserialize value of type `java.util.LinkedHashMap<"},
		{"PUT /admin/loggers/a", jsonBody, "null", 500, jsonType, "missing"},
		{"PUT /admin/loggers/a", jsonBody, `{"level":"info","x":{}}`, 500, jsonType, "Cannot deserialize value of type `java.lang.String`"},
		{"PUT /admin/loggers/a", jsonBody, `{"level":null}`, 400, jsonType, "Desired 'level' parameter"},
		{"PUT /admin/loggers/a", jsonBody, `{"level":""}`, 500, jsonType, "Illegal null or empty Level name."},
		{"PUT /admin/loggers/a", jsonBody, `{"level":" warn"}`, 200, jsonType, `["a"]`},
		{"PUT /admin/loggers/ROOT", jsonBody, `{"level":"warn"}`, 200, jsonType, `["root"]`},
		{get + "/admin/loggers/Root", none, none, 200, jsonType, `"WARN"`},
		// Versions of plugins.
		{get + "/connector-plugins/FileStreamSource/config?version=latest", none, none, 200, jsonType, `"batch.size"`},
		{get + "/connector-plugins/FileStreamSource/config?version=9.9", none, none, 400, jsonType, "version range [9.9,9.9], available versions: ["},
		{get + "/connector-plugins/JsonConverter/config?version=[", none, none, 400, jsonType, "Invalid version specification: ["},
		{get + "/connector-plugins/java.lang.String/config", none, none, 500, jsonType, "Instantiation error"},
		{get + "/connector-plugins/org.apache.kafka.connect.storage.Converter/config", none, none, 500, jsonType, "Instantiation error"},
		{get + "/connector-plugins/org.apache.kafka.connect.transforms.HoistField/config", none, none, 500, jsonType, "Instantiation error"},
		{get + "/connector-plugins/Converter/config", none, none, 404, jsonType, "Unknown plugin Converter."},
		{get + "/connector-plugins/File/config", none, none, 400, jsonType, "Invalid plugin class File. Valid types are sink, source, "},
		{
			"PUT /connector-plugins/FileStreamSource/config/validate", jsonBody, `{"connector.class": "FileStreamSource", "topic": "t", "producer.override.linger.ms": "x"}`,
			500, jsonType, "org.apache.kafka.common.config.ConfigException: Invalid value x for configuration linger.ms: Not a number of type LONG",
		},
		{
			"PUT /connectors/a/config", jsonBody, `{"connector.class": "FileStreamSource", "topic": "t", "producer.override.linger.ms": "x"}`,
			500, jsonType, "\"Invalid value x for configuration linger.ms: Not a number of type LONG",
		},
		{"PUT /connector-plugins/File/config/validate", jsonBody, "{}", 500, jsonType, "errors.BadRequestException: Connector config {} contains no connector type"},
	} {
		raw := fmt.Sprintf("%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n%s", c.line, len(c.body), ended(c.headers), c.body)
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		server.Config.Handler.ServeHTTP(w, request.WithContext(t.Context()))
		media := w.Header().Get("Content-Type")
		if w.Code != c.status || media != c.media || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%.80s %s %s:\n\t%d %q %.300s\nwant\t%d %q … %s …", c.line, c.headers, c.body, w.Code, media, w.Body, c.status, c.media, c.text)
		}
	}
}

const jsonBody = "Content-Type: application/json"

func ended(headers string) string {
	if headers == "" {
		return ""
	}
	return headers + "\r\n"
}
