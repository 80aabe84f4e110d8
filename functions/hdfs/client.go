package hdfs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// client speaks WebHDFS, which HttpFS speaks, too.
type client struct {
	http  *http.Client
	nodes []string // URLs of name nodes, with /webhdfs/v1
	user  string   // simple authentication
	token string   // a delegation token
	// ticket is of Kerberos; nil without it.
	ticket *ticket

	mu     sync.Mutex
	active int // the node that answered last
}

// defaultPort is where name nodes speak WebHDFS.
const defaultPort = "9870"

// endpoints are the base URLs that a setting names.
func endpoints(text string) ([]string, error) {
	var all []string
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		u, err := url.Parse(one)
		if err != nil {
			return nil, err
		}
		if u.Host == "" {
			return nil, fmt.Errorf("%s names no host", one)
		}
		scheme := "http"
		switch u.Scheme {
		case "hdfs":
			// The port, if there is one, is that of the name node's own protocol.
			u.Host = net.JoinHostPort(u.Hostname(), defaultPort)
		case "http", "webhdfs":
		case "https", "swebhdfs":
			scheme = "https"
		default:
			return nil, fmt.Errorf("%s: URLs begin with hdfs, webhdfs, swebhdfs, http or https", one)
		}
		all = append(all, scheme+"://"+u.Host+"/webhdfs/v1")
	}
	if len(all) == 0 {
		return nil, errors.New("it names no name node")
	}
	return all, nil
}

func newClient(nodes []string) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxIdleConnsPerHost = 32
	transport.ResponseHeaderTimeout = 3 * time.Minute // a data node answers when all its copies are written
	return &client{nodes: nodes, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// remote is an exception that a server answered with.
type remote struct {
	Status    int
	Exception string `json:"exception"`
	Message   string `json:"message"`
}

func (e *remote) Error() string {
	message, _, _ := strings.Cut(e.Message, "\n") // a stack trace may follow
	return fmt.Sprintf("%s: %s", e.Exception, message)
}

// answered tells whether an error is one of these exceptions.
func answered(err error, exceptions ...string) bool {
	e, ok := errors.AsType[*remote](err)
	return ok && slices.Contains(exceptions, e.Exception)
}

// request asks a name node, another one if that is a standby or cannot be reached, and returns the answer, whose body is the caller's to close.
// A redirect is an answer.
func (c *client) request(ctx context.Context, method, path, op string, query url.Values) (*http.Response, error) {
	var failures []error
	c.mu.Lock()
	first := c.active
	c.mu.Unlock()
	for i := range c.nodes {
		node := (first + i) % len(c.nodes)
		response, err := c.ask(ctx, method, c.nodes[node], path, op, query)
		switch {
		case err == nil:
			c.mu.Lock()
			c.active = node
			c.mu.Unlock()
			return response, nil
		case answered(err, "StandbyException"), !isRemote(err) && ctx.Err() == nil:
			failures = append(failures, err)
		default:
			return nil, err
		}
	}
	return nil, connect.Retry(errors.Join(failures...), 0)
}

func isRemote(err error) bool {
	_, ok := errors.AsType[*remote](err)
	return ok
}

func (c *client) ask(ctx context.Context, method, node, path, op string, query url.Values) (*http.Response, error) {
	q := url.Values{"op": {op}}
	maps.Copy(q, query)
	switch {
	case c.token != "":
		q.Set("delegation", c.token)
	case c.ticket != nil:
	case c.user != "":
		q.Set("user.name", c.user)
	}
	r, err := http.NewRequestWithContext(ctx, method, node+escape(path)+"?"+q.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := c.do(r)
	if err != nil {
		return nil, err
	}
	return response, failure(response)
}

// do sends a request.
func (c *client) do(r *http.Request) (*http.Response, error) {
	if err := c.prove(r); err != nil {
		return nil, err
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, bare(err)
	}
	return response, nil
}

// bare takes the URL out of an error, because it may hold a token.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("reaching the server: %w", e.Err)
	}
	return err
}

