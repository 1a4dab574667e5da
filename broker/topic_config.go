package broker

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TopicDefaults are what a topic gets that doesn't say otherwise. They are a broker's settings: a command carries what
// they came to, so that replicas needn't agree on them.
type TopicDefaults struct {
	Partitions        int32 // num.partitions
	Replication       int16 // -1: 3, or the number of brokers if that is less
	AutoCreate        bool  // create a topic that a client asks Metadata for
	MaxMessageBytes   int32 // of one record batch, for topics without max.message.bytes
	OffsetsPartitions int32 // offsets.topic.num.partitions, of the topic that consumer groups are kept in
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
	configTimeAfter     = "message.timestamp.after.max.ms"
	configTimeBefore    = "message.timestamp.before.max.ms"
	configTimestampType = "message.timestamp.type"
	configRetentionSize = "retention.bytes"
	configRetentionTime = "retention.ms"
	configSegmentBytes  = "segment.bytes"
	configSegmentTime   = "segment.ms"

	createTime    = "CreateTime"
	logAppendTime = "LogAppendTime"
)

// setting is a known topic setting: one of words, or a decimal number.
type setting struct {
	name     string
	kind     kmsg.ConfigType
	broker   string // what Kafka calls the setting of a broker that it falls back to
	preset   string // what it is when not set; "" is what the broker says
	about    string
	words    []string
	min, max int64
	since    int // the first command version that knows it; 0: all do
}

// settings are sorted by name. Presets and bounds are those of Kafka 4.1's LogConfig. All of them act; a value that would
// promise what isn't done is refused. What a name or a bound is decides what a command does: another one needs another
// command version.
var settings = []setting{
	{name: configCleanup, kind: kmsg.ConfigTypeList, broker: "log.cleanup.policy", preset: "delete", words: []string{"delete"},
		about: "What happens to old records: they are deleted."},
	{name: configCompression, kind: kmsg.ConfigTypeString, broker: "compression.type", preset: "producer", words: []string{"producer"},
		about: "How batches are stored: as the producer compressed them."},
	{name: configMaxMessage, kind: kmsg.ConfigTypeInt, broker: "message.max.bytes", min: 0, max: math.MaxInt32,
		about: "The largest record batch that is taken, in bytes, compressed."},
	{name: configTimeAfter, kind: kmsg.ConfigTypeLong, broker: "log.message.timestamp.after.max.ms", preset: "3600000", min: 0, max: math.MaxInt64, since: 3,
		about: "How many milliseconds a record's own timestamp may be ahead of the leader's clock."},
	{name: configTimeBefore, kind: kmsg.ConfigTypeLong, broker: "log.message.timestamp.before.max.ms", preset: "9223372036854775807", min: 0, max: math.MaxInt64, since: 3,
		about: "How many milliseconds a record's own timestamp may be behind the leader's clock."},
	{name: configTimestampType, kind: kmsg.ConfigTypeString, broker: "log.message.timestamp.type", preset: createTime, words: []string{createTime, logAppendTime},
		about: "Whose time records have: their producer's, or that of the leader that appended them."},
	{name: configRetentionSize, kind: kmsg.ConfigTypeLong, broker: "log.retention.bytes", preset: "-1", min: math.MinInt64, max: math.MaxInt64,
		about: "Oldest segments of a partition are deleted while the rest has at least so many bytes; a negative number is no limit."},
	{name: configRetentionTime, kind: kmsg.ConfigTypeLong, broker: "log.retention.ms", preset: "604800000", min: -1, max: math.MaxInt64,
		about: "Oldest segments are deleted once their newest record is older than so many milliseconds; -1 is no limit."},
	{name: configSegmentBytes, kind: kmsg.ConfigTypeInt, broker: "log.segment.bytes", preset: "1073741824", min: 1 << 20, max: math.MaxInt32,
		about: "The size of a segment, which is deleted as a whole, in bytes."},
	{name: configSegmentTime, kind: kmsg.ConfigTypeLong, broker: "log.roll.ms", preset: "604800000", min: 1, max: math.MaxInt64, since: 2,
		about: "A segment whose first record is older than so many milliseconds is closed, full or not."},
}

func findSetting(name string) (setting, bool) {
	i, ok := slices.BinarySearchFunc(settings, name, func(s setting, name string) int { return strings.Compare(s.name, name) })
	if !ok {
		return setting{}, false
	}
	return settings[i], true
}

