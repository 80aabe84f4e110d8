package table_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/sluice-connect/sluice/local/table"
)

// TestMain lets the test binary be the process that gets killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("TABLE_TEST_WRITER"); path != "" {
		writeUntilKilled(path)
		return
	}
	os.Exit(m.Run())
}

// newClient is an SDK client that shows every answer as it comes, without retries.
func newClient(url string, options ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(url),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:      aws.NopRetryer{},
	}, options...)
}

// open gives an endpoint on a file and a client of it.
func open(t testing.TB, path string) (*table.Table, *dynamodb.Client) {
	t.Helper()
	tab, err := table.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(tab)
	t.Cleanup(func() {
		server.Close()
		if err := tab.Close(); err != nil {
			t.Error(err)
		}
	})
	return tab, newClient(server.URL)
}

// A bundle is one table on one endpoint.
type bundle struct {
	*dynamodb.Client
	name      string
	reference bool // the endpoint is not ours
}

// everywhere runs a test against this package and, where SLUICE_TEST_DYNAMODB holds the URL of a DynamoDB, against that too: whatever is
// asserted in here is asserted of both.
func everywhere(t *testing.T, test func(t *testing.T, b bundle)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		_, client := open(t, "")
		test(t, newTable(t, client, false))
	})
	if url := os.Getenv("SLUICE_TEST_DYNAMODB"); url != "" {
		t.Run("reference", func(t *testing.T) {
			t.Parallel()
			// Its error replies carry checksums the SDK complains about.
			client := newClient(url, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
			test(t, newTable(t, client, true))
		})
	}
}

func newTable(t testing.TB, client *dynamodb.Client, reference bool) bundle {
	t.Helper()
	b := bundle{client, "test-" + rand.Text(), reference}
	if _, err := client.CreateTable(t.Context(), creation(b.name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &b.name})
		if gone := (*types.ResourceNotFoundException)(nil); err != nil && !errors.As(err, &gone) {
			t.Error(err)
		}
	})
	return b
}

func creation(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	}
}

// An obj is an item or map in Go's own types; see av.
type obj = map[string]any

// Sets and numbers in the notation of the tests.
type (
	ss  []string
	ns  []string
	bs  []string
	num string
)

// av makes attribute values: string is S, int and num N, []byte B, bool BOOL, nil NULL, []any L, obj M, and the sets.
func av(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case int:
		return &types.AttributeValueMemberN{Value: fmt.Sprint(v)}
	case num:
		return &types.AttributeValueMemberN{Value: string(v)}
	case []byte:
		return &types.AttributeValueMemberB{Value: v}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case nil:
		return &types.AttributeValueMemberNULL{Value: true}
	case []any:
		list := []types.AttributeValue{}
		for _, x := range v {
			list = append(list, av(x))
		}
		return &types.AttributeValueMemberL{Value: list}
	case obj:
		return &types.AttributeValueMemberM{Value: avs(v)}
	case ss:
		return &types.AttributeValueMemberSS{Value: v}
	case ns:
		return &types.AttributeValueMemberNS{Value: v}
	case bs:
		set := [][]byte{}
		for _, x := range v {
			set = append(set, []byte(x))
		}
		return &types.AttributeValueMemberBS{Value: set}
	}
	panic(fmt.Sprintf("no attribute value for %T", v))
}

func avs(m obj) map[string]types.AttributeValue {
	if m == nil {
		return nil
	}
	out := map[string]types.AttributeValue{}
	for k, v := range m {
		out[k] = av(v)
	}
	return out
}

// plain is the reverse of av; numbers come out as num, sets sorted.
func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return num(v.Value)
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, x := range v.Value {
			list = append(list, plain(x))
		}
		return list
	case *types.AttributeValueMemberM:
		return plains(v.Value)
	case *types.AttributeValueMemberSS:
		return ss(slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberNS:
		return ns(slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberBS:
		set := bs{}
		for _, x := range v.Value {
			set = append(set, string(x))
		}
		slices.Sort(set)
		return set
	}
	return nil
}

func plains(m map[string]types.AttributeValue) obj {
	if m == nil {
		return nil
	}
	out := obj{}
	for k, v := range m {
		out[k] = plain(v)
	}
	return out
}

func key(sk string) map[string]types.AttributeValue { return avs(obj{"pk": "p", "sk": sk}) }

func (b bundle) put(t testing.TB, it obj) {
	t.Helper()
	if _, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.name, Item: avs(it)}); err != nil {
		t.Fatal(err)
	}
}

// get reads the item at p/sk; nil if there is none.
func (b bundle) get(t testing.TB, sk string) obj {
	t.Helper()
	out, err := b.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.name, Key: key(sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return plains(out.Item)
}

// outcome is the error's code, "" for success.
func outcome(err error) string {
	if err == nil {
		return ""
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return err.Error()
}

// message is what the service said.
func message(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return ""
}

// check compares an error with what a test wants: "" for success, a code, or a code and a part of the message after a colon.
func check(t testing.TB, err error, want string) {
	t.Helper()
	code, part, _ := strings.Cut(want, ": ")
	if got := outcome(err); got != code || !strings.Contains(message(err), part) {
		t.Errorf("got %q (%s), want %q", got, message(err), want)
	}
}

const (
	condFailed = "ConditionalCheckFailedException"
	notValid   = "ValidationException"
)

// inProcess carries requests to a handler without a network, for tests that stop the clock.
type inProcess struct{ handler http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

func tempFile(t testing.TB) string { return filepath.Join(t.TempDir(), "desk", "table.db") }
