package broker

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ConfigOp is what becomes of a setting; the words are Kafka's (AlterConfigOp.OpType). On disk, don't change.
type ConfigOp string

const (
	configSet      ConfigOp = "SET"
	configDelete   ConfigOp = "DELETE"   // it falls back to the broker's
	configAppend   ConfigOp = "APPEND"   // to a list
	configSubtract ConfigOp = "SUBTRACT" // from a list
)

// ConfigChange is one change of one setting.
type ConfigChange struct {
	Name  string   `json:"n"`
	Op    ConfigOp `json:"op"`
	Value string   `json:"v,omitempty"` // of all but DELETE
}

// changesSince is the first command version that knows all of these settings.
func changesSince(changes []ConfigChange) int {
	since := 1
	for _, c := range changes {
		if s, ok := findSetting(c.Name); ok && c.Op != configDelete {
			since = max(since, s.since)
		}
	}
	return since
}

// apply changes what is left over of the topic's settings; the errors come in the order of Kafka's
// ConfigurationControlManager: the settings as they would be, then whether there is such a topic.
func (a AlterTopic) apply(m *Meta) (*Meta, Result) {
	t, configs, no := a.plan(m)
	if no.is() {
		return m, refusedBy(no)
	}
	if slices.Equal(configs, t.Configs) {
		return m, Result{Topic: t}
	}
	next, changed := *m, *t
	changed.Configs = configs
	next.swap([]*Topic{&changed})
	return &next, Result{Topic: &changed}
}

// plan returns the topic and its settings as they would be.
func (a AlterTopic) plan(m *Meta) (*Topic, []TopicConfig, refusal) {
	if no := checkTopicName(a.Name); no.is() {
		return nil, nil, no
	}
	t := m.TopicByName(a.Name)
	var configs []TopicConfig
	if t != nil {
		configs = slices.Clone(t.Configs)
	}
	for _, c := range a.Changes {
		var no refusal
		if configs, no = c.change(configs); no.is() {
			return nil, nil, no
		}
	}
	configs, no := normalConfigs(configs)
	if !no.is() && t == nil {
		no = refuse(errUnknownTopic, "The topic '%s' does not exist.", a.Name)
	}
	return t, configs, no
}

// lint refuses what no metadata could allow.
func (a AlterTopic) lint() refusal {
	if no := checkTopicName(a.Name); no.is() {
		return no
	}
	var set []TopicConfig
	for _, c := range a.Changes {
		if _, no := c.change(nil); no.is() {
			return no
		}
		if c.Op == configSet {
			set = append(set, TopicConfig{c.Name, c.Value})
		}
	}
	_, no := normalConfigs(set)
	return no
}

// change makes one change to settings that are the caller's own.
func (c ConfigChange) change(configs []TopicConfig) ([]TopicConfig, refusal) {
	i, found := findConfig(configs, c.Name)
	switch c.Op {
	case configSet:
		return withConfig(configs, TopicConfig{c.Name, c.Value}), refusal{}
	case configDelete:
		if found {
			configs = slices.Delete(configs, i, i+1)
		}
		return configs, refusal{}
	case configAppend, configSubtract:
	default:
		return nil, refuse(errBadRequest, "Unknown operations type %.30s", c.Op)
	}
	s, _ := findSetting(c.Name)
	if s.kind != kmsg.ConfigTypeList {
		return nil, refuse(errBadConfig, "Can't %s to key %.100s because its type is not LIST.", c.Op, c.Name)
	}
	old := s.preset
	if found {
		old = configs[i].Value
	}
	words := strings.Split(old, ",")
	for _, w := range strings.Split(c.Value, ",") {
		switch at := slices.Index(words, w); {
		case c.Op == configAppend && at < 0:
			words = append(words, w)
		case c.Op == configSubtract && at >= 0:
			words = slices.Delete(words, at, at+1)
		}
	}
	return withConfig(configs, TopicConfig{c.Name, strings.Join(words, ",")}), refusal{}
}
