package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// everyCommand is a working line of each command that talks to brokers, given topic "orders" with records.
func everyCommand() [][]string {
	return [][]string{
		{"topic", "create", "fresh"},
		{"topic", "list"},
		{"topic", "describe", "orders"},
		{"topic", "produce", "orders"},
		{"topic", "consume", "orders"},
		{"topic", "consume", "orders", "-o", "@-1h", "-n", "1"},
		{"cluster", "info"},
		{"cluster", "health"},
		{"bench", "produce", "--warmup", "10ms", "--partitions", "2", "--delete"},
		{"bench", "produce", "--one", "--warmup", "10ms", "--topic", "orders"},
		{"bench", "consume", "--topic", "orders"},
		{"topic", "alter", "orders", "--config", "retention.ms=5000"},
		{"topic", "trim", "orders", "--partition", "0", "--before", "0"},
		{"topic", "delete", "fresh"},
	}
}

// C1: with --json stdout is JSON documents and nothing else.
func TestJSONEverywhere(t *testing.T) {
	t.Parallel()
	c := fake(t, 3, "orders")
	logctl(t, c.ListenAddrs(), "a\nb\n", "topic", "produce", "orders").ok(t)
	for _, args := range append(everyCommand(), []string{"version"}) {
		r := patiently(t, c.ListenAddrs(), "x\ny\n", append(args, "--json")...).ok(t)
		d := json.NewDecoder(strings.NewReader(r.out))
		n := 0
		for {
			var v any
			err := d.Decode(&v)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v: %v in stdout:\n%s", args, err, r.out)
			}
			n++
		}
		if n == 0 {
			t.Errorf("%v printed no JSON", args)
		}
	}
}

// C6: nothing is asked of a broker but what logd serves.
func TestOnlyServedAPIs(t *testing.T) {
	t.Parallel()
	c := fake(t, 3, "orders")
	served := []kmsg.Key{kmsg.ApiVersions, kmsg.Metadata, kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets,
		kmsg.DescribeConfigs, kmsg.IncrementalAlterConfigs, kmsg.DeleteRecords}
	bad := make(chan string, 1000)
	c.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if !slices.Contains(served, kmsg.Key(r.Key())) {
			bad <- kmsg.NameForKey(r.Key())
		}
		return nil, nil, false
	})
	for _, args := range everyCommand() {
		patiently(t, c.ListenAddrs(), "x\ny\n", args...).ok(t)
		if len(bad) > 0 {
			t.Fatalf("%v asks for %s", args, <-bad)
		}
	}
}

// C4: with a broker that accepts and never answers, every command ends soon after --timeout and says so.
func TestNothingHangs(t *testing.T) {
	t.Parallel()
	addr := silent(t)
	var all sync.WaitGroup
	for _, args := range everyCommand() {
		all.Go(func() {
			began := time.Now()
			r := logctl(t, []string{addr}, "x\n", append(args, "--timeout", "150ms")...)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%v took %v with --timeout 150ms", args, took)
			}
			code := exitFailed
			if args[1] == "health" {
				code = exitUnhealthy
			}
			if all := r.out + r.err; r.code != code || !strings.Contains(all, "no broker reachable at "+addr+": no answer in time") {
				t.Errorf("%v: exit %d:\n%s", args, r.code, all)
			}
		})
	}
	all.Wait()
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	one, two := closedPort(t), closedPort(t)
	r := logctl(t, []string{one}, "", "topic", "list").want(t, exitFailed)
	want := "logctl topic list: no broker reachable at " + one + ": connection refused; start one with: go run ./cmd/logd dev\n"
	if r.err != want || r.out != "" {
		t.Errorf("stdout %q, stderr:\n%s\nwant:\n%s", r.out, r.err, want)
	}
	logctl(t, []string{one, two}, "", "topic", "list").want(t, exitFailed, one+" (connection refused), "+two+" (connection refused)")
	c := fake(t, 1)
	logctl(t, append([]string{one}, c.ListenAddrs()...), "", "topic", "list").ok(t) // one that answers is enough
}

