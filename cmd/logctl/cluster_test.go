package main

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func brokerAt(id int32, addr string) kmsg.MetadataResponseBroker {
	host, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	return kmsg.MetadataResponseBroker{NodeID: id, Host: host, Port: int32(n)}
}

func TestHealthOfABrokenCluster(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	dead := closedPort(t)
	metadataWith(c, func(m *kmsg.MetadataResponse) {
		m.Brokers = append(m.Brokers, brokerAt(1, dead))
		p := m.Topics[0].Partitions
		p[0].Leader, p[0].Replicas, p[0].ISR = 1, []int32{0, 1}, []int32{0, 1} // led by the dead broker, unnoticed
		p[1].Replicas, p[1].ISR = []int32{0, 1}, []int32{0}
		p[2].Leader, p[2].Replicas, p[2].ISR, p[2].ErrorCode = -1, []int32{0, 7}, nil, kerr.LeaderNotAvailable.Code
	})
	addrs := append(c.ListenAddrs(), dead)
	r := logctl(t, addrs[:1], "", "cluster", "health")
	sameResult(t, "cluster_health_broken", addrs, r)
	h := decode[health](t, logctl(t, addrs[:1], "", "cluster", "health", "--json").want(t, exitUnhealthy))
	if h.Healthy || h.BrokersUp != 1 || len(h.Brokers) != 3 {
		t.Fatalf("%+v", h)
	}
	if d := cmp.Diff([]string{"orders/0", "orders/2"}, h.Leaderless); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"orders/0", "orders/1", "orders/2"}, h.UnderReplicated); d != "" {
		t.Error(d)
	}
}

func TestHealthWithNobody(t *testing.T) {
	t.Parallel()
	addr := closedPort(t)
	r := logctl(t, []string{addr}, "", "cluster", "health").want(t, exitUnhealthy)
	if !strings.Contains(r.out, "HEALTHY           no") || !strings.Contains(r.out, "no broker reachable at "+addr) {
		t.Fatal(r.out)
	}
}

// A broker that hangs must not use up the time for asking the others.
func TestHealthBesideASilentBroker(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	mute := silent(t)
	metadataWith(c, func(m *kmsg.MetadataResponse) { m.Brokers = append(m.Brokers, brokerAt(1, mute)) })
	h := decode[health](t, logctl(t, append([]string{mute}, c.ListenAddrs()...), "", "cluster", "health", "--json", "--timeout", "2s").want(t, exitUnhealthy))
	if h.BrokersUp != 1 || h.Brokers[1].Up || h.Brokers[1].Why != "no answer in time" || len(h.Leaderless) != 0 {
		t.Fatalf("%+v", h)
	}
}

// The view with the higher leader epoch counts, whoever has it.
func TestNewestViewWins(t *testing.T) {
	t.Parallel()
	view := func(leader, epoch int32) brokerView {
		m := &kmsg.MetadataResponse{Topics: []kmsg.MetadataResponseTopic{{Topic: kmsg.StringPtr("t"),
			Partitions: []kmsg.MetadataResponseTopicPartition{{Leader: leader, LeaderEpoch: epoch}}}}}
		return brokerView{md: m}
	}
	for _, c := range []struct {
		views []brokerView
		want  int32
	}{
		{[]brokerView{view(1, 4), view(2, 5)}, 2},
		{[]brokerView{view(2, 5), view(1, 4)}, 2},
		{[]brokerView{view(-1, 5), view(1, 5)}, 1},
		{[]brokerView{view(1, 5), view(-1, 5)}, 1},
		{[]brokerView{view(1, 4), view(-1, 5)}, -1},
		{[]brokerView{{}, view(3, 0)}, 3},
	} {
		if got := newest(c.views)["t/0"].Leader; got != c.want {
			t.Errorf("%+v: leader %d, want %d", c.views, got, c.want)
		}
	}
}

func TestExitWhenHealthy(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	var looks atomic.Int32
	metadataWith(c, func(m *kmsg.MetadataResponse) {
		if looks.Add(1) < 5 {
			m.Topics[0].Partitions[1].Leader = -1
		}
	})
	r := logctl(t, c.ListenAddrs(), "", "cluster", "health", "--exit-when-healthy", "--interval", "10ms").ok(t)
	if strings.Count(r.out, "HEALTHY ") != 2 || !strings.Contains(r.out, "LEADERLESS        1: orders/1") {
		t.Fatalf("want one verdict before and one after:\n%s", r.out)
	}
}

func TestExitWhenHealthyGivesUp(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	metadataWith(c, func(m *kmsg.MetadataResponse) { m.Topics[0].Partitions[1].Leader = -1 })
	r := logctl(t, c.ListenAddrs(), "", "cluster", "health", "--exit-when-healthy", "--interval", "20ms", "--timeout", "2s").want(t, exitUnhealthy)
	if strings.Count(r.out, "HEALTHY ") != 1 {
		t.Fatalf("an unchanged verdict is printed once:\n%s", r.out)
	}
}

// cancelOn cancels once a text is written.
type cancelOn struct {
	text   string
	cancel context.CancelFunc
	all    strings.Builder
}

func (w *cancelOn) Write(b []byte) (int, error) {
	w.all.Write(b)
	if strings.Contains(w.all.String(), w.text) {
		w.cancel()
	}
	return len(b), nil
}

func TestWatchEndsWithTheUser(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out := &cancelOn{text: "HEALTHY           yes\n", cancel: cancel}
	a := &app{in: strings.NewReader(""), out: out, err: io.Discard, getenv: func(string) string { return "" }}
	if code := a.run(ctx, []string{"cluster", "health", "-w", "--interval", "10ms", "-b", c.ListenAddrs()[0]}); code != exitOK {
		t.Errorf("exit %d:\n%s", code, out.all.String())
	}
}

func TestSortPartitions(t *testing.T) {
	t.Parallel()
	v := []string{"b/1", "a/10", "a/2", "a-b/0"}
	sortPartitions(v)
	if d := cmp.Diff([]string{"a/2", "a/10", "a-b/0", "b/1"}, v); d != "" {
		t.Error(d)
	}
}