func escape(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(parts[i]), "+", "%2B")
	}
	return strings.Join(parts, "/")
}

// failure returns the error that an answer says, after it closed it.
func failure(response *http.Response) error {
	if response.StatusCode < 400 {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	var answer struct{ RemoteException remote }
	if json.Unmarshal(text, &answer) != nil || answer.RemoteException.Exception == "" {
		answer.RemoteException = remote{Exception: "HTTP " + strconv.Itoa(response.StatusCode), Message: strings.TrimSpace(string(text))}
	}
	e := answer.RemoteException
	e.Status = response.StatusCode
	switch e.Exception {
	case "RetriableException", "SafeModeException", "LeaseExpiredException", "HTTP 502", "HTTP 503", "HTTP 504":
		return connect.Retry(&e, time.Second)
	}
	return &e
}

// call asks for something small, and reads the answer into out.
func (c *client) call(ctx context.Context, method, path, op string, query url.Values, out any) error {
	response, err := c.request(ctx, method, path, op, query)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return connect.Retry(err, 0)
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("reading the answer to %s: %w", op, err)
	}
	return nil
}

// truth asks for something that answers true or false.
func (c *client) truth(ctx context.Context, method, path, op string, query url.Values) (bool, error) {
	var answer struct{ Boolean bool }
	err := c.call(ctx, method, path, op, query, &answer)
	return answer.Boolean, err
}

// send writes a body where the name node says.
func (c *client) send(ctx context.Context, method, path, op string, query url.Values, body []byte) error {
	response, err := c.request(ctx, method, path, op, query)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	to := response.Header.Get("Location")
	if response.StatusCode != http.StatusTemporaryRedirect || to == "" {
		return fmt.Errorf("%s of %s: the name node names no place for the data", op, path)
	}
	r, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(string(body)))
	if err != nil {
		return bare(err)
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	if response, err = c.do(r); err != nil {
		return connect.Retry(err, 0)
	}
	if err := failure(response); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}

// open reads a file from an offset on; a negative length is all of it.
func (c *client) open(ctx context.Context, path string, from, length int64) (io.ReadCloser, error) {
	query := url.Values{"offset": {strconv.FormatInt(from, 10)}}
	if length >= 0 {
		query.Set("length", strconv.FormatInt(length, 10))
	}
	response, err := c.request(ctx, http.MethodGet, path, "OPEN", query)
	if err != nil {
		return nil, missing(err)
	}
	to := response.Header.Get("Location")
	if response.StatusCode != http.StatusTemporaryRedirect || to == "" {
		return response.Body, nil
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to, http.NoBody)
	if err != nil {
		return nil, bare(err)
	}
	if response, err = c.do(r); err != nil {
		return nil, connect.Retry(err, 0)
	}
	if err := failure(response); err != nil {
		return nil, missing(err)
	}
	return response.Body, nil
}

// missing is storage.ErrNotFound if that is what the error says.
func missing(err error) error {
	if answered(err, "FileNotFoundException") {
		return fmt.Errorf("%w: %w", storage.ErrNotFound, err)
	}
	return err
}

// entry is a file or a folder.
type entry struct {
	Name     string `json:"pathSuffix"`
	Type     string `json:"type"`
	Length   int64  `json:"length"`
	Modified int64  `json:"modificationTime"` // milliseconds since 1970
	FileID   int64  `json:"fileId"`
}

func (c *client) status(ctx context.Context, path string) (entry, error) {
	var answer struct{ FileStatus entry }
	err := c.call(ctx, http.MethodGet, path, "GETFILESTATUS", nil, &answer)
	return answer.FileStatus, missing(err)
}

// list returns what a folder holds, nothing if there is none.
func (c *client) list(ctx context.Context, path string) ([]entry, error) {
	var answer struct {
		FileStatuses struct{ FileStatus []entry }
	}
	err := missing(c.call(ctx, http.MethodGet, path, "LISTSTATUS", nil, &answer))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	return answer.FileStatuses.FileStatus, err
}