// C2 and C3 for command lines that are wrong.
func TestUsage(t *testing.T) {
	t.Parallel()
	addrs := []string{closedPort(t)}
	for _, c := range []struct {
		args string
		has  string
	}{
		{"", "say what to do: bench, cluster, completion, "},
		{"topic", "say what to do: alter, consume, create, "},
		{"topci", `did you mean topic?`},
		{"topic lst", `unknown command "lst"`},
		{"topic list extra", `unexpected argument "extra"`},
		{"topic list --bogus", "unknown flag: --bogus"},
		{"topic list --timeout 0s", "--timeout is 0s"},
		{"topic list --timeout soon", "invalid argument"},
		{"topic list -b ,", "--brokers is empty"},
		{"topic create", "missing topic name"},
		{"topic create a -p 0", "--partitions is 0"},
		{"topic create a -r -2", "--replication is -2"},
		{"topic describe a b", `unexpected argument "b"`},
		{"topic produce a -k x -K :", "exclude each other"},
		{"topic produce a -H x", "is not key=value"},
		{"topic produce a -z rar", `--compression "rar" is unknown`},
		{"topic produce a --acks 2", `--acks "2" is unknown`},
		{"topic produce a -p -3", "--partition is -3"},
		{`topic produce a -K \q`, `\q means nothing`},
		{"topic consume a -o nowhere", `--offset "nowhere" is not understood`},
		{"topic consume a -o 1:2 -f", "--follow has no end"},
		{"topic consume a -n 0", "--num is 0"},
		{"topic consume a --format %q", "%q, which means nothing"},
		{"topic consume a --format %v --json", "exclude each other"},
		{"cluster health --interval 0s", "--interval is 0s"},
		{"bench produce --one --clients 3", "exclude each other"},
		{"bench produce --size 0", "--size is 0"},
		{"bench produce --size 2000000", "does not fit"},
		{"bench produce --acks 0", "can't be measured"},
		{"bench consume", "missing --topic"},
		{"bench disk", "missing --dir"},
		{"bench disk --dir . --size 1000", "multiple of 4096"},
	} {
		r := logctl(t, addrs, "", strings.Fields(c.args)...).want(t, exitUsage, c.has, "--help' for its usage")
		if r.out != "" {
			t.Errorf("%s: usage errors go to stderr alone, stdout has:\n%s", c.args, r.out)
		}
	}
}

func TestHelpAndCompletion(t *testing.T) {
	t.Parallel()
	addrs := []string{closedPort(t)}
	if r := logctl(t, addrs, "", "--help").ok(t); !strings.Contains(r.out, "topic") || r.err != "" {
		t.Errorf("help goes to stdout:\n%s%s", r.out, r.err)
	}
	if r := logctl(t, addrs, "", "completion", "bash").ok(t); !strings.Contains(r.out, "logctl") {
		t.Error("no completion")
	}
	if r := logctl(t, addrs, "", "version").ok(t); !strings.HasPrefix(r.out, "logctl ") {
		t.Errorf("version: %s", r.out)
	}
	if r := logctl(t, addrs, "", "bench", "--help").ok(t); strings.Contains(r.out, "disk-worker") {
		t.Error("the worker is hidden")
	}
}

func TestBrokersFlagBeatsEnvironment(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	logctl(t, []string{closedPort(t)}, "", "topic", "list", "-b", c.ListenAddrs()[0]).ok(t)
	a := &app{getenv: os.Getenv, in: strings.NewReader(""), out: io.Discard, err: io.Discard, brokers: []string{"h"}, timeout: time.Second}
	if err := a.checkFlags(); err != nil || a.brokers[0] != "h:9092" {
		t.Fatalf("a host alone means port 9092: %v %v", a.brokers, err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	tb := newTable("A", "LONG", "Z")
	tb.add("xyz", 1, "last")
	tb.add("ü", 22, "")
	var b bytes.Buffer
	tb.print(&b)
	want := "A    LONG  Z\nxyz  1     last\nü    22    \n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// An error at a live broker names that broker.
func TestErrorsNameTheBroker(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	dead := closedPort(t)
	moveLeaderTo(t, c, dead)
	logctl(t, c.ListenAddrs(), "", "topic", "describe", "orders", "--timeout", "1s").want(t, exitFailed,
		"broker 9 at "+dead+": connection refused", "logctl cluster health")
}

// moveLeaderTo makes metadata say that partition 0 of orders is led by broker 9, at addr.
func moveLeaderTo(t *testing.T, c *kfake.Cluster, addr string) {
	t.Helper()
	metadataWith(c, func(m *kmsg.MetadataResponse) {
		m.Brokers = append(m.Brokers, brokerAt(9, addr))
		m.Topics[0].Partitions[0].Leader = 9
		m.Topics[0].Partitions[0].Replicas = []int32{0, 9}
		m.Topics[0].Partitions[0].ISR = []int32{0, 9}
	})
}
