package broker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func wantTopic(name string, partitions int32, replication int16) kmsg.CreateTopicsRequestTopic {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, replication
	return topic
}

func assigned(name string, partitions int32, replication int16, on ...kmsg.CreateTopicsRequestTopicReplicaAssignment) kmsg.CreateTopicsRequestTopic {
	topic := wantTopic(name, partitions, replication)
	topic.ReplicaAssignment = on
	return topic
}

func part(n int32, brokers ...int32) kmsg.CreateTopicsRequestTopicReplicaAssignment {
	return kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: n, Replicas: brokers}
}

func configured(name string, conf ...string) kmsg.CreateTopicsRequestTopic {
	topic := wantTopic(name, 1, 1)
	for i := 0; i < len(conf); i += 2 {
		c := kmsg.CreateTopicsRequestTopicConfig{Name: conf[i], Value: &conf[i+1]}
		if conf[i+1] == "null" {
			c.Value = nil
		}
		topic.Configs = append(topic.Configs, c)
	}
	return topic
}

// carry applies a plan's commands and adds their results.
func carry(t testing.TB, m *Meta, p changePlan) *Meta {
	for i, c := range p.commands() {
		var r Result
		m, r = do(t, m, c)
		p.set(i, r)
	}
	return m
}

// The codes are those of Kafka's ReplicationControlManager.createTopics, validateManualPartitionAssignment, LogConfig and
// ControllerApis.createTopics; TestCreatingOrder has which comes first.
func TestCreateTopicsCodes(t *testing.T) {
	m := withTopics(t)
	for _, c := range []struct {
		what string
		in   kmsg.CreateTopicsRequestTopic
		code int16
	}{
		{"plain", wantTopic("x", 3, 2), 0},
		{"defaults", wantTopic("x", -1, -1), 0},
		{"exists", wantTopic("a", 1, 1), errExists},
		{"collides", wantTopic("b_c", 1, 1), errBadTopic},
		{"bad name", wantTopic("x/y", 1, 1), errBadTopic},
		{"no partitions", wantTopic("x", 0, 1), errBadPartitions},
		{"fewer than none", wantTopic("x", -2, 1), errBadPartitions},
		{"too many", wantTopic("x", maxTopicPartitions+1, 1), errBadPartitions},
		{"no replicas", wantTopic("x", 1, 0), errBadReplication},
		{"fewer than none", wantTopic("x", 1, -2), errBadReplication},
		{"more replicas than brokers", wantTopic("x", 1, 4), errBadReplication},
		{"unknown config", configured("x", "no.such", "1"), errBadConfig},
		{"null config", configured("x", configMaxMessage, "null"), errBadConfig},
		{"bad config", configured("x", configMaxMessage, "-5"), errBadConfig},
		{"good config", configured("x", configMaxMessage, "5"), 0},
		{"assignment", assigned("x", -1, -1, part(1, 2, 3), part(0, 3, 1)), 0},
		{"assignment and partitions", assigned("x", 1, -1, part(0, 1)), errBadRequest},
		{"assignment and replication", assigned("x", -1, 1, part(0, 1)), errBadRequest},
		{"assignment: no brokers", assigned("x", -1, -1, part(0)), errBadAssignment},
		{"assignment: unknown broker", assigned("x", -1, -1, part(0, 7)), errBadAssignment},
		{"assignment: broker twice", assigned("x", -1, -1, part(0, 1, 1)), errBadAssignment},
		{"assignment: too many brokers", assigned("x", -1, -1, part(0, 1, 2, 3, 1)), errBadAssignment},
		{"assignment: counts differ", assigned("x", -1, -1, part(0, 1, 2), part(1, 1)), errBadAssignment},
		{"assignment: partition twice", assigned("x", -1, -1, part(0, 1), part(0, 2)), errBadAssignment},
		{"assignment: not from 0", assigned("x", -1, -1, part(1, 1), part(2, 2)), errBadAssignment},
		{"assignment: negative", assigned("x", -1, -1, part(-1, 1), part(0, 2)), errBadAssignment},
		{"the controller's own", wantTopic(topicClusterMeta, 1, 1), errBadRequest},
		{"the brokers' own", wantTopic(topicOffsets, 1, 1), errBadTopic},
	} {
		for _, validate := range []bool{false, true} {
			req := kmsg.NewPtrCreateTopicsRequest()
			req.Version, req.ValidateOnly, req.Topics = 7, validate, []kmsg.CreateTopicsRequestTopic{c.in}
			p := planCreateTopics(req, m, testDefaults, testRand())
			if c.code == 0 && len(p.commands()) == 0 && !validate || validate && len(p.commands()) > 0 {
				t.Errorf("%s (validate %t): proposes %v", c.what, validate, p.commands())
			}
			after := carry(t, m, p)
			row := p.response().(*kmsg.CreateTopicsResponse).Topics[0]
			if row.ErrorCode != c.code || (row.ErrorMessage != nil) != (c.code != 0) || row.Configs == nil {
				t.Errorf("%s (validate %t): %d, %v, configs %v, expected %d", c.what, validate, row.ErrorCode, row.ErrorMessage, row.Configs, c.code)
			}
			topic := after.TopicByName(c.in.Topic)
			if c.code != 0 || validate {
				if after.TopicByName("x") != nil || !UUID(row.TopicID).IsZero() || c.code != 0 && row.NumPartitions != -1 {
					t.Errorf("%s (validate %t): created, or said so: %+v", c.what, validate, row)
				}
			} else if topic == nil || topic.ID != row.TopicID || int(row.NumPartitions) != len(topic.Partitions) || int(row.ReplicationFactor) != len(topic.Partitions[0].Replicas) {
				t.Errorf("%s: told %+v, is %+v", c.what, row, topic)
			}
		}
	}
}

