package broker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var testConfig = Config{Broker: 1, Generation: 1, Host: "h1", Port: 9092, Rack: "r", Topics: testDefaults, Limits: DefaultLimits()}

// altered is one resource of a request: one change of one topic's setting.
func altered(topic string, op kmsg.IncrementalAlterConfigOp, name, value string) kmsg.IncrementalAlterConfigsRequestResource {
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	r.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: name, Op: op, Value: &value}}
	return r
}

func TestAlteringTopics(t *testing.T) {
	m := withTopics(t)
	set := func(name, value string) AlterTopic {
		return AlterTopic{Name: "a", Changes: []ConfigChange{{name, configSet, value}}}
	}
	refused(t, m, set(configRetentionTime, "5"), errNotController) // M8
	refused(t, m, CreateTopic{Name: "n", ID: id(7), Partitions: 1, Replication: 1, Configs: []TopicConfig{{configSegmentTime, "5"}}}, errNotController)
	m = must(t, m, Raise{Level: 2})
	if again := must(t, m, Raise{Level: 2}); again.Level != 2 {
		t.Errorf("level %d after raising it to 2 twice", again.Level)
	}
	m = must(t, m, CreateTopic{Name: "n", ID: id(7), Partitions: 1, Replication: 1, Configs: []TopicConfig{{configSegmentTime, "5"}}})
	if ms := m.TopicByName("n").segmentMs(); ms != 5 {
		t.Errorf("segment.ms is %d", ms)
	}
	m = must(t, m, set(configRetentionTime, " 05 "))
	m = must(t, m, set(configRetentionSize, "7"))
	a := m.TopicByName("a")
	if a.retentionMs() != 5 || a.retentionBytes() != 7 || len(a.Configs) != 2 || m.TopicByID(id(1)) != a {
		t.Errorf("after two changes: %v", a.Configs)
	}
	if again := must(t, m, set(configRetentionTime, "5")); again.TopicByName("a") != a {
		t.Error("the same value again made another topic")
	}
	// All or nothing.
	refused(t, m, AlterTopic{Name: "a", Changes: []ConfigChange{{configRetentionTime, configDelete, ""}, {configSegmentBytes, configSet, "1"}}}, errBadConfig)
	m = must(t, m, AlterTopic{Name: "a", Changes: []ConfigChange{{configRetentionTime, configDelete, ""}, {configRetentionSize, configDelete, ""}, {"unknown", configDelete, ""}}})
	if a := m.TopicByName("a"); len(a.Configs) != 0 || a.retentionMs() != 604800000 || a.retentionBytes() != -1 {
		t.Errorf("after taking both back: %v", a.Configs)
	}
	m = must(t, m, AlterTopic{Name: "a", Changes: []ConfigChange{{configCleanup, configAppend, "delete"}}})
	refused(t, m, AlterTopic{Name: "a", Changes: []ConfigChange{{configCleanup, configAppend, "compact"}}}, errBadConfig)
	refused(t, m, AlterTopic{Name: "a", Changes: []ConfigChange{{configCleanup, configSubtract, "delete"}}}, errBadConfig)
	refused(t, m, AlterTopic{Name: "a", Changes: []ConfigChange{{configRetentionTime, configAppend, "1"}}}, errBadConfig)
	refused(t, m, AlterTopic{Name: "a", Changes: []ConfigChange{{configRetentionTime, "RAISE", "1"}}}, errBadRequest)
	refused(t, m, AlterTopic{Name: "nope", Changes: []ConfigChange{{configRetentionTime, configSet, "1"}}}, errUnknownTopic)
	refused(t, m, AlterTopic{Name: "no/pe"}, errBadTopic)
}

