package table_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sluice-connect/sluice/local/table"
)

// asError finds the SDK's own type of an error.
func asError[E error](t testing.TB, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want a %T", err, err, e)
	}
	return e
}

func TestErrors_AreTheSDKsTypes(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		nope := aws.String("no-such-table")
		_, err := b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: nope, Key: key("s")})
		asError[*types.ResourceNotFoundException](t, err)
		_, err = b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: nope, Item: key("s")})
		asError[*types.ResourceNotFoundException](t, err)
		_, err = b.Scan(t.Context(), &dynamodb.ScanInput{TableName: nope})
		asError[*types.ResourceNotFoundException](t, err)
		_, err = b.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: nope})
		asError[*types.ResourceNotFoundException](t, err)
		_, err = b.CreateTable(t.Context(), creation(b.name))
		asError[*types.ResourceInUseException](t, err)
		_, err = b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("a b"), Key: key("s")})
		check(t, err, notValid)
	})
}

func TestServeHTTP_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	tab, client := open(t, "")
	_, err := client.CreateBackup(t.Context(), &dynamodb.CreateBackupInput{TableName: aws.String("abc"), BackupName: aws.String("abc")})
	check(t, err, "UnknownOperationException")
	for name, c := range map[string]struct{ method, target, body, want string }{
		"no target":         {"POST", "", "{}", "UnknownOperationException"},
		"other version":     {"POST", "DynamoDB_20110101.GetItem", "{}", "UnknownOperationException"},
		"not a call":        {"GET", "DynamoDB_20120810.GetItem", "{}", "UnknownOperationException"},
		"no JSON":           {"POST", "DynamoDB_20120810.GetItem", "{", "SerializationException"},
		"wrong JSON":        {"POST", "DynamoDB_20120810.GetItem", "[]", "SerializationException"},
		"wrong type":        {"POST", "DynamoDB_20120810.GetItem", `{"TableName": 5}`, "SerializationException"},
		"wrong value":       {"POST", "DynamoDB_20120810.GetItem", `{"Key": {"pk": {"S": 5}}}`, "SerializationException"},
		"not base64":        {"POST", "DynamoDB_20120810.GetItem", `{"Key": {"pk": {"B": "!"}}}`, "SerializationException"},
		"empty value":       {"POST", "DynamoDB_20120810.GetItem", `{"Key": {"pk": {}}}`, "ValidationException"},
		"two values":        {"POST", "DynamoDB_20120810.GetItem", `{"Key": {"pk": {"S": "a", "N": "1"}}}`, "ValidationException"},
		"false null":        {"POST", "DynamoDB_20120810.GetItem", `{"Key": {"pk": {"NULL": false}}}`, "ValidationException"},
		"no name":           {"POST", "DynamoDB_20120810.GetItem", `{}`, "ValidationException"},
		"old parameter":     {"POST", "DynamoDB_20120810.PutItem", `{"TableName": "abc", "Item": {}, "Expected": {}}`, "ValidationException"},
		"empty names":       {"POST", "DynamoDB_20120810.GetItem", `{"TableName": "abc", "ProjectionExpression": "a", "ExpressionAttributeNames": {}}`, "ValidationException"},
		"too large a body":  {"POST", "DynamoDB_20120810.GetItem", `{"TableName": "` + strings.Repeat("a", 17<<20) + `"}`, "SerializationException"},
		"unknown parameter": {"POST", "DynamoDB_20120810.ListTables", `{"Foo": 1}`, ""},
	} {
		r := httptest.NewRequest(c.method, "/", strings.NewReader(c.body))
		r.Header.Set("X-Amz-Target", c.target)
		w := httptest.NewRecorder()
		tab.ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Result().Body)
		wantStatus := http.StatusBadRequest
		if c.want == "" {
			wantStatus = http.StatusOK
		}
		if w.Code != wantStatus || !strings.Contains(string(body), c.want) {
			t.Errorf("%s: got %d %s, want %s", name, w.Code, body, c.want)
		}
	}
}

func TestReservedWords(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, b bundle) {
		words := table.ReservedWords()
		if len(words) != 573 {
			t.Errorf("the service has 573 reserved words, got %d", len(words))
		}
		for _, word := range words {
			if b.reference && (word == "convert" || word == "size") {
				// Documented, but taken by the reference.
				continue
			}
			_, err := b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.name, Key: key("s"), ProjectionExpression: aws.String(strings.ToUpper(word))})
			if outcome(err) != notValid {
				t.Errorf("%s: got %v", word, err)
			}
		}
		for _, word := range []string{"epoch", "expires", "revision", "lease", "payload", "ort"} {
			if _, err := b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.name, Key: key("s"), ProjectionExpression: &word}); err != nil {
				t.Errorf("%s: %v", word, err)
			}
		}
	})
}

func TestCounts(t *testing.T) {
	t.Parallel()
	tab, client := open(t, "")
	b := newTable(t, client, false)
	b.put(t, obj{"pk": "p", "sk": "s"})
	b.put(t, obj{"pk": "p", "sk": "s"})
	_, err := b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("none"), Key: key("s")})
	check(t, err, "ResourceNotFoundException")
	got := tab.Counts()
	if len(got) != 3 || got["CreateTable"] != 1 || got["PutItem"] != 2 || got["GetItem"] != 1 {
		t.Errorf("got %v", got)
	}
}