// A refusal's code, when there is more than one reason: name, existence, configs, counts.
func TestCreatingOrder(t *testing.T) {
	m := withTopics(t)
	both := configured("a", "no.such", "1")
	badBoth := configured("x", "no.such", "1")
	badBoth.NumPartitions = 0
	nullAndAssigned := configured("x", configMaxMessage, "null")
	nullAndAssigned.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{part(3, 1)}
	counts := wantTopic("x", 0, 0)
	for _, c := range []struct {
		in   kmsg.CreateTopicsRequestTopic
		code int16
	}{{both, errExists}, {badBoth, errBadConfig}, {nullAndAssigned, errBadConfig}, {counts, errBadReplication}} {
		req := kmsg.NewPtrCreateTopicsRequest()
		req.Topics = []kmsg.CreateTopicsRequestTopic{c.in}
		if row := planCreateTopics(req, m, testDefaults, testRand()).resp.Topics[0]; row.ErrorCode != c.code {
			t.Errorf("%+v: code %d, expected %d", c.in, row.ErrorCode, c.code)
		}
	}
}

// A broker's metadata may be old: what it says of topics decides nothing.
func TestChangesArePlannedOnOldMetadata(t *testing.T) {
	old := withTopics(t)
	now := must(t, old, DeleteTopic{Name: "a"})
	now = must(t, now, CreateTopic{Name: "x", ID: id(9), Partitions: 1, Replication: 1})
	create, remove := kmsg.NewPtrCreateTopicsRequest(), kmsg.NewPtrDeleteTopicsRequest()
	create.Topics = []kmsg.CreateTopicsRequestTopic{wantTopic("a", 1, 1), wantTopic("x", 1, 1)}
	p := planCreateTopics(create, old, testDefaults, testRand())
	now = carry(t, now, p)
	if p.resp.Topics[0].ErrorCode != 0 || p.resp.Topics[1].ErrorCode != errExists {
		t.Errorf("created: %+v", p.resp.Topics)
	}
	remove.Version, remove.TopicNames = 4, []string{"a", "x", "y"}
	d := planDeleteTopics(remove, old)
	now = carry(t, now, d)
	if d.resp.Topics[0].ErrorCode != 0 || d.resp.Topics[1].ErrorCode != 0 || d.resp.Topics[2].ErrorCode != errUnknownTopic || len(now.Topics()) != 1 {
		t.Errorf("deleted: %+v, left %v", d.resp.Topics, now)
	}
}

