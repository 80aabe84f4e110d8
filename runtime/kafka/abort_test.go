package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

func inBubble(t *testing.T, f func(t *testing.T, c *cluster, dial kgo.Opt), opts ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		c := newCluster(t, append(opts, kfake.ListenFn(network.Listen), kfake.Ports(9092))...)
		f(t, c, kgo.Dialer(network.DialContext))
	})
}

func TestProducer_AbortLeavesNothingToSendLater(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *cluster, dial kgo.Opt) {
		p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), Options: []kgo.Opt{dial}})
		if err := p.Produce(t.Context(), slab("orders", 0, 0, 1)).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}

		// The broker reads no answer out of this, so everything after the first record stays unacknowledged.
		c.down.Store(true)
		records := slab("orders", 0, 1, 500)
		lost := p.Produce(t.Context(), records)
		time.Sleep(3 * time.Second)
		p.Abort()
		select {
		case <-lost.Done():
		default:
			t.Fatal("not done after Abort")
		}
		if err := lost.Err(); !errors.Is(err, kafka.ErrAborted) || !kafka.IsRetriable(err) {
			t.Errorf("the error is %v", err)
		}

		sent := c.Fault(kfake.Fault{Observe: true, Keys: []kmsg.Key{kmsg.Produce}, Topic: "orders", Count: -1})
		c.down.Store(false)
		time.Sleep(24 * time.Hour)
		if n := sent.Hits(); n > 0 {
			t.Fatalf("%d produce requests after Abort", n)
		}

		// The records are free, and the producer connects anew.
		for i := range records {
			records[i].Value = fmt.Append(nil, 1000+i)
			records[i].Partition = kafka.AnyPartition
		}
		if err := p.Produce(t.Context(), records).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := values(c.consume(t, "orders", 501, dial))
		if diff := cmp.Diff(append([]string{"0"}, values(slab("", 0, 1000, 500))...), got); diff != "" {
			t.Errorf("want (-), got (+):\n%s", diff)
		}
	}, kfake.SeedTopics(1, "orders"))
}

func TestProducer_GivesUpAfterTheDeliveryTimeout(t *testing.T) {
	t.Parallel()
	refuse := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, test := range map[string]struct {
		dial func(context.Context, string, string) (net.Conn, error)
		want string
	}{
		"refused":    {refuse, "connecting to broker kafka.example:9092: nobody listens at this port: unable to dial: dial tcp: connection refused"},
		"unanswered": {hang, "not acknowledged within the delivery time-out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProducer(t, kafka.ProducerConfig{
					Properties: props("kafka.example:9092", "max.block.ms", "9223372036854775807"), DeliveryTimeout: 10 * time.Second,
					Options: []kgo.Opt{kgo.Dialer(test.dial)},
				})
				start := time.Now()
				first := p.Produce(t.Context(), slab("orders", 0, 0, 10))
				err := first.Wait(t.Context())
				if took := time.Since(start); took != 10*time.Second {
					t.Errorf("it took %s", took)
				}
				if !errors.Is(err, kafka.ErrDeliveryTimeout) || !kafka.IsRetriable(err) || !strings.Contains(fmt.Sprint(err), test.want) {
					t.Errorf("the error is %v", err)
				}
				// Later records must not overtake those.
				start = time.Now()
				if again := p.Produce(t.Context(), slab("orders", 0, 10, 1)).Wait(t.Context()); !errors.Is(again, kafka.ErrDeliveryTimeout) || time.Since(start) > 0 {
					t.Errorf("the next error after %s is %v", time.Since(start), again)
				}
				start = time.Now()
				p.Abort()
				if took := time.Since(start); took > time.Second {
					t.Errorf("Abort took %s", took)
				}
			})
		})
	}
}

func TestProducer_GivesUpOnRequestsInFlight(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *cluster, dial kgo.Opt) {
		// The broker takes produce requests and never answers them.
		c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			return nil, nil, true
		})
		p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), DeliveryTimeout: 8 * time.Second, Options: []kgo.Opt{dial}})
		start := time.Now()
		d := p.Produce(t.Context(), slab("orders", 0, 0, 10))
		if err := d.Wait(t.Context()); !errors.Is(err, kafka.ErrDeliveryTimeout) {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("it took %s", took)
		}
	}, kfake.SeedTopics(1, "orders"))
}

func TestProducer_BlocksNoLongerThanTheDeliveryTimeout(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *cluster, dial kgo.Opt) {
		c.down.Store(true)
		p := newProducer(t, kafka.ProducerConfig{Properties: c.props("buffer.memory", "1000"), DeliveryTimeout: 5 * time.Second, Options: []kgo.Opt{dial}})
		start := time.Now()
		err := p.Produce(t.Context(), slab("orders", 0, 0, 5000)).Wait(t.Context())
		if took := time.Since(start); !errors.Is(err, kafka.ErrDeliveryTimeout) || took > 5*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		p.Abort()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		err = p.Produce(ctx, slab("orders", 0, 0, 5000)).Wait(t.Context())
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > time.Second {
			t.Errorf("with a deadline, after %s: %v", took, err)
		}
	}, kfake.SeedTopics(1, "orders"))
}

func TestProducer_AbortLetsGoOfABlockedProduce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *cluster, dial kgo.Opt) {
		c.down.Store(true)
		p := newProducer(t, kafka.ProducerConfig{Properties: c.props("buffer.memory", "1000"), Options: []kgo.Opt{dial}})
		done := make(chan error)
		go func() { done <- p.Produce(t.Context(), slab("orders", 0, 0, 5000)).Wait(t.Context()) }()
		synctest.Wait()
		start := time.Now()
		p.Abort()
		if err := <-done; !errors.Is(err, kafka.ErrAborted) || time.Since(start) > time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	}, kfake.SeedTopics(1, "orders"))
}

type stall struct {
	stopped, resume chan struct{}
	ends            chan error // how the connections ended that were stopped
}

func (s *stall) dial(ctx context.Context, _, address string) (net.Conn, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	server, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	client, err := new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		return nil, err
	}
	inside, err := listener.Accept()
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(inside, server) }()
	go func() {
		defer server.Close()
		defer inside.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := inside.Read(buffer)
			select {
			case <-s.stopped:
				<-s.resume
				_, err := io.Copy(io.Discard, inside)
				s.ends <- err
				return
			default:
			}
			if err != nil {
				return
			}
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	return client, nil
}

func TestProducer_AbortLeavesNothingToTheOperatingSystem(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.SeedTopics(1, "orders"))
	network := stall{stopped: make(chan struct{}), resume: make(chan struct{}), ends: make(chan error, 10)}
	p := newProducer(t, kafka.ProducerConfig{Properties: c.props(), Options: []kgo.Opt{kgo.Dialer(network.dial)}})
	if err := p.Produce(t.Context(), slab("orders", 0, 0, 1)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(network.stopped)
	records := slab("orders", 0, 0, 20)
	for i := range records {
		records[i].Value = make([]byte, 900_000)
	}
	d := p.Produce(t.Context(), records)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := d.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("before Abort: %v", err)
	}
	p.Abort()
	close(network.resume)
	// The connection that carried records is told apart from an orderly end.
	for range 10 {
		select {
		case err := <-network.ends:
			if errors.Is(err, syscall.ECONNRESET) {
				return
			}
			t.Logf("a connection ended with %v", err)
		case <-time.After(5 * time.Second):
			t.Fatal("no connection was cut")
		}
	}
}
