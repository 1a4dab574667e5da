package broker

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

func (l *lone) alterGroup(name string, op kmsg.IncrementalAlterConfigOp, key, value string) int16 {
	l.Helper()
	row := altered(name, op, key, value)
	row.ResourceType = kmsg.ConfigResourceTypeGroupConfig
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = []kmsg.IncrementalAlterConfigsRequestResource{row}
	return ask[*kmsg.IncrementalAlterConfigsResponse](l, req).Resources[0].ErrorCode
}

func (l *lone) join848(group, member string) *kmsg.ConsumerGroupHeartbeatResponse {
	l.Helper()
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.RebalanceTimeoutMillis, req.SubscribedTopicNames = group, member, 60_000, []string{"a"}
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	return ask[*kmsg.ConsumerGroupHeartbeatResponse](l, req)
}

// A group's own settings are what its members are held to (KIP-848, kafka-configs.sh --entity-type groups), also after a restart;
// others' are the broker's.
func TestGroupSettings(t *testing.T) {
	const set, del = kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete
	l := startGroups(t)
	if code := l.alterGroup("g", set, configGroupHeartbeat, "7000"); code != errNone {
		t.Fatal(code)
	}
	if code := l.alterGroup("g", set, configGroupSession, "60000"); code != errNone {
		t.Fatal(code)
	}
	for key, value := range map[string]string{configGroupHeartbeat: "4999", configGroupSession: "60001", "x": "1"} {
		if code := l.alterGroup("g", set, key, value); code != errBadConfig {
			t.Fatalf("%s=%s: code %d", key, value, code)
		}
	}
	l.boot()
	l.findCoordinator("g")
	l.findCoordinator("h")
	if a, b := l.join848("g", "m"), l.join848("h", "m"); a.HeartbeatIntervalMillis != 7000 || b.HeartbeatIntervalMillis != 5000 {
		t.Fatalf("intervals %d and %d, expected 7000 and 5000", a.HeartbeatIntervalMillis, b.HeartbeatIntervalMillis)
	}
	list := kmsg.NewPtrListConfigResourcesRequest()
	list.Version, list.ResourceTypes = 1, []int8{int8(kmsg.ConfigResourceTypeGroupConfig)}
	if r := ask[*kmsg.ListConfigResourcesResponse](l, list).ConfigResources; len(r) != 1 || r[0].Name != "g" {
		t.Fatalf("%+v are said to have settings, expected g alone", r)
	}
	members := func(id string) int {
		req := kmsg.NewPtrConsumerGroupDescribeRequest()
		req.Groups = []string{id}
		return len(ask[*kmsg.ConsumerGroupDescribeResponse](l, req).Groups[0].Members)
	}
	l.pass(50 * time.Second) // more than the broker's 45 s
	if g, h := members("g"), members("h"); g != 1 || h != 0 {
		t.Fatalf("after 50 s: %d and %d members, expected 1 and 0", g, h)
	}
	if code := l.alterGroup("g", del, configGroupHeartbeat, ""); code != errNone {
		t.Fatal(code)
	}
	if code := l.alterGroup("g", del, configGroupSession, ""); code != errNone || len(l.s.meta.groups) != 0 {
		t.Fatalf("code %d, %d groups have settings", code, len(l.s.meta.groups))
	}
}

// A broker that was started with other settings than Kafka's bounds allows what it does itself.
func TestGroupBounds(t *testing.T) {
	c := group.DefaultConfig()
	c.ConsumerSession, c.ConsumerHeartbeat = 6*time.Second, time.Second
	if no := checkGroupBounds([]TopicConfig{{configGroupSession, "6000"}}, c); no.is() {
		t.Error(no)
	}
	if no := checkGroupBounds([]TopicConfig{{configGroupSession, "5999"}}, c); no.code != errBadConfig {
		t.Error(no)
	}
	if no := checkGroupBounds([]TopicConfig{{configGroupHeartbeat, "6000"}}, c); no.code != errBadConfig {
		t.Error(no) // as long as the session
	}
}
