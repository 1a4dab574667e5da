package broker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// source is where a topic's value is from, as DescribeConfigs and CreateTopics name it.
func (s setting) source(given bool) kmsg.ConfigSource {
	switch {
	case given:
		return kmsg.ConfigSourceDynamicTopicConfig
	case s.name == configMaxMessage:
		return kmsg.ConfigSourceStaticBrokerConfig
	}
	return kmsg.ConfigSourceDefaultConfig
}

// describeConfigs answers from the metadata as this broker has it, in the words of Kafka's ConfigHelper. Topics have all
// their settings described, a broker those few that it was started with and that clients look for; nothing else has any.
// A resource that is asked for twice is described once: so an answer is bounded by what there is.
func describeConfigs(req *kmsg.DescribeConfigsRequest, m *Meta, cfg Config) *kmsg.DescribeConfigsResponse {
	resp := kmsg.NewPtrDescribeConfigsResponse()
	resp.Version = req.Version
	resp.Resources = []kmsg.DescribeConfigsResponseResource{}
	seen := map[resource]bool{}
	for i := range req.Resources {
		want := &req.Resources[i]
		if r := (resource{want.ResourceType, want.ResourceName}); seen[r] {
			continue
		} else {
			seen[r] = true
		}
		row := kmsg.NewDescribeConfigsResponseResource()
		row.ResourceType, row.ResourceName = want.ResourceType, want.ResourceName
		rows, no := describeResource(want, m, cfg)
		row.ErrorCode, row.ErrorMessage = no.code, messageOf(no.code, no.message)
		row.Configs = []kmsg.DescribeConfigsResponseResourceConfig{} // never null: Java's AdminClient fails on that
		for _, c := range rows {
			if len(want.ConfigNames) > 0 && !slices.Contains(want.ConfigNames, c.Name) {
				continue
			}
			if !req.IncludeSynonyms {
				c.ConfigSynonyms = []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{}
			}
			if !req.IncludeDocumentation {
				c.Documentation = nil
			}
			row.Configs = append(row.Configs, c)
		}
		resp.Resources = append(resp.Resources, row)
	}
	return resp
}

func describeResource(want *kmsg.DescribeConfigsRequestResource, m *Meta, cfg Config) ([]kmsg.DescribeConfigsResponseResourceConfig, refusal) {
	switch want.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		if no := checkTopicName(want.ResourceName); no.is() {
			return nil, no
		}
		t := m.TopicByName(want.ResourceName)
		if t == nil {
			return nil, refuse(errUnknownTopic, "")
		}
		return describeTopic(t, cfg.Topics), refusal{}
	case kmsg.ConfigResourceTypeBroker:
		if want.ResourceName == "" {
			return nil, refusal{} // what was set for all brokers while they ran: nothing can be
		}
		if no := checkBrokerName(want.ResourceName, cfg.Broker, " or empty string"); no.is() {
			return nil, no
		}
		return describeBroker(m, cfg), refusal{}
	case kmsg.ConfigResourceTypeGroupConfig:
		if want.ResourceName == "" {
			return nil, refuse(errBadRequest, "Group name must not be empty")
		}
		return describeGroup(want.ResourceName, m, cfg.Limits.Groups), refusal{}
	}
	return nil, refuse(errBadRequest, "Unsupported resource type: %d", want.ResourceType)
}

func describeTopic(t *Topic, d TopicDefaults) []kmsg.DescribeConfigsResponseResourceConfig {
	var out []kmsg.DescribeConfigsResponseResourceConfig
	for _, s := range settings {
		value, given := s.value(t, d)
		c := configRow(s.name, value, s.kind, s.source(given), s.about)
		below := synonym(s.broker, s.fallback(d), s.source(false))
		c.ConfigSynonyms = []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{below}
		if given {
			c.ConfigSynonyms = slices.Insert(c.ConfigSynonyms, 0, synonym(s.name, value, s.source(true)))
		}
		c.IsDefault = !given
		out = append(out, c)
	}
	return out
}

// describeBroker says what this broker was started with, under Kafka's names. All of it is read-only.
func describeBroker(m *Meta, cfg Config) []kmsg.DescribeConfigsResponseResourceConfig {
	const static = kmsg.ConfigSourceStaticBrokerConfig
	d := cfg.Topics
	rows := []kmsg.DescribeConfigsResponseResourceConfig{
		configRow("advertised.listeners", "PLAINTEXT://"+hostPort(cfg.Host, cfg.Port), kmsg.ConfigTypeList, static, "Where clients reach this broker."),
		configRow("auto.create.topics.enable", strconv.FormatBool(d.AutoCreate), kmsg.ConfigTypeBoolean, static, "Whether a topic that a client asks Metadata for is created."),
		configRow("broker.id", decimal(cfg.Broker), kmsg.ConfigTypeInt, static, "This broker's number."),
		configRow("default.replication.factor", fmt.Sprint(d.replicas(m)), kmsg.ConfigTypeInt, static, "Replicas of a partition whose topic doesn't say."),
		configRow("node.id", decimal(cfg.Broker), kmsg.ConfigTypeInt, static, "This broker's number."),
		configRow("num.partitions", decimal(d.Partitions), kmsg.ConfigTypeInt, static, "Partitions of a topic that doesn't say."),
	}
	if cfg.Rack != "" {
		rows = append(rows, configRow("broker.rack", cfg.Rack, kmsg.ConfigTypeString, static, "Where this broker stands."))
	}
	for _, s := range settings {
		rows = append(rows, configRow(s.broker, s.fallback(d), s.kind, s.source(false), s.about))
	}
	slices.SortFunc(rows, func(a, b kmsg.DescribeConfigsResponseResourceConfig) int { return strings.Compare(a.Name, b.Name) })
	for i := range rows {
		r := &rows[i]
		r.ReadOnly, r.IsDefault = true, r.Source == kmsg.ConfigSourceDefaultConfig
		r.ConfigSynonyms = []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{synonym(r.Name, *r.Value, r.Source)}
	}
	return rows
}

func configRow(name, value string, kind kmsg.ConfigType, source kmsg.ConfigSource, about string) kmsg.DescribeConfigsResponseResourceConfig {
	c := kmsg.NewDescribeConfigsResponseResourceConfig()
	c.Name, c.Value, c.ConfigType, c.Source, c.Documentation = name, &value, kind, source, &about
	return c
}

func synonym(name, value string, source kmsg.ConfigSource) kmsg.DescribeConfigsResponseResourceConfigConfigSynonym {
	return kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{Name: name, Value: &value, Source: source}
}

// hostPort is an address as Kafka writes it in listeners: IPv6 in brackets.
func hostPort(host string, port int32) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + decimal(port)
}
