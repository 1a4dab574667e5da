package main

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTopicLifecycle(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	addrs := c.ListenAddrs()
	sameResult(t, "topic_list_empty", addrs, logctl(t, addrs, "", "topic", "list"))
	sameResult(t, "topic_create", addrs, logctl(t, addrs, "", "topic", "create", "orders", "payments", "-p", "2", "-r", "1"))
	sameResult(t, "topic_create_again", addrs, logctl(t, addrs, "", "topic", "create", "orders", "more"))
	sameResult(t, "topic_create_if_not_exists", addrs, logctl(t, addrs, "", "topic", "create", "orders", "--if-not-exists"))
	sameResult(t, "topic_list", addrs, logctl(t, addrs, "", "topic", "list"))
	sameResult(t, "topic_describe", addrs, logctl(t, addrs, "", "topic", "describe", "payments"))
	sameResult(t, "topic_describe_missing", addrs, logctl(t, addrs, "", "topic", "describe", "nope"))
	sameResult(t, "topic_delete", addrs, logctl(t, addrs, "", "topic", "delete", "orders", "nope"))
	sameResult(t, "cluster_info", addrs, logctl(t, addrs, "", "cluster", "info"))
	sameResult(t, "cluster_health", addrs, logctl(t, addrs, "", "cluster", "health"))
}

func TestCreatePassesTheBrokersWords(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	logctl(t, c.ListenAddrs(), "", "topic", "create", "orders", "-r", "7").want(t, exitFailed,
		"topic orders: INVALID_REPLICATION_FACTOR", "count the brokers with: logctl cluster info")
}

func TestDefaultsAreTheBrokers(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	got := make(chan *kmsg.CreateTopicsRequest, 1)
	c.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		got <- r.(*kmsg.CreateTopicsRequest)
		return nil, nil, false
	})
	logctl(t, c.ListenAddrs(), "", "topic", "create", "orders").ok(t)
	req := <-got
	if tp := req.Topics[0]; tp.NumPartitions != -1 || tp.ReplicationFactor != -1 {
		t.Fatalf("sent %d partitions and %d replicas, want -1 and -1", tp.NumPartitions, tp.ReplicationFactor)
	}
}

// An unanswered create may have happened, and the error must not claim otherwise.
func TestCreateWithoutAnswerIsUnclear(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	c.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return nil, nil, true // never answered
	})
	logctl(t, c.ListenAddrs(), "", "topic", "create", "orders", "--timeout", "1s").want(t, exitFailed,
		"no answer within 1s", "may or may not have happened", "logctl topic list")
}

func TestDescribeShowsWhatItCantLearn(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	addrs := c.ListenAddrs()
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "orders", Partitions: []int32{1}, Err: kerr.OffsetOutOfRange, Count: -1})
	metadataWith(c, func(m *kmsg.MetadataResponse) {
		p := &m.Topics[0].Partitions[2]
		p.Leader, p.ISR, p.ErrorCode = -1, nil, kerr.LeaderNotAvailable.Code
	})
	sameResult(t, "topic_describe_broken", addrs, logctl(t, addrs, "", "topic", "describe", "orders", "--timeout", "2s"))
	info := decode[topicInfo](t, logctl(t, addrs, "", "topic", "describe", "orders", "--json"))
	if info.Leaderless != 1 || info.UnderReplicated != 1 || info.Partitions[1].HighWatermark != nil || *info.Partitions[0].HighWatermark != 0 {
		t.Fatalf("%+v", info)
	}
}

// metadataWith answers Metadata with the truth about three partitions of "orders" on broker 0, changed by fn.
func metadataWith(c *kfake.Cluster, fn func(*kmsg.MetadataResponse)) {
	addr := c.ListenAddrs()[0]
	host, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	c.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := r.(*kmsg.MetadataRequest)
		m := req.ResponseKind().(*kmsg.MetadataResponse)
		m.ClusterID = kmsg.StringPtr("testcluster")
		m.ControllerID = 0
		m.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 0, Host: host, Port: int32(n)}}
		if req.Topics == nil || len(req.Topics) > 0 {
			top := kmsg.NewMetadataResponseTopic()
			top.Topic = kmsg.StringPtr("orders")
			if ti := c.TopicInfo("orders"); ti != nil {
				top.TopicID = ti.TopicID
			}
			for i := range int32(3) {
				p := kmsg.NewMetadataResponseTopicPartition()
				p.Partition, p.Replicas, p.ISR = i, []int32{0}, []int32{0}
				top.Partitions = append(top.Partitions, p)
			}
			m.Topics = append(m.Topics, top)
			fn(m)
		}
		return m, nil, true
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	addrs := []string{closedPort(t)}
	for _, bad := range []string{"", ".", "..", "a b", "a/b", "ü", strings.Repeat("x", 250)} {
		logctl(t, addrs, "", "topic", "create", bad).want(t, exitUsage, "topic name")
	}
	for _, good := range []string{"a", "A.b_c-9", "...", strings.Repeat("x", 249)} {
		if err := checkTopicName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestListHidesInternalTopics(t *testing.T) {
	t.Parallel()
	c := fake(t, 1)
	if err := c.CreateTopic("__consumer_offsets", 1, map[string]string{"kfake.is_internal": "true"}); err != nil {
		t.Fatal(err)
	}
	logctl(t, c.ListenAddrs(), "", "topic", "create", "orders").ok(t)
	count := func(args ...string) int {
		return len(decode[[]topicRow](t, logctl(t, c.ListenAddrs(), "", append([]string{"topic", "list", "--json"}, args...)...).ok(t)))
	}
	if a, b := count(), count("--internal"); a != 1 || b != 2 {
		t.Fatalf("%d topics, %d with internal ones; want 1 and 2", a, b)
	}
	r := logctl(t, c.ListenAddrs(), "", "topic", "list", "-i").ok(t)
	if !strings.Contains(r.out, "__consumer_offsets*") {
		t.Fatalf("internal topics are marked by a star:\n%s", r.out)
	}
}
