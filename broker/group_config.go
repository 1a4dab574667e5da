package broker

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// groupSettingsVersion is the command version that knows settings of groups.
const groupSettingsVersion = 4

// maxGroupSettings is how many groups may have settings of their own. The metadata group's members must agree on it: don't change
// without a new command version.
const maxGroupSettings = 10_000

// GroupConfig is what one consumer group (KIP-848) was given instead of the broker's own settings.
type GroupConfig struct {
	Name    string        `json:"name"`
	Configs []TopicConfig `json:"configs"` // sorted by name, at least one
}

// AlterGroup changes settings of a group, which needn't exist: all that it names, in order, or none.
type AlterGroup struct {
	Name    string         `json:"name"`
	Changes []ConfigChange `json:"changes"`
}

func (AlterGroup) version() int { return groupSettingsVersion }

// Names of groups' settings: those of Kafka 4.1's GroupConfig that concern KIP-848.
const (
	configGroupHeartbeat = "consumer.heartbeat.interval.ms"
	configGroupSession   = "consumer.session.timeout.ms"
)

// groupSettings are sorted by name. What is possible besides is each broker's: see [checkGroupBounds].
var groupSettings = []setting{
	{name: configGroupHeartbeat, kind: kmsg.ConfigTypeInt, min: 1, max: math.MaxInt32, about: "How often the group's members are told to send heartbeats, in milliseconds."},
	{name: configGroupSession, kind: kmsg.ConfigTypeInt, min: 1, max: math.MaxInt32, about: "A member of the group that isn't heard of for so many milliseconds is out."},
}

func (a AlterGroup) apply(m *Meta) (*Meta, Result) {
	configs, no := a.plan(m)
	if no.is() {
		return m, refusedBy(no)
	}
	i, found := findGroupConfig(m.groups, a.Name)
	switch {
	case !found && len(configs) == 0:
		return m, Result{}
	case !found && len(m.groups) >= maxGroupSettings:
		return m, refusedBy(refuse(errPolicy, "%d groups have settings of their own already, which is the most", len(m.groups)))
	}
	next := *m
	next.groups = slices.Clone(m.groups)
	switch {
	case !found:
		next.groups = slices.Insert(next.groups, i, GroupConfig{a.Name, configs})
	case len(configs) == 0:
		next.groups = slices.Delete(next.groups, i, i+1)
	default:
		next.groups[i].Configs = configs
	}
	return &next, Result{}
}

// plan returns the group's settings as they would be.
func (a AlterGroup) plan(m *Meta) ([]TopicConfig, refusal) {
	if a.Name == "" || len(a.Name) > math.MaxInt16 {
		return nil, refuse(errBadRequest, "Default group resources are not allowed.")
	}
	configs := slices.Clone(m.groupConfigs(a.Name))
	for _, c := range a.Changes {
		switch c.Op {
		case configSet:
			value, no := normalGroupSetting(c.Name, c.Value)
			if no.is() {
				return nil, no
			}
			configs = withConfig(configs, TopicConfig{c.Name, value})
		case configDelete:
			if i, found := findConfig(configs, c.Name); found {
				configs = slices.Delete(configs, i, i+1)
			}
		case configAppend, configSubtract:
			return nil, refuse(errBadConfig, "Can't %s to key %.100s because its type is not LIST.", c.Op, c.Name)
		default:
			return nil, refuse(errBadRequest, "Unknown operations type %.30s", c.Op)
		}
	}
	return configs, refusal{}
}

func normalGroupSetting(name, value string) (string, refusal) {
	for _, s := range groupSettings {
		if s.name == name {
			return s.normal(value)
		}
	}
	return "", refuse(errBadConfig, "Unknown group config name: %.100s", name)
}

func findGroupConfig(groups []GroupConfig, name string) (int, bool) {
	return slices.BinarySearchFunc(groups, name, func(g GroupConfig, name string) int { return strings.Compare(g.Name, name) })
}