func TestCreateTopicsTogether(t *testing.T) {
	m := formed(t, 3)
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version = 5
	for _, name := range []string{"x", "dup", "y.z", "dup", "y_z", "dup", "late"} {
		req.Topics = append(req.Topics, wantTopic(name, 2, 2))
	}
	p := planCreateTopics(req, m, testDefaults, testRand())
	cmds := p.commands()
	for i, c := range cmds[:3] { // the last result never comes
		var r Result
		m, r = do(t, m, c)
		p.set(i, r)
	}
	var got []string
	for _, row := range p.resp.Topics {
		got = append(got, fmt.Sprintf("%s:%d", row.Topic, row.ErrorCode))
	}
	if want := "x:0 dup:42 y.z:0 y_z:17 late:7"; strings.Join(got, " ") != want || len(cmds) != 4 {
		t.Errorf("answered %v after %d commands, expected %s", got, len(cmds), want)
	}
}

func TestCreateTopicsEchoesConfigs(t *testing.T) {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.Topics = 7, []kmsg.CreateTopicsRequestTopic{configured("x", configRetentionTime, " 060000 ")}
	p := planCreateTopics(req, formed(t, 1), testDefaults, testRand())
	carry(t, formed(t, 1), p)
	var got []string
	for _, c := range p.resp.Topics[0].Configs {
		got = append(got, fmt.Sprintf("%s=%s/%d", c.Name, *c.Value, c.Source))
	}
	want := "cleanup.policy=delete/5 compression.type=producer/5 max.message.bytes=1048588/4 message.timestamp.after.max.ms=3600000/5 message.timestamp.before.max.ms=9223372036854775807/5 message.timestamp.type=CreateTime/5 " +
		"retention.bytes=-1/5 retention.ms=60000/1 segment.bytes=1073741824/5 segment.ms=604800000/5"
	if strings.Join(got, " ") != want {
		t.Errorf("echoed %s, expected %s", strings.Join(got, " "), want)
	}
}

func TestRequestsOfTooManyTopics(t *testing.T) {
	create, remove := kmsg.NewPtrCreateTopicsRequest(), kmsg.NewPtrDeleteTopicsRequest()
	m := NewMeta()
	m, _ = m.Apply(1, EncodeCommand(Form{ClusterID: id(1), Brokers: []FormBroker{{1, 1}}}))
	for i := range maxTopicsPerRequest + 1 {
		name := fmt.Sprint("t", i)
		create.Topics = append(create.Topics, wantTopic(name, 1, 1))
		remove.TopicNames = append(remove.TopicNames, name)
	}
	p := planCreateTopics(create, m, testDefaults, testRand())
	if len(p.commands()) != 0 || p.resp.Topics[0].ErrorCode != errPolicy {
		t.Errorf("creating %d topics at once", len(p.commands()))
	}
	create.Topics = create.Topics[1:]
	p = planCreateTopics(create, m, testDefaults, testRand())
	for i, c := range p.commands() {
		var r Result
		m, r = m.Apply(m.Index+1, EncodeCommand(c))
		p.set(i, r)
	}
	if len(m.Topics()) != maxTopicsPerRequest || p.resp.Topics[maxTopicsPerRequest-1].ErrorCode != 0 {
		t.Errorf("%d topics: %+v", len(m.Topics()), p.resp.Topics[maxTopicsPerRequest-1])
	}
	d := planDeleteTopics(remove, m)
	if last := d.resp.Topics[maxTopicsPerRequest]; len(d.commands()) != maxTopicsPerRequest || last.ErrorCode != errPolicy || d.resp.Topics[0].ErrorCode != errTimedOut {
		t.Errorf("deleting %d topics at once: %+v", len(d.commands()), last)
	}
}

