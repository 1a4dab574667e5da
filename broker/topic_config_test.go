package broker

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsAreSorted(t *testing.T) {
	if !slices.IsSortedFunc(settings, func(a, b setting) int { return cmpString(a.name, b.name) }) {
		t.Error("settings aren't sorted, findSetting searches them by halves")
	}
	for _, s := range settings {
		if s.preset == "" {
			continue
		}
		if v, no := s.normal(s.preset); v != s.preset || no.is() {
			t.Errorf("%s is %s when not set, which is stored as %q, %v", s.name, s.preset, v, no)
		}
	}
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestConfigs(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        string // as stored; "" is refused
	}{
		{configMaxMessage, " 1000012 ", "1000012"},
		{configMaxMessage, "007", "7"},
		{configMaxMessage, "-1", ""}, // LogConfig: atLeast(0)
		{configMaxMessage, "2147483648", ""},
		{configMaxMessage, "1e6", ""},
		{configMaxMessage, "", ""},
		{configTimestampType, "LogAppendTime", "LogAppendTime"},
		{configTimestampType, "logappendtime", ""},
		{configCleanup, "delete", "delete"},
		{configCleanup, "compact", ""}, // not done yet, so not promised
		{configRetentionTime, "-1", "-1"},
		{configRetentionTime, "-2", ""},
		{configRetentionSize, "-9223372036854775808", "-9223372036854775808"},
		{configSegmentBytes, "1048576", "1048576"}, // KIP-1030: at least 1 MiB
		{configSegmentBytes, "1048575", ""},
		{configSegmentBytes, "2147483648", ""},
		{configSegmentTime, "1", "1"},
		{configSegmentTime, "0", ""},
		{configCompression, "producer", "producer"},
		{configCompression, "zstd", ""},
		{"min.insync.replicas", "2", ""}, // a majority, always
		{"no.such.config", "1", ""},
	} {
		got, no := normalConfigs([]TopicConfig{{c.name, c.value}})
		switch {
		case c.want == "" && no.code != errBadConfig:
			t.Errorf("%s=%s: %v, %v, expected INVALID_CONFIG", c.name, c.value, got, no)
		case c.want != "" && (no.is() || len(got) != 1 || got[0] != (TopicConfig{c.name, c.want})):
			t.Errorf("%s=%s: %v, %v, expected %s", c.name, c.value, got, no, c.want)
		}
	}
}

func TestConfigsAreSortedAndTheLastCounts(t *testing.T) {
	got, no := normalConfigs([]TopicConfig{{configSegmentBytes, "2000000"}, {configMaxMessage, "1"}, {configMaxMessage, "2"}})
	want := []TopicConfig{{configMaxMessage, "2"}, {configSegmentBytes, "2000000"}}
	if no.is() || !cmp.Equal(got, want) {
		t.Errorf("stored %v, %v, expected %v", got, no, want)
	}
	topic := &Topic{Name: "t", Configs: got}
	d := TopicDefaults{MaxMessageBytes: 1048588}
	if topic.MaxMessageBytes(d) != 2 || topic.SegmentBytes() != 2000000 || topic.LogAppendTime() {
		t.Errorf("max.message.bytes %d, segment.bytes %d, LogAppendTime %t", topic.MaxMessageBytes(d), topic.SegmentBytes(), topic.LogAppendTime())
	}
	bare := &Topic{Name: "t"}
	if bare.MaxMessageBytes(d) != 1048588 || bare.SegmentBytes() != 1<<30 {
		t.Errorf("without settings: max.message.bytes %d, segment.bytes %d", bare.MaxMessageBytes(d), bare.SegmentBytes())
	}
}