func (m *Meta) groupConfigs(name string) []TopicConfig {
	if i, found := findGroupConfig(m.groups, name); found {
		return m.groups[i].Configs
	}
	return nil
}

// groupTime returns a group's setting, 0 if it has none.
func (m *Meta) groupTime(group, name string) time.Duration {
	configs := m.groupConfigs(group)
	i, found := findConfig(configs, name)
	if !found {
		return 0
	}
	n, err := strconv.Atoi(configs[i].Value)
	if err != nil {
		panic("invariant M10: group " + group + " has " + name + "=" + configs[i].Value + ", expected a number")
	}
	return time.Duration(n) * time.Millisecond
}

// checkGroupBounds refuses settings outside of what this broker was started with, in the words and the order of Kafka 4.1's
// GroupConfig.validateValues.
func checkGroupBounds(configs []TopicConfig, c group.Config) refusal {
	ms := func(name string, preset time.Duration) int64 {
		if i, found := findConfig(configs, name); found {
			if n, err := strconv.ParseInt(configs[i].Value, 10, 64); err == nil {
				return n
			}
		}
		return preset.Milliseconds()
	}
	heartbeat, session := ms(configGroupHeartbeat, c.ConsumerHeartbeat), ms(configGroupSession, c.ConsumerSession)
	b := c.ConsumerBounds()
	switch {
	case heartbeat < b.MinHeartbeat.Milliseconds():
		return refuse(errBadConfig, "%s must be greater than or equal to group.consumer.min.heartbeat.interval.ms", configGroupHeartbeat)
	case heartbeat > b.MaxHeartbeat.Milliseconds():
		return refuse(errBadConfig, "%s must be less than or equal to group.consumer.max.heartbeat.interval.ms", configGroupHeartbeat)
	case session < b.MinSession.Milliseconds():
		return refuse(errBadConfig, "%s must be greater than or equal to group.consumer.min.session.timeout.ms", configGroupSession)
	case session > b.MaxSession.Milliseconds():
		return refuse(errBadConfig, "%s must be less than or equal to group.consumer.max.session.timeout.ms", configGroupSession)
	case session <= heartbeat:
		return refuse(errBadConfig, "%s must be greater than %s", configGroupSession, configGroupHeartbeat)
	}
	return refusal{}
}

// describeGroup says what a group is run with. Groups needn't exist, as in Kafka.
func describeGroup(name string, m *Meta, c group.Config) []kmsg.DescribeConfigsResponseResourceConfig {
	var out []kmsg.DescribeConfigsResponseResourceConfig
	for _, s := range groupSettings {
		preset := c.ConsumerSession
		if s.name == configGroupHeartbeat {
			preset = c.ConsumerHeartbeat
		}
		value, source := strconv.FormatInt(preset.Milliseconds(), 10), kmsg.ConfigSourceDefaultConfig
		synonyms := []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{synonym("group."+s.name, value, source)}
		if i, found := findConfig(m.groupConfigs(name), s.name); found {
			value, source = m.groupConfigs(name)[i].Value, kmsg.ConfigSourceGroupConfig
			synonyms = slices.Insert(synonyms, 0, synonym(s.name, value, source))
		}
		row := configRow(s.name, value, s.kind, source, s.about)
		row.ConfigSynonyms, row.IsDefault = synonyms, source == kmsg.ConfigSourceDefaultConfig
		out = append(out, row)
	}
	return out
}

// checkGroupSettings tells whether M10 holds.
func (m *Meta) checkGroupSettings() bool {
	for i, g := range m.groups {
		if g.Name == "" || len(g.Configs) == 0 || i > 0 && m.groups[i-1].Name >= g.Name {
			return false
		}
		for j, c := range g.Configs {
			value, no := normalGroupSetting(c.Name, c.Value)
			if no.is() || value != c.Value || j > 0 && g.Configs[j-1].Name >= c.Name {
				return false
			}
		}
	}
	return len(m.groups) == 0 || m.Level >= groupSettingsVersion && len(m.groups) <= maxGroupSettings
}
