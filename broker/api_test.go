package broker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var testDefaults = TopicDefaults{Partitions: 1, Replication: -1, AutoCreate: true, MaxMessageBytes: 1048588, OffsetsPartitions: 2}

func testRand() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }

// led says that broker 2 leads group 1, broker 1 the others, all in epoch 7.
func led(group uint64) (int32, int32, bool) {
	if group == metaGroup {
		return 2, 7, true
	}
	return 1, 7, true
}

func leaderless(uint64) (int32, int32, bool) { return 0, 0, false }

func withTopics(t testing.TB) *Meta {
	m := formed(t, 3)
	m = must(t, m, CreateTopic{Name: "a", ID: id(1), Partitions: 2, Replication: 3})
	return must(t, m, CreateTopic{Name: "b.c", ID: id(2), Partitions: 1, Replication: 1})
}

// metadataRequest asks for names; none given is a null list.
func metadataRequest(version int16, create bool, names ...string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Version, req.AllowAutoTopicCreation = version, create
	for _, n := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(n)
		req.Topics = append(req.Topics, topic)
	}
	return req
}

// told renders the topics of a Metadata response: name or id, code, partitions.
func told(resp *kmsg.MetadataResponse) string {
	var s []string
	for _, row := range resp.Topics {
		name := UUID(row.TopicID).String()
		if row.Topic != nil {
			name = *row.Topic
		}
		s = append(s, fmt.Sprintf("%s:%d:%d", name, row.ErrorCode, len(row.Partitions)))
	}
	return strings.Join(s, " ")
}

func TestMetadataTopics(t *testing.T) {
	m := withTopics(t)
	byID := func(version int16, ids ...UUID) *kmsg.MetadataRequest {
		req := metadataRequest(version, true)
		for _, id := range ids {
			req.Topics = append(req.Topics, kmsg.MetadataRequestTopic{TopicID: id})
		}
		return req
	}
	empty := func(version int16) *kmsg.MetadataRequest {
		req := metadataRequest(version, true)
		req.Topics = []kmsg.MetadataRequestTopic{}
		return req
	}
	mixed := byID(12, id(2))
	mixed.Topics = append(mixed.Topics, kmsg.MetadataRequestTopic{Topic: kmsg.StringPtr("a")})
	for _, c := range []struct {
		what   string
		req    *kmsg.MetadataRequest
		want   string
		create string
	}{
		{"v0: an empty list is all", empty(0), "a:0:2 b.c:0:1", ""},
		{"v1: a null list is all", metadataRequest(1, false), "a:0:2 b.c:0:1", ""},
		{"v1: an empty list is none", empty(1), "", ""},
		{"v13: a null list is all", metadataRequest(13, true), "a:0:2 b.c:0:1", ""},
		{"in the order asked for, each once", metadataRequest(13, false, "b.c", "a", "b.c"), "b.c:0:1 a:0:2", ""},
		{"unknown", metadataRequest(4, false, "x"), "x:3:0", ""},
		{"unknown, to be created", metadataRequest(4, true, "x"), "x:5:0", "x"},
		{"up to v3 a client always wants it", metadataRequest(3, false, "x"), "x:5:0", "x"},
		{"invalid", metadataRequest(13, true, "x y", ""), "x y:17:0 :17:0", ""},
		{"would collide", metadataRequest(13, true, "b_c"), "b_c:17:0", ""},
		{"the brokers' own are not created so", metadataRequest(13, true, "__consumer_offsets", "__cluster_metadata"), "__consumer_offsets:3:0 __cluster_metadata:3:0", ""},
		{"by id", byID(12, id(2), id(9), id(2)), "b.c:0:1 " + id(9).String() + ":100:0", ""},
		{"ids count, names next to them don't", mixed, "b.c:0:1", ""},
		{"no ids before v12 (KafkaApis)", byID(10, id(2)), id(2).String() + ":42:0", ""},
		{"neither", byID(12, UUID{}), UUID{}.String() + ":42:0", ""},
	} {
		resp, create := answerMetadata(c.req, m, led, testDefaults, testRand())
		var names []string
		for _, topic := range create {
			names = append(names, topic.Name)
			if topic.Partitions != 1 || topic.Replication != 3 || topic.ID.IsZero() {
				t.Errorf("%s: would create %+v", c.what, topic)
			}
		}
		if got := told(resp); got != c.want || strings.Join(names, " ") != c.create {
			t.Errorf("%s: told %q, creating %q, expected %q, %q", c.what, got, names, c.want, c.create)
		}
	}
}

func TestMetadataWithoutAutoCreation(t *testing.T) {
	d := testDefaults
	d.AutoCreate = false
	resp, create := answerMetadata(metadataRequest(9, true, "x"), withTopics(t), led, d, testRand())
	if told(resp) != "x:3:0" || create != nil {
		t.Errorf("told %q, creating %v", told(resp), create)
	}
}

func TestMetadataCreatesBoundedly(t *testing.T) {
	var names []string
	for i := range 3 * maxAutoCreate {
		names = append(names, fmt.Sprint("t", i))
	}
	resp, create := answerMetadata(metadataRequest(9, true, names...), withTopics(t), led, testDefaults, testRand())
	if len(create) != maxAutoCreate || len(resp.Topics) != len(names) || resp.Topics[len(names)-1].ErrorCode != errNoLeader {
		t.Errorf("creating %d of %d", len(create), len(names))
	}
}

