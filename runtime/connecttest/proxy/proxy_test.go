package proxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connecttest/proxy"
)

// bench is a server that counts, behind a proxy.
type bench struct {
	*proxy.Proxy
	t      *testing.T
	served atomic.Int64
	client http.Client
}

func start(t *testing.T, script proxy.Script) *bench {
	t.Helper()
	b := &bench{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.served.Add(1)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Path", r.URL.RequestURI())
		w.Write([]byte("echo " + string(body) + strings.Repeat(".", 100)))
	}))
	t.Cleanup(server.Close)
	var err error
	if b.Proxy, err = proxy.Start(server.URL, script); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	b.client.Transport = &http.Transport{}
	t.Cleanup(b.client.CloseIdleConnections)
	return b
}

// post makes a request and returns its status, its body, and whether an answer came whole.
func (b *bench) post(ctx context.Context) (int, string, error) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL()+"/a?b=c", strings.NewReader("hello"))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810.UpdateItem")
	response, err := b.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func TestProxy_Faults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fault  proxy.Fault
		status int // 0: no whole answer
		served int64
	}{
		{"pass", proxy.Fault{}, 200, 1},
		{"late", proxy.Fault{Kind: proxy.Late, For: time.Millisecond}, 200, 1},
		{"throttle", proxy.Fault{Kind: proxy.Throttle}, 400, 0},
		{"unavailable", proxy.Fault{Kind: proxy.Unavailable}, 503, 0},
		{"cut before", proxy.Fault{Kind: proxy.CutBefore}, 0, 0},
		{"cut after", proxy.Fault{Kind: proxy.CutAfter}, 0, 1},
		{"cut inside", proxy.Fault{Kind: proxy.CutInside}, 0, 1},
		{"stall", proxy.Fault{Kind: proxy.Stall, For: time.Millisecond}, 0, 0},
		{"stall after", proxy.Fault{Kind: proxy.StallAfter, For: time.Millisecond}, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := start(t, proxy.Nth("UpdateItem", 2, test.fault))
			if status, body, err := b.post(t.Context()); status != 200 || !strings.HasPrefix(body, "echo hello.") || err != nil {
				t.Fatalf("before: %d %q %v", status, body, err)
			}
			before := b.served.Load()
			status, _, err := b.post(t.Context())
			if err != nil {
				status = 0
			}
			if served := b.served.Load() - before; status != test.status || served != test.served {
				t.Fatalf("status %d (%v), served %d; want %d, %d", status, err, served, test.status, test.served)
			}
			if status, _, err := b.post(t.Context()); status != 200 || err != nil {
				t.Fatalf("after: %d %v", status, err)
			}
			want := map[proxy.Kind]int{proxy.Pass: 2}
			want[test.fault.Kind]++
			if diff := cmp.Diff(want, b.Counts()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProxy_StallsUntilTheClientGoes(t *testing.T) {
	t.Parallel()
	b := start(t, proxy.Always(proxy.Fault{Kind: proxy.Stall}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := b.post(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	b.Script(proxy.Always(proxy.Fault{}))
	if status, _, err := b.post(t.Context()); status != 200 || err != nil {
		t.Fatalf("after: %d %v", status, err)
	}
}

func TestProxy_BlackoutCutsEverything(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	if status, _, err := b.post(t.Context()); status != 200 || err != nil {
		t.Fatalf("before: %d %v", status, err)
	}
	b.Blackout(time.Hour)
	if _, _, err := b.post(t.Context()); err == nil {
		t.Fatal("a request got through")
	}
	b.Blackout(0)
	if status, _, err := b.post(t.Context()); status != 200 || err != nil {
		t.Fatalf("after: %d %v", status, err)
	}
}

func TestRandom_IsTheSameForASeedAndLetsThrough(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (out []proxy.Kind) {
		script := proxy.Random(seed, 0.9, proxy.Fault{Kind: proxy.CutBefore}, proxy.Fault{Kind: proxy.CutAfter})
		for i := range 200 {
			out = append(out, script(proxy.Request{N: i + 1}).Kind)
		}
		return out
	}
	one := run(1)
	if !cmp.Equal(one, run(1)) || cmp.Equal(one, run(2)) {
		t.Error("the seed does not decide")
	}
	row := 0
	for _, k := range one {
		if row++; k == proxy.Pass {
			row = 0
		}
		if row > 2 {
			t.Fatal("three faults in a row")
		}
	}
}

func TestFirst_CountsForEveryScript(t *testing.T) {
	t.Parallel()
	script := proxy.First(
		proxy.Nth("", 2, proxy.Fault{Kind: proxy.CutBefore}),
		proxy.Nth("GetItem", 1, proxy.Fault{Kind: proxy.CutAfter}),
		proxy.Nth("GetItem", 2, proxy.Fault{Kind: proxy.Throttle}),
	)
	var got []proxy.Kind
	for n, op := range []string{"Query", "GetItem", "GetItem", "GetItem"} {
		got = append(got, script(proxy.Request{N: n + 1, Operation: op}).Kind)
	}
	want := []proxy.Kind{proxy.Pass, proxy.CutBefore, proxy.Throttle, proxy.Pass}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}
