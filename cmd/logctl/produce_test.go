package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// values reads a topic back: the values of each partition, in offset order.
func values(t *testing.T, c *kfake.Cluster, topic string) map[int32][]string {
	t.Helper()
	r := logctl(t, c.ListenAddrs(), "", "topic", "consume", topic, "--format", `%p\x00%v\n`).ok(t)
	got := make(map[int32][]string)
	for _, l := range strings.Split(strings.TrimSuffix(r.out, "\n"), "\n") {
		var p int32
		part, v, ok := strings.Cut(l, "\x00")
		if !ok {
			continue
		}
		fmt.Sscan(part, &p)
		got[p] = append(got[p], v)
	}
	return got
}

func TestProduceTellsEachOffset(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	r := logctl(t, c.ListenAddrs(), "a\n\nb", "topic", "produce", "orders", "-p", "1").ok(t)
	want := "Produced to partition 1 at offset 0\nProduced to partition 1 at offset 1\nProduced to partition 1 at offset 2\n"
	if r.out != want || r.err != "" {
		t.Fatalf("got\n%s%s", r.out, r.err)
	}
	if d := cmp.Diff(map[int32][]string{1: {"a", "", "b"}}, values(t, c, "orders")); d != "" {
		t.Error(d)
	}
	if r := logctl(t, c.ListenAddrs(), "", "topic", "produce", "orders").ok(t); r.out != "" {
		t.Errorf("no lines, no output: %q", r.out)
	}
}

func TestProduceSummary(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	sameResult(t, "produce_summary", nil, logctl(t, c.ListenAddrs(), strings.Repeat("x\n", 1000), "topic", "produce", "orders", "-p", "2"))
	sameResult(t, "produce_acks0", nil, logctl(t, c.ListenAddrs(), "x\n", "topic", "produce", "orders", "-p", "0", "--acks", "0"))
	sameResult(t, "produce_no_topic", nil, logctl(t, c.ListenAddrs(), "x\n", "topic", "produce", "nope"))
	sameResult(t, "produce_no_partition", nil, logctl(t, c.ListenAddrs(), "x\n", "topic", "produce", "orders", "-p", "3"))
	sameResult(t, "produce_no_delimiter", nil, logctl(t, c.ListenAddrs(), "k:v\nkv\n", "topic", "produce", "orders", "-K", ":"))
}

// A cluster that creates topics on first use, as logd dev does, does so for a producer, and only for one.
func TestProduceCreatesWhereTheClusterDoes(t *testing.T) {
	t.Parallel()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(2))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, args := range []string{"topic describe new", "topic consume new", "bench consume --topic new"} {
		logctl(t, c.ListenAddrs(), "", strings.Fields(args)...).want(t, exitFailed, "topic new does not exist; create it with: logctl topic create new")
	}
	logctl(t, c.ListenAddrs(), "hello\n", "topic", "produce", "new").want(t, exitOK, "created topic new with 2 partitions")
	if r := logctl(t, c.ListenAddrs(), "", "topic", "consume", "new").ok(t); r.out != "hello\n" {
		t.Errorf("got %q", r.out)
	}
}

// What --acks says is what the broker is asked for; without it, a majority.
func TestAcksOnTheWire(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]int16{"": -1, "all": -1, "-1": -1, "1": 1, "0": 0} {
		c := fake(t, 1, "orders")
		got := make(chan int16, 1)
		c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			got <- r.(*kmsg.ProduceRequest).Acks
			return nil, nil, false
		})
		args := []string{"topic", "produce", "orders"}
		if flag != "" {
			args = append(args, "--acks", flag)
		}
		logctl(t, c.ListenAddrs(), "x\n", args...).ok(t)
		if acks := <-got; acks != want {
			t.Errorf("--acks %q asks for %d, want %d", flag, acks, want)
		}
	}
}

// A chunk fits into one batch under Kafka's default max.message.bytes, whatever its lines are.
func TestChunksFitIntoBatches(t *testing.T) {
	t.Parallel()
	var chunk []*line
	for size := 0; ; {
		l := &line{rec: &kgo.Record{Value: []byte("x"), Timestamp: time.Unix(1, 0)}}
		if size += sizeBound(l.rec); size > maxChunk {
			break
		}
		chunk = append(chunk, l)
	}
	big := []*line{{rec: &kgo.Record{Value: make([]byte, maxChunk-64), Timestamp: time.Unix(1, 0)}}}
	for _, lines := range [][]*line{chunk, big} {
		if n := len(encodeBatch(lines, nil)); n > 1_048_588 {
			t.Errorf("%d lines make a batch of %d bytes", len(lines), n)
		}
	}
}