func TestAlterConfigs(t *testing.T) {
	m := must(t, withTopics(t), Raise{Level: 2})
	const set, del, add = kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete, kmsg.IncrementalAlterConfigOpAppend
	null := altered("a", set, configRetentionTime, "")
	null.Configs[0].Value = nil
	twice := altered("a", set, configRetentionTime, "1")
	twice.Configs = append(twice.Configs, twice.Configs[0])
	of := func(kind kmsg.ConfigResourceType, name string) kmsg.IncrementalAlterConfigsRequestResource {
		r := altered(name, set, "num.partitions", "1")
		r.ResourceType = kind
		return r
	}
	for _, c := range []struct {
		what string
		rows []kmsg.IncrementalAlterConfigsRequestResource
		want string
	}{
		{"set", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", set, configRetentionTime, "5")}, "0"},
		{"delete", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", del, configRetentionTime, "")}, "0"},
		{"unknown topic", []kmsg.IncrementalAlterConfigsRequestResource{altered("x", set, configRetentionTime, "5")}, "3 The topic 'x' does not exist."},
		{"no topic name", []kmsg.IncrementalAlterConfigsRequestResource{altered("", set, configRetentionTime, "5")}, "42 Default topic resources are not allowed."},
		{"below the bound", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", set, configSegmentBytes, "14")}, "40 Invalid value 14 for configuration segment.bytes: Value must be at least 1048576"},
		{"no int", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", set, configSegmentBytes, "4294967296")}, "40 Invalid value 4294967296 for configuration segment.bytes: Not a number of type INT"},
		{"no number", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", set, configRetentionTime, "1d")}, "40 Invalid value 1d for configuration retention.ms: Not a number of type LONG"},
		{"unknown setting", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", set, "x", "1")}, "40 Unknown topic config name: x"},
		{"not done", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", set, configCleanup, "compact")}, "40 Invalid value compact for configuration cleanup.policy: String must be one of: delete"},
		{"append", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", add, configRetentionTime, "1")}, "40 Can't APPEND to key retention.ms because its type is not LIST."},
		{"unknown operation", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", 9, configRetentionTime, "1")}, "42 Unknown operations type 9"},
		{"null", []kmsg.IncrementalAlterConfigsRequestResource{null}, "42 Null value not supported for : retention.ms"},
		{"a key twice", []kmsg.IncrementalAlterConfigsRequestResource{twice}, "42 Error due to duplicate config keys"},
		{"a topic twice", []kmsg.IncrementalAlterConfigsRequestResource{altered("a", set, configRetentionTime, "5"), altered("b.c", set, configRetentionTime, "5"), altered("a", set, configRetentionSize, "5")},
			"42 Each resource must appear at most once.;0;42 Each resource must appear at most once."},
		{"this broker", []kmsg.IncrementalAlterConfigsRequestResource{of(kmsg.ConfigResourceTypeBroker, "1")}, "42 Cannot update these configs dynamically: Set(num.partitions)"},
		{"all brokers", []kmsg.IncrementalAlterConfigsRequestResource{of(kmsg.ConfigResourceTypeBroker, "")}, "42 Cannot update these configs dynamically: Set(num.partitions)"},
		{"another broker", []kmsg.IncrementalAlterConfigsRequestResource{of(kmsg.ConfigResourceTypeBroker, "2")}, "42 Unexpected broker id, expected 1, but received 2"},
		{"no broker", []kmsg.IncrementalAlterConfigsRequestResource{of(kmsg.ConfigResourceTypeBroker, "me")}, "42 Node id must be an integer, but it is: me"},
		{"of something else", []kmsg.IncrementalAlterConfigsRequestResource{of(16, "g"), of(3, "?"), altered("a", set, configRetentionTime, "5")}, "42 Unknown resource type 16;42 Unknown resource type 3;0"},
	} {
		for _, validate := range []bool{false, true} {
			req := kmsg.NewPtrIncrementalAlterConfigsRequest()
			req.Version, req.Resources, req.ValidateOnly = 1, c.rows, validate
			p := planAlterConfigs(req, m, testConfig)
			if validate && len(p.commands()) > 0 {
				t.Errorf("%s: validating would propose %v", c.what, p.commands())
			}
			carry(t, m, p)
			var got []string
			for i, row := range p.resp.Resources {
				text := fmt.Sprint(row.ErrorCode)
				if row.ErrorMessage != nil {
					text += " " + *row.ErrorMessage
				}
				if row.ResourceName != c.rows[i].ResourceName || row.ResourceType != c.rows[i].ResourceType {
					t.Errorf("%s: row %d is of %d %s", c.what, i, row.ResourceType, row.ResourceName)
				}
				got = append(got, text)
			}
			all := strings.Join(got, ";")
			if prefix, any := strings.CutSuffix(c.want, "*"); all != c.want && !(any && strings.HasPrefix(all, prefix)) {
				t.Errorf("%s, validating %t: %q, expected %q", c.what, validate, all, c.want)
			}
		}
	}
}

func TestAlterConfigsIsBounded(t *testing.T) {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for i := range maxTopicsPerRequest + 5 {
		req.Resources = append(req.Resources, altered(fmt.Sprint("t", i), kmsg.IncrementalAlterConfigOpSet, configRetentionTime, "5"))
	}
	p := planAlterConfigs(req, NewMeta(), testConfig)
	if n := len(p.commands()); n != maxTopicsPerRequest || p.resp.Resources[n].ErrorCode != errPolicy || p.resp.Resources[0].ErrorCode != errTimedOut {
		t.Errorf("%d commands", n)
	}
}

func TestDescribeConfigs(t *testing.T) {
	m := must(t, withTopics(t), Raise{Level: 2})
	m = must(t, m, AlterTopic{Name: "a", Changes: []ConfigChange{{configRetentionTime, configSet, "5"}}})
	ask := func(kind kmsg.ConfigResourceType, name string, only ...string) kmsg.DescribeConfigsResponseResource {
		req := kmsg.NewPtrDescribeConfigsRequest()
		req.Version, req.IncludeSynonyms = 4, true
		req.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kind, ResourceName: name, ConfigNames: only}, {ResourceType: kind, ResourceName: name}}
		resp := describeConfigs(req, m, testConfig)
		if len(resp.Resources) != 1 || resp.Resources[0].Configs == nil {
			t.Fatalf("%d %s asked for twice: %+v", kind, name, resp)
		}
		return resp.Resources[0]
	}
	show := func(r kmsg.DescribeConfigsResponseResource) string {
		s := []string{fmt.Sprint(r.ErrorCode)}
		if r.ErrorMessage != nil {
			s = append(s, *r.ErrorMessage)
		}
		for _, c := range r.Configs {
			text := fmt.Sprintf("%s=%s(%d,%t)", c.Name, *c.Value, c.Source, c.ReadOnly)
			for _, y := range c.ConfigSynonyms {
				text += fmt.Sprintf("<%s=%s(%d)", y.Name, *y.Value, y.Source)
			}
			s = append(s, text)
		}
		return strings.Join(s, " ")
	}
	for _, c := range []struct {
		got  kmsg.DescribeConfigsResponseResource
		want string
	}{
		{ask(kmsg.ConfigResourceTypeTopic, "a", configRetentionTime, configMaxMessage, "x"),
			"0 max.message.bytes=1048588(4,false)<message.max.bytes=1048588(4) retention.ms=5(1,false)<retention.ms=5(1)<log.retention.ms=604800000(5)"},
		{ask(kmsg.ConfigResourceTypeTopic, "x"), "3"},
		{ask(kmsg.ConfigResourceTypeTopic, "x/"), "17 *"},
		{ask(kmsg.ConfigResourceTypeBroker, "1", "advertised.listeners", "default.replication.factor"),
			"0 advertised.listeners=PLAINTEXT://h1:9092(4,true)<advertised.listeners=PLAINTEXT://h1:9092(4) default.replication.factor=3(4,true)<default.replication.factor=3(4)"},
		{ask(kmsg.ConfigResourceTypeBroker, ""), "0"},
		{ask(kmsg.ConfigResourceTypeBroker, "2"), "42 Unexpected broker id, expected 1 or empty string, but received 2"},
		{ask(kmsg.ConfigResourceTypeBroker, "?"), "42 Broker id must be an integer, but it is: ?"},
		{ask(kmsg.ConfigResourceTypeClientMetrics, "c"), "42 Unsupported resource type: 16"},
	} {
		got := show(c.got)
		if prefix, any := strings.CutSuffix(c.want, "*"); got != c.want && !(any && strings.HasPrefix(got, prefix)) {
			t.Errorf("%q, expected %q", got, c.want)
		}
	}
	if a := hostPort("::1", 5); a != "[::1]:5" {
		t.Errorf("an IPv6 address is written %s", a)
	}
	if n := len(ask(kmsg.ConfigResourceTypeTopic, "a").Configs); n != len(settings) {
		t.Errorf("%d settings of a topic, expected %d", n, len(settings))
	}
}
