package broker

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// TopicDefaults are what a topic gets that doesn't say otherwise. They are a broker's settings: a command carries what
// they came to, so that replicas needn't agree on them.
type TopicDefaults struct {
	Partitions      int32 // num.partitions
	Replication     int16 // -1: 3, or the number of brokers if that is less
	AutoCreate      bool  // create a topic that a client asks Metadata for
	MaxMessageBytes int32 // of one record batch, for topics without max.message.bytes
}

// TopicConfig is one setting that a topic was given.
type TopicConfig struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

// Names of topic settings, Kafka's.
const (
	configCleanup       = "cleanup.policy"
	configCompression   = "compression.type"
	configMaxMessage    = "max.message.bytes"
	configTimestampType = "message.timestamp.type"
	configRetentionSize = "retention.bytes"
	configRetentionTime = "retention.ms"
	configSegmentBytes  = "segment.bytes"

	createTime    = "CreateTime"
	logAppendTime = "LogAppendTime"
)

// setting is a known topic setting: one of words, or a decimal number.
type setting struct {
	name     string
	preset   string // what it is when not set; "" is what the broker says
	words    []string
	min, max int64
}

// settings are sorted by name. Bounds are those of Kafka 4.1's LogConfig. Only max.message.bytes and
// message.timestamp.type act so far; a value that would promise what isn't done is refused.
var settings = []setting{
	{name: configCleanup, preset: "delete", words: []string{"delete"}},
	{name: configCompression, preset: "producer", words: []string{"producer"}},
	{name: configMaxMessage, min: 0, max: math.MaxInt32},
	{name: configTimestampType, preset: createTime, words: []string{createTime, logAppendTime}},
	{name: configRetentionSize, preset: "-1", min: math.MinInt64, max: math.MaxInt64},
	{name: configRetentionTime, preset: "604800000", min: -1, max: math.MaxInt64},
	{name: configSegmentBytes, preset: "1073741824", min: 1 << 20, max: math.MaxInt32},
}

func findSetting(name string) (setting, bool) {
	i, ok := slices.BinarySearchFunc(settings, name, func(s setting, name string) int { return strings.Compare(s.name, name) })
	if !ok {
		return setting{}, false
	}
	return settings[i], true
}

// normal returns a value as it is stored, or refuses it in Kafka's words (ConfigDef, LogConfig.validateNames).
func (s setting) normal(value string) (string, refusal) {
	value = strings.TrimSpace(value) // as ConfigDef.parseType does
	if s.words != nil {
		if !slices.Contains(s.words, value) {
			return "", refuse(errBadConfig, "Invalid value %.100s for configuration %s: must be one of: %s", value, s.name, strings.Join(s.words, ", "))
		}
		return value, refusal{}
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return "", refuse(errBadConfig, "Invalid value %.100s for configuration %s: Not a number of type LONG or INT", value, s.name)
	}
	if n < s.min || n > s.max {
		return "", refuse(errBadConfig, "Invalid value %d for configuration %s: must be from %d to %d", n, s.name, s.min, s.max)
	}
	return strconv.FormatInt(n, 10), refusal{}
}

// normalConfigs returns settings as they are stored: known, in range, sorted, each once (the last one given counts, as in
// Kafka's computeConfigChanges); nil if there are none.
func normalConfigs(given []TopicConfig) ([]TopicConfig, refusal) {
	var out []TopicConfig
	for _, c := range given {
		s, ok := findSetting(c.Name)
		if !ok {
			return nil, refuse(errBadConfig, "Unknown topic config name: %.100s", c.Name)
		}
		value, no := s.normal(c.Value)
		if no.is() {
			return nil, no
		}
		i, found := slices.BinarySearchFunc(out, c.Name, func(o TopicConfig, name string) int { return strings.Compare(o.Name, name) })
		if found {
			out[i].Value = value
		} else {
			out = slices.Insert(out, i, TopicConfig{c.Name, value})
		}
	}
	return out, refusal{}
}

// config returns what a topic was given for a setting.
func (t *Topic) config(name string) (string, bool) {
	for _, c := range t.Configs {
		if c.Name == name {
			return c.Value, true
		}
	}
	return "", false
}

// number returns a setting's value, or what it is when not set; it must be a number's name.
func (t *Topic) number(name string, preset int64) int64 {
	if v, ok := t.config(name); ok {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			panic("invariant M2: topic " + t.Name + " has " + name + "=" + v + ", expected a number")
		}
		return n
	}
	return preset
}

// MaxMessageBytes is the most bytes of one record batch.
func (t *Topic) MaxMessageBytes(d TopicDefaults) int32 {
	return int32(t.number(configMaxMessage, int64(d.MaxMessageBytes)))
}

// SegmentBytes is segment.bytes; a batch that is longer is refused.
func (t *Topic) SegmentBytes() int64 { return t.number(configSegmentBytes, 1<<30) }

// LogAppendTime tells whether records get the leader's time instead of their producer's.
func (t *Topic) LogAppendTime() bool {
	v, _ := t.config(configTimestampType)
	return v == logAppendTime
}

func decimal(n int32) string { return strconv.FormatInt(int64(n), 10) }