func TestProduceFields(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	addrs := c.ListenAddrs()
	logctl(t, addrs, "k1\tv\twith tab\r\n\t\n", "topic", "produce", "orders", "-p", "0", "-K", `\t`, "-H", "a=1", "-H", "b=x=y").ok(t)
	logctl(t, addrs, "v\n", "topic", "produce", "orders", "-p", "0", "-k", "").ok(t)
	logctl(t, addrs, "v\n", "topic", "produce", "orders", "-p", "0").ok(t)
	r := logctl(t, addrs, "", "topic", "consume", "orders", "-p", "0", "--format", `%o|%K|%k|%V|%v|%h;`).ok(t)
	want := "0|2|k1|11|v\twith tab\r|a=1,b=x=y;1|0||0||a=1,b=x=y;2|0||1|v|;3|-1||1|v|;"
	if r.out != want {
		t.Errorf("got  %q\nwant %q", r.out, want)
	}
}

// Lines with equal keys share a partition, the one every Kafka client computes: murmur2("key") mod 3.
func TestProducePlacesByKey(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	logctl(t, c.ListenAddrs(), "foo:1\nbar:2\nfoo:3\nfoobar:4\n", "topic", "produce", "orders", "-K", ":").ok(t)
	// From Kafka's UtilsTest.testMurmur2: foobar -> -790332482, toPositive mod 3.
	part := int32((-790332482 & 0x7fffffff) % 3)
	got := values(t, c, "orders")
	found := false
	for p, vs := range got {
		for _, v := range vs {
			found = found || v == "4" && p == part
		}
	}
	if !found {
		t.Errorf("foobar is not in partition %d: %v", part, got)
	}
}

func TestCodecsRoundTrip(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&in, "line %d %s\n", i, strings.Repeat("z", i%50))
	}
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		c := fake(t, 1, "orders")
		logctl(t, c.ListenAddrs(), in.String(), "topic", "produce", "orders", "-p", "0", "-z", codec).ok(t)
		if r := logctl(t, c.ListenAddrs(), "", "topic", "consume", "orders").ok(t); r.out != in.String() {
			t.Errorf("%s: %d bytes in, %d bytes out", codec, in.Len(), len(r.out))
		}
	}
}

// C5: a refusal that a new leader explains is tried again, and stored once.
func TestRefusedIsTriedAgain(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "orders", Err: kerr.NotLeaderForPartition, Count: 2})
	logctl(t, c.ListenAddrs(), "a\nb\n", "topic", "produce", "orders", "-p", "0").ok(t)
	if d := cmp.Diff(map[int32][]string{0: {"a", "b"}}, values(t, c, "orders")); d != "" {
		t.Error(d)
	}
}

// C5: what may have been stored is sent once only and called unclear, whichever way the answer is lost.
func TestUnclearIsSaidAndNeverSentAgain(t *testing.T) {
	t.Parallel()
	cut := errors.New("cut")
	for _, how := range []struct {
		name  string
		fault *kerr.Error
		ctl   func() (kmsg.Response, error, bool)
		says  string
	}{
		{"timed out at the broker", kerr.RequestTimedOut, nil, "REQUEST_TIMED_OUT"},
		{"not enough replicas after append", kerr.NotEnoughReplicasAfterAppend, nil, "NOT_ENOUGH_REPLICAS_AFTER_APPEND"},
		{"unknown error", kerr.UnknownServerError, nil, "UNKNOWN_SERVER_ERROR"},
		{"connection cut", nil, func() (kmsg.Response, error, bool) { return nil, cut, true }, "connection closed after sending"},
		{"no answer", nil, func() (kmsg.Response, error, bool) { return nil, nil, true }, "no answer in time after sending"},
	} {
		c := fake(t, 1, "orders")
		var n atomic.Int32
		c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			if n.Add(1) == 1 && how.ctl != nil {
				return how.ctl()
			}
			return nil, nil, false
		})
		if how.fault != nil {
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "orders", Err: how.fault})
		}
		r := logctl(t, c.ListenAddrs(), "a\nb\n", "topic", "produce", "orders", "-p", "0", "--timeout", "1s").want(t, exitFailed,
			"lines 1-2: outcome unclear: broker 0: "+how.says, "0 stored, 0 refused, 2 unclear")
		if n.Load() != 1 {
			t.Errorf("%s: sent %d times, want once", how.name, n.Load())
		}
		if strings.Contains(r.out, "Produced") {
			t.Errorf("%s: stdout claims success:\n%s", how.name, r.out)
		}
	}
}