// normal returns a value as it is stored, or refuses it in Kafka's words (ConfigDef).
func (s setting) normal(value string) (string, refusal) {
	value = strings.TrimSpace(value) // as ConfigDef.parseType does
	if s.words != nil {
		if !slices.Contains(s.words, value) {
			return "", refuse(errBadConfig, "Invalid value %.100s for configuration %s: String must be one of: %s", value, s.name, strings.Join(s.words, ", "))
		}
		return value, refusal{}
	}
	bits, typ := 64, "LONG"
	if s.kind == kmsg.ConfigTypeInt {
		bits, typ = 32, "INT"
	}
	n, err := strconv.ParseInt(value, 10, bits)
	switch {
	case err != nil:
		return "", refuse(errBadConfig, "Invalid value %.100s for configuration %s: Not a number of type %s", value, s.name, typ)
	case n < s.min:
		return "", refuse(errBadConfig, "Invalid value %d for configuration %s: Value must be at least %d", n, s.name, s.min)
	case n > s.max:
		return "", refuse(errBadConfig, "Invalid value %d for configuration %s: Value must be no more than %d", n, s.name, s.max)
	}
	return strconv.FormatInt(n, 10), refusal{}
}

// value is what a topic has for this setting, and whether it was given.
func (s setting) value(t *Topic, d TopicDefaults) (string, bool) {
	if s.name == configCleanup && internalTopic(t.Name) {
		return "compact", true // in effect: see group.forward
	}
	if v, ok := t.config(s.name); ok {
		return v, true
	}
	return s.fallback(d), false
}

// fallback is what it is for topics that were given nothing.
func (s setting) fallback(d TopicDefaults) string {
	if s.name == configMaxMessage {
		return decimal(d.MaxMessageBytes)
	}
	return s.preset
}

// configsSince is the first command version that knows all of these settings.
func configsSince(configs []TopicConfig) int {
	since := 1
	for _, c := range configs {
		if s, ok := findSetting(c.Name); ok {
			since = max(since, s.since)
		}
	}
	return since
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
		out = withConfig(out, TopicConfig{c.Name, value})
	}
	return out, refusal{}
}

func findConfig(configs []TopicConfig, name string) (int, bool) {
	return slices.BinarySearchFunc(configs, name, func(c TopicConfig, name string) int { return strings.Compare(c.Name, name) })
}

// withConfig adds a setting in its place, or gives it another value; it changes configs.
func withConfig(configs []TopicConfig, c TopicConfig) []TopicConfig {
	i, found := findConfig(configs, c.Name)
	if !found {
		return slices.Insert(configs, i, c)
	}
	configs[i].Value = c.Value
	return configs
}

// config returns what a topic was given for a setting.
func (t *Topic) config(name string) (string, bool) {
	if i, ok := findConfig(t.Configs, name); ok {
		return t.Configs[i].Value, true
	}
	return "", false
}

// number returns a setting's value, or what it is when not set; it must be a number's name.
func (t *Topic) number(name string, d TopicDefaults) int64 {
	s, _ := findSetting(name)
	v, _ := s.value(t, d)
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		panic("invariant M2: topic " + t.Name + " has " + name + "=" + v + ", expected a number")
	}
	return n
}

// MaxMessageBytes is the most bytes of one record batch.
func (t *Topic) MaxMessageBytes(d TopicDefaults) int32 { return int32(t.number(configMaxMessage, d)) }

// SegmentBytes is segment.bytes; a batch that is longer is refused.
func (t *Topic) SegmentBytes() int64 { return t.number(configSegmentBytes, TopicDefaults{}) }

// segmentMs, retentionMs and retentionBytes are the settings of these names; a negative limit is none.
func (t *Topic) segmentMs() int64      { return t.number(configSegmentTime, TopicDefaults{}) }
func (t *Topic) retentionMs() int64    { return t.number(configRetentionTime, TopicDefaults{}) }
func (t *Topic) retentionBytes() int64 { return t.number(configRetentionSize, TopicDefaults{}) }

// LogAppendTime tells whether records get the leader's time instead of their producer's.
func (t *Topic) LogAppendTime() bool {
	v, _ := t.config(configTimestampType)
	return v == logAppendTime
}

// timestampRange is how far a record's timestamp may be behind the leader's clock, and ahead of it, in ms.
func (t *Topic) timestampRange() (before, after int64) {
	return t.number(configTimeBefore, TopicDefaults{}), t.number(configTimeAfter, TopicDefaults{})
}

// compacted tells whether every record needs a key.
func (t *Topic) compacted() bool {
	v, _ := t.config(configCleanup)
	return t.Name == topicOffsets || slices.Contains(strings.Split(v, ","), "compact")
}

func decimal(n int32) string { return strconv.FormatInt(int64(n), 10) }