func TestMetadataOfTheCluster(t *testing.T) {
	m := withTopics(t)
	m = must(t, m, Replace{Broker: 9, Old: 0, New: 9}) // joined, hasn't said where it serves
	resp, _ := answerMetadata(metadataRequest(8, false, "a"), m, led, testDefaults, testRand())
	if len(resp.Brokers) != 3 || resp.Brokers[2].Host != "h3" || resp.ControllerID != 2 || *resp.ClusterID != id(200).String() || resp.AuthorizedOperations != -2147483648 {
		t.Errorf("%+v", resp)
	}
	p := resp.Topics[0].Partitions[1]
	want := kmsg.MetadataResponseTopicPartition{Partition: 1, Leader: 1, LeaderEpoch: 7, Replicas: []int32{2, 1, 3}, ISR: []int32{2, 1, 3}, OfflineReplicas: []int32{}}
	if diff := cmp.Diff(want, p, cmp.AllowUnexported(kmsg.Tags{})); diff != "" {
		t.Errorf("partition 1 (-want +got):\n%s", diff)
	}
	// Nobody leads, or somebody does whose address isn't known: retriable, and no leader that clients would dial.
	for what, lead := range map[string]leaders{"nobody": leaderless, "a joining broker": func(uint64) (int32, int32, bool) { return 9, 7, true }} {
		resp, _ := answerMetadata(metadataRequest(8, false, "a"), m, lead, testDefaults, testRand())
		if p := resp.Topics[0].Partitions[0]; p.ErrorCode != errNoLeader || p.Leader != -1 || resp.ControllerID != -1 {
			t.Errorf("led by %s: controller %d, %+v", what, resp.ControllerID, p)
		}
		if c := describeCluster(m, lead, kmsg.NewPtrDescribeClusterRequest()); c.ControllerID != -1 {
			t.Errorf("led by %s: controller %d", what, c.ControllerID)
		}
	}
	resp, _ = answerMetadata(metadataRequest(8, true, "a"), NewMeta(), leaderless, testDefaults, testRand())
	if resp.ClusterID != nil || told(resp) != "a:3:0" || len(resp.Brokers) != 0 {
		t.Errorf("before the cluster formed: %+v", resp)
	}
}

func TestDescribeCluster(t *testing.T) {
	m := formed(t, 2)
	for _, c := range []struct {
		version  int16
		endpoint int8
		code     int16
	}{{0, 1, 0}, {0, 9, 0}, {1, 1, 0}, {1, 2, errMismatchedPoint}, {2, 3, errBadEndpoint}} {
		req := kmsg.NewPtrDescribeClusterRequest()
		req.Version, req.EndpointType = c.version, c.endpoint
		resp := describeCluster(m, led, req)
		if resp.ErrorCode != c.code || c.code == 0 && (len(resp.Brokers) != 2 || resp.ControllerID != 2 || resp.ClusterID != id(200).String()) ||
			(resp.ErrorMessage != nil) != (c.code != 0) || resp.ClusterAuthorizedOperations != -2147483648 {
			t.Errorf("v%d endpoint type %d: %+v", c.version, c.endpoint, resp)
		}
	}
}

func TestFindCoordinator(t *testing.T) {
	m := must(t, formed(t, 3), CreateTopic{Name: topicOffsets, Partitions: 2, Replication: 1, ID: id(9)})
	lead := func(group uint64) (int32, int32, bool) {
		return 2, 7, group == m.TopicByName(topicOffsets).Partitions[1].Group
	}
	for version := int16(0); version <= 6; version++ {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.Version, req.CoordinatorKey, req.CoordinatorKeys = version, "g", []string{"g", "h"} // 'g' is 103, 'h' 104
		resp := findCoordinator(req, m, lead)
		if version < 4 {
			if resp.ErrorCode != 0 || resp.NodeID != 2 || resp.Host != "h2" || resp.ErrorMessage != nil {
				t.Errorf("v%d: %+v", version, resp)
			}
			continue
		}
		if len(resp.Coordinators) != 2 || resp.Coordinators[0].Key != "g" || resp.Coordinators[0].NodeID != 2 || resp.Coordinators[0].ErrorCode != 0 {
			t.Fatalf("v%d: %+v", version, resp)
		}
		if row := resp.Coordinators[1]; row.Key != "h" || row.ErrorCode != 15 || row.NodeID != -1 || row.Port != -1 {
			t.Errorf("v%d, of a partition without a leader: %+v", version, row)
		}
	}
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey = "g"
	if resp := findCoordinator(req, formed(t, 3), lead); resp.ErrorCode != 15 || resp.NodeID != -1 {
		t.Errorf("without the topic: %+v", resp)
	}
	for _, kind := range []int8{coordinatorTxn, coordinatorShare, 7} { // 15 would have clients ask for ever
		req.Version, req.CoordinatorType = 1, kind
		if resp := findCoordinator(req, m, lead); resp.ErrorCode != errBadRequest || resp.NodeID != -1 {
			t.Errorf("kind %d: %+v", kind, resp)
		}
	}
}
