package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// tenOrders is a topic of one partition with values 0 to 9 at those offsets, 0 to 2 of them deleted.
func tenOrders(t *testing.T) *kfake.Cluster {
	c := fake(t, 1)
	if err := c.CreateTopic("ten", 1, nil); err != nil {
		t.Fatal(err)
	}
	logctl(t, c.ListenAddrs(), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", "topic", "produce", "ten").ok(t)
	if err := c.DeleteRecords("ten", 0, 3); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConsumeOffsets(t *testing.T) {
	t.Parallel()
	c := tenOrders(t)
	for _, k := range []struct {
		args string
		want string
	}{
		{"", "3456789"},
		{"-o start", "3456789"},
		{"-o earliest -n 2", "34"},
		{"-o 7", "789"},
		{"-o 0", "3456789"},
		{"-o 10", ""},
		{"-o 99", ""},
		{"-o end", ""},
		{"-o -2", "89"},
		{"-o -99", "3456789"},
		{"-o +5", "89"},
		{"-o 4:6", "45"},
		{"-o :5", "34"},
		{"-o -3:", "789"},
		{"-o start:-5", "34"},
		{"-o 6:6", ""},
		{"-o 8:4", ""},
		{"-o 5:99", "56789"},
		{"-o @-1h", "3456789"},
		{"-o @0", "3456789"},
		{"-o @2100-01-01", ""},
		{"-o :@2100-01-01", "3456789"},
		{"-p 0 -n 100", "3456789"},
	} {
		args := append([]string{"topic", "consume", "ten", "--format", "%v"}, strings.Fields(k.args)...)
		if r := logctl(t, c.ListenAddrs(), "", args...).ok(t); r.out != k.want {
			t.Errorf("%s: got %q, want %q", k.args, r.out, k.want)
		} else if k.want == "" && !strings.Contains(r.err, "--follow") {
			t.Errorf("%s: nothing there, and no hint: %q", k.args, r.err)
		}
	}
	logctl(t, c.ListenAddrs(), "", "topic", "consume", "ten", "-p", "1").want(t, exitFailed, "topic ten has no partition 1; it has 0 to 0")
	logctl(t, c.ListenAddrs(), "", "topic", "consume", "nope").want(t, exitFailed, "logctl topic create nope")
}

func TestFollowSeesWhatComesLater(t *testing.T) {
	t.Parallel()
	c := tenOrders(t)
	for _, k := range []struct{ offset, n, want string }{
		{"end", "2", "ab"},
		{"-1", "3", "9ab"},
		{"11", "1", "b"}, // an offset that isn't written yet
	} {
		got := make(chan result, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			got <- logctlCtx(ctx, c.ListenAddrs(), "", "topic", "consume", "ten", "-f", "-o", k.offset, "-n", k.n, "--format", "%v")
		}()
		waitFetch(t, c)
		logctl(t, c.ListenAddrs(), "a\nb\n", "topic", "produce", "ten").ok(t)
		if r := (<-got).ok(t); r.out != k.want {
			t.Errorf("-o %s -n %s: got %q, want %q", k.offset, k.n, r.out, k.want)
		}
		c.Close()
		c = tenOrders(t)
	}
}

// waitFetch returns once somebody fetches.
func waitFetch(t *testing.T, c *kfake.Cluster) {
	t.Helper()
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Topic: "ten", Count: -1})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := h.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}
}

func TestFollowEndsWithTheUser(t *testing.T) {
	t.Parallel()
	c := tenOrders(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out := &cancelOn{text: "9", cancel: cancel}
	a := &app{in: strings.NewReader(""), out: out, err: io.Discard, getenv: func(string) string { return "" }}
	code := a.run(ctx, []string{"topic", "consume", "ten", "-f", "--format", "%v", "-b", c.ListenAddrs()[0]})
	if code != exitOK || out.all.String() != "3456789" {
		t.Errorf("exit %d: %q", code, out.all.String())
	}
}

// C4: a partition that stops answering half way is reported with how far it was read.
func TestConsumeStuck(t *testing.T) {
	t.Parallel()
	c := tenOrders(t)
	c.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return nil, nil, true
	})
	logctl(t, c.ListenAddrs(), "", "topic", "consume", "ten", "--timeout", "1s").want(t, exitFailed,
		"topic ten: no record came for 1s: partition 0 is read to 3 of 10", "logctl cluster health")
}

// An offset that vanishes is an error, not a silent jump.
func TestConsumeOffsetGone(t *testing.T) {
	t.Parallel()
	c := tenOrders(t)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "ten", Err: kerr.OffsetOutOfRange, Count: -1})
	logctl(t, c.ListenAddrs(), "", "topic", "consume", "ten", "--timeout", "5s").want(t, exitFailed,
		"topic ten partition 0: OFFSET_OUT_OF_RANGE")
}

func TestConsumeAllPartitionsOnce(t *testing.T) {
	t.Parallel()
	c := fake(t, 3, "orders")
	var in strings.Builder
	want := make(map[string]int)
	for i := range 30_000 {
		fmt.Fprintf(&in, "%d:%d\n", i%100, i)
		want[fmt.Sprint(i)] = 1
	}
	logctl(t, c.ListenAddrs(), in.String(), "topic", "produce", "orders", "-K", ":").ok(t)
	got := make(map[string]int)
	for _, vs := range values(t, c, "orders") {
		for _, v := range vs {
			got[v]++
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRecordJSON(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1795358560583)
	for _, k := range []struct {
		r    kgo.Record
		want string
	}{
		{kgo.Record{Topic: "t", Offset: 7, Timestamp: at, Value: []byte("a<b>\n")},
			`{"topic":"t","partition":0,"offset":7,"timestamp_ms":1795358560583,"time":"2026-11-22T14:42:40.583Z","key":null,"value":"a<b>\n"}`},
		{kgo.Record{Topic: "t", Partition: 2, Timestamp: at, Key: []byte{}, Value: []byte{0xff},
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}, {Key: "n"}}},
			`{"topic":"t","partition":2,"offset":0,"timestamp_ms":1795358560583,"time":"2026-11-22T14:42:40.583Z","key":"","value":null,"value_base64":"/w==",` +
				`"headers":[{"key":"h","value":"v"},{"key":"n","value":null}]}`},
	} {
		var b strings.Builder
		if err := jsonEmitter(&b)(&k.r); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(k.want+"\n", b.String()); d != "" {
			t.Error(d)
		}
	}
}

// Whoever reads right after a leader died reads from the next one, within --timeout.
func TestConsumeWaitsForTheNextLeader(t *testing.T) {
	t.Parallel()
	c := tenOrders(t)
	var refused, most atomic.Int32
	most.Store(6)
	c.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if refused.Load() == most.Load() {
			return nil, nil, false
		}
		refused.Add(1)
		return nil, io.EOF, true // hangs up
	})
	r := logctl(t, c.ListenAddrs(), "", "topic", "consume", "ten", "--format", "%v").ok(t)
	if r.out != "3456789" || refused.Load() < 6 {
		t.Errorf("got %q after %d refusals", r.out, refused.Load())
	}
	most.Store(1 << 30)
	logctl(t, c.ListenAddrs(), "", "topic", "consume", "ten", "--timeout", "1s").want(t, exitFailed, "topic ten partition 0: connection closed")
}
