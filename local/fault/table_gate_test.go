//go:build unix

package fault_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
)

// tableGate stands before the table.
type tableGate struct {
	watch *watch
	table http.Handler
}

func (g *tableGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the process was killed while it wrote this
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	l, pid := g.watch.of(credential(r))
	if l == nil {
		g.table.ServeHTTP(w, r)
		return
	}
	call := parseCall(r, body)
	if l.reach(step{name: call.step}, pid) {
		drop(w)
		return
	}
	answer := g.serve(l, pid, &call, r)
	if l.reach(step{name: call.step, after: true}, pid) {
		drop(w)
		return
	}
	pass(w, answer)
}

// serve has the table carry out a call, and notes what it did to offsets.
func (g *tableGate) serve(l *life, pid int, c *call, r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	if c.step != "commit" && c.step != "offsets" {
		g.table.ServeHTTP(answer, r)
		return answer
	}
	l.order.Lock()
	defer l.order.Unlock()
	g.table.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		return answer
	}
	if c.step == "commit" {
		l.committed(pid, c.position, c.token)
	} else {
		l.started(pid, startOf(answer.Body.Bytes()))
	}
	return answer
}

// drop closes the connection without an answer.
func drop(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}

func pass(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

// credential is the access key a request is signed with.
func credential(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	return key
}

// call is a call of the table.
type call struct {
	step     string
	position int64  // of a commit
	token    string // by which the table knows a transaction again
}

// value is a text of the table; numbers and others are not needed.
type value struct{ S string }

// write is an update of an item.
type write struct {
	Key                       struct{ PK, SK value }
	UpdateExpression          string
	ExpressionAttributeValues map[string]value
}

// parseCall tells what a call is for.
func parseCall(r *http.Request, body []byte) (c call) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct {
		write
		RequestItems       map[string]struct{ Keys []struct{ PK, SK value } }
		TransactItems      []struct{ Update write }
		ClientRequestToken string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return call{step: operation}
	}
	switch operation {
	case "BatchGetItem":
		for _, request := range in.RequestItems {
			for _, key := range request.Keys {
				if strings.HasPrefix(key.PK.S, "connectors") {
					return call{step: "look"}
				}
			}
		}
		return call{step: "offsets"}
	case "GetItem":
		switch {
		case strings.HasPrefix(in.Key.SK.S, "marker#"):
			return call{step: "read marker"}
		case strings.HasPrefix(in.Key.SK.S, "task#"):
			return call{step: "check"}
		}
		return call{step: "read"} // what a change is based on
	case "UpdateItem":
		return call{step: in.purpose()}
	case "TransactWriteItems":
		c.step, c.token = "announce", in.ClientRequestToken
		for _, item := range in.TransactItems {
			switch u := item.Update; {
			case strings.HasPrefix(u.Key.PK.S, "connectors"):
				return call{step: "publish"}
			case strings.HasPrefix(u.Key.SK.S, "offset#"):
				c.step = "commit"
				for _, v := range u.ExpressionAttributeValues {
					c.position = max(c.position, positionOf(v.S))
				}
			}
		}
		return c
	}
	return call{step: operation}
}

// purpose is what an update of one item is for.
func (u *write) purpose() string {
	switch {
	case strings.HasPrefix(u.Key.SK.S, "marker#"):
		return "write marker"
	case u.Key.SK.S == "task#plan" && strings.Contains(u.UpdateExpression, "#released ="):
		return "release plan"
	case u.Key.SK.S == "task#plan":
		return "claim plan"
	case strings.Contains(u.UpdateExpression, "#released ="):
		return "release"
	case strings.Contains(u.UpdateExpression, "#epoch ="):
		return "claim"
	case strings.Contains(u.UpdateExpression, "#expires ="):
		return "renew"
	}
	return "status"
}

// startOf is the position in an answer to a question for offsets.
func startOf(body []byte) int64 {
	var out struct {
		Responses map[string][]struct{ Offset, Resume value }
	}
	if json.Unmarshal(body, &out) != nil {
		return -1
	}
	for _, items := range out.Responses {
		for _, it := range items {
			if it.Resume.S != "" {
				return positionOf(it.Resume.S)
			}
			if it.Offset.S != "" {
				return positionOf(it.Offset.S)
			}
		}
	}
	return 0
}

// positionOf reads the position of a file source; 0 if the text is none.
func positionOf(text string) int64 {
	var p struct{ Position int64 }
	_ = json.Unmarshal([]byte(text), &p)
	return p.Position
}

// runtimeGate stands before the Lambda runtime API of every process. The first part of a path is who speaks, the second
// one where its API is.
type runtimeGate struct {
	watch  *watch
	client http.Transport
}

func (g *runtimeGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	host, path, _ := strings.Cut(rest, "/")
	l, pid := g.watch.of(who)
	next := r.Method == http.MethodGet
	if !next && l.reach(step{name: "answer"}, pid) {
		drop(w)
		return
	}
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host, out.Host, out.URL.Path = "", "http", host, host, "/"+path
	answer, err := g.client.RoundTrip(out)
	if err != nil {
		drop(w)
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	name := "event"
	if !next {
		name = "answer"
	}
	if err != nil || l.reach(step{name: name, after: true}, pid) {
		drop(w)
		return
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	w.Write(body)
}