// A refused batch says nothing about each of its lines: only those too large themselves fail.
func TestTooLargeBatchIsSplit(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	if err := c.CreateTopic("small", 1, map[string]string{"max.message.bytes": "400"}); err != nil {
		t.Fatal(err)
	}
	in := "a\n" + strings.Repeat("b", 600) + "\nc\n" + strings.Repeat("d\n", 300)
	logctl(t, c.ListenAddrs(), in, "topic", "produce", "small").want(t, exitFailed,
		"line 2: not stored: broker 0: MESSAGE_TOO_LARGE", "302 stored, 1 refused, 0 unclear")
	got := values(t, c, "small")[0]
	if len(got) != 302 || got[0] != "a" || got[1] != "c" {
		t.Errorf("%d records, beginning %q", len(got), got[:2])
	}
}

// C4 and C5: a leader that is gone refuses provably; after --timeout nothing more is sent and the line is named.
func TestDeadLeaderGivesUp(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	moveLeaderTo(t, c, closedPort(t))
	logctl(t, c.ListenAddrs(), "a\nb\n", "topic", "produce", "orders", "-p", "0", "--timeout", "1s").want(t, exitFailed,
		"lines 1-2: not stored: broker 9: connection refused", "gave up (--timeout 1s); no line after 2 was sent")
}

func TestProduceJSON(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "orders", Err: kerr.InvalidRecord})
	r := logctl(t, c.ListenAddrs(), "a\n", "topic", "produce", "orders", "-p", "0", "--json").want(t, exitFailed)
	j := decode[producedJSON](t, r)
	if j.Line != 1 || j.Status != "refused" || j.Offset != nil || !strings.Contains(j.Error, "INVALID_RECORD") {
		t.Errorf("%+v", j)
	}
	j = decode[producedJSON](t, logctl(t, c.ListenAddrs(), "a\n", "topic", "produce", "orders", "-p", "0", "--json").ok(t))
	if j.Status != "stored" || j.Offset == nil || *j.Offset != 0 {
		t.Errorf("%+v", j)
	}
}

// C5 under fire: leaders move and refuse while lines stream in; every line is stored once, in order.
func TestOrderWhileLeadersMove(t *testing.T) {
	t.Parallel()
	c := fake(t, 3, "orders")
	stop := make(chan struct{})
	var moved sync.WaitGroup
	moved.Add(1)
	go func() {
		defer moved.Done()
		for i := int32(0); i < 30; i++ {
			select {
			case <-stop:
				return
			case <-time.After(15 * time.Millisecond):
			}
			c.MoveTopicPartition("orders", i%3, (i/3)%3)
			if i%5 == 0 {
				c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "orders", Err: kerr.LeaderNotAvailable})
			}
		}
	}()
	var in strings.Builder
	const lines = 5000
	for i := range lines {
		fmt.Fprintf(&in, "k%d:%06d%s\n", i%7, i, strings.Repeat(".", 1000))
	}
	r := logctl(t, c.ListenAddrs(), in.String(), "topic", "produce", "orders", "-K", ":", "--timeout", "30s")
	close(stop)
	moved.Wait()
	r.ok(t)
	total := 0
	for p, vs := range values(t, c, "orders") {
		last := ""
		for _, v := range vs {
			if v <= last {
				t.Fatalf("partition %d has %.6s after %.6s", p, v, last)
			}
			last = v
		}
		total += len(vs)
	}
	if total != lines {
		t.Errorf("%d lines stored, want %d", total, lines)
	}
}

func TestBadLinesAreGrouped(t *testing.T) {
	t.Parallel()
	p := &produceReport{count: map[fate]int64{}, parts: map[int32]*partRange{}}
	for i, why := range []string{"x", "x", "y", "", "y", "y"} {
		l := &line{number: int64(i + 1), fate: unclear, why: why}
		if why == "" {
			l.fate = stored
		}
		p.note(l)
	}
	want := "[lines 1-2: outcome unclear: x lines 3, 5-6: outcome unclear: y]"
	if got := fmt.Sprint(p.bad); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	b := &badLines{fate: refused, why: "z"}
	for i := range int64(100) {
		b.add(2*i + 1)
	}
	if got, want := b.String(), "lines 1, 3, 5, 7, 9, 11, 13, 15 and more, to 199: 100 lines: not stored: z"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSplitLinesKeepsEveryByte(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[a-c\r\t ]{0,5}`)).Draw(t, "lines")
		text := []byte(strings.Join(lines, "\n"))
		var got []string
		for len(text) > 0 {
			n, tok, err := splitLines(text, true)
			if err != nil || n <= 0 {
				t.Fatalf("advance %d, %v", n, err)
			}
			got = append(got, string(tok))
			text = text[n:]
		}
		want := append([]string{}, lines...)
		if n := len(want); n > 0 && want[n-1] == "" {
			want = want[:n-1] // what follows the last line feed is no line
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) != len(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