// The answers are those of Kafka's ControllerApis.deleteTopics, in the order asked for.
func TestDeleteTopics(t *testing.T) {
	m := withTopics(t)
	m = must(t, m, CreateTopic{Name: "c", ID: id(3), Partitions: 1, Replication: 1})
	name := func(n string) kmsg.DeleteTopicsRequestTopic { return kmsg.DeleteTopicsRequestTopic{Topic: &n} }
	by := func(id UUID) kmsg.DeleteTopicsRequestTopic { return kmsg.DeleteTopicsRequestTopic{TopicID: id} }
	both := name("a")
	both.TopicID = id(1)
	for _, c := range []struct {
		what  string
		in    []kmsg.DeleteTopicsRequestTopic
		want  string // codes
		names string // left
	}{
		{"by name", []kmsg.DeleteTopicsRequestTopic{name("a"), name("x")}, "0 3", "b.c c"},
		{"by id", []kmsg.DeleteTopicsRequestTopic{by(id(2)), by(id(9))}, "0 100", "a c"},
		{"neither", []kmsg.DeleteTopicsRequestTopic{by(UUID{}), by(UUID{})}, "42 42", "a b.c c"},
		{"both", []kmsg.DeleteTopicsRequestTopic{both}, "42", "a b.c c"},
		{"a name twice", []kmsg.DeleteTopicsRequestTopic{name("a"), name("c"), name("a")}, "42 0", "a b.c"},
		{"an id twice", []kmsg.DeleteTopicsRequestTopic{by(id(1)), by(id(1)), by(id(3))}, "42 0", "a b.c"},
		{"a name and its id", []kmsg.DeleteTopicsRequestTopic{name("a"), by(id(1)), by(id(3))}, "42 42 0", "a b.c"},
		{"the other way round", []kmsg.DeleteTopicsRequestTopic{by(id(1)), name("a")}, "42 42", "a b.c c"},
	} {
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.Version, req.Topics = 6, c.in
		p := planDeleteTopics(req, m)
		after := carry(t, m, p)
		var codes, names []string
		for _, row := range p.response().(*kmsg.DeleteTopicsResponse).Topics {
			codes = append(codes, fmt.Sprint(row.ErrorCode))
			if (row.ErrorMessage != nil) != (row.ErrorCode != 0) {
				t.Errorf("%s: code %d, message %v", c.what, row.ErrorCode, row.ErrorMessage)
			}
		}
		for _, topic := range after.Topics() {
			names = append(names, topic.Name)
		}
		if strings.Join(codes, " ") != c.want || strings.Join(names, " ") != c.names {
			t.Errorf("%s: codes %v, left %v, expected %s, %s", c.what, codes, names, c.want, c.names)
		}
	}
}

func TestDeleteTopicsByNameBefore6(t *testing.T) {
	m := withTopics(t)
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version, req.TopicNames = 1, []string{"a", "x", "a"}
	if p := planDeleteTopics(req, m); len(p.resp.Topics) != 2 || p.resp.Topics[0].ErrorCode != errBadRequest {
		t.Errorf("%+v", p.resp.Topics)
	}
	req.TopicNames = []string{"a"}
	p := planDeleteTopics(req, m)
	if p.resp.Topics[0].ErrorCode != errTimedOut {
		t.Errorf("before its result comes: %+v", p.resp.Topics[0])
	}
	if after := carry(t, m, p); after.TopicByName("a") != nil || p.resp.Topics[0].ErrorCode != 0 {
		t.Errorf("%+v", p.resp.Topics[0])
	}
}
