package broker

import (
	"fmt"
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Timestamps that are too far from the leader's clock are refused, as LogValidator.validateTimestamp does, with the range and
// each such record named (KIP-467, KIP-937); so are records without a key in a compacted topic (validateKey).
func TestRecordsAreHeldToTheTopic(t *testing.T) {
	at := func(ts ...int64) (out []testRecord) {
		for _, ts := range ts {
			out = append(out, testRecord{key: "k", value: "v", timestamp: ts})
		}
		return out
	}
	keyless := testRecord{value: "v", timestamp: 1000}
	rules := func(before, after int64) batchRules {
		r := someRules()
		r.wall, r.beforeMax, r.afterMax = 1000, before, after
		return r
	}
	compacted := rules(math.MaxInt64, math.MaxInt64)
	compacted.compacted = true
	appended := rules(10, 10)
	appended.logAppendTime = true
	for _, c := range []struct {
		what     string
		rules    batchRules
		records  []testRecord
		code     int16
		rejected []int32
	}{
		{"at the ends of the range", rules(10, 20), at(990, 1020), errNone, nil},
		{"too old", rules(10, 20), at(990, 989, 988), errBadTimestamp, []int32{1, 2}},
		{"too new", rules(10, 20), at(1021, 1020), errBadTimestamp, []int32{0}},
		{"no timestamp", rules(10, 20), at(-1), errNone, nil},
		{"no bounds", rules(math.MaxInt64, math.MaxInt64), at(0, math.MaxInt64), errNone, nil},
		{"the leader's time counts", appended, at(0, 5000), errNone, nil},
		{"keys", compacted, at(1, 2), errNone, nil},
		{"no key", compacted, append(at(1), keyless, keyless), errBadRecord, []int32{1, 2}},
	} {
		for codec := codecNone; codec < codecs; codec++ {
			got, no := checkRecords(testBatch{codec: codec, records: c.records}.bytes(t), c.rules)
			var rows []int32
			for _, r := range got.rejected {
				rows = append(rows, r.index)
			}
			if no.code != c.code || fmt.Sprint(rows) != fmt.Sprint(c.rejected) {
				t.Errorf("%s, codec %d: code %d %q, rejected %v, expected %d and %v", c.what, codec, no.code, no.message, rows, c.code, c.rejected)
			}
		}
	}
	// Where nothing asks for the records of a compressed batch its header is looked at: the newest timestamp is named as the last record's.
	after := rules(math.MaxInt64, 20)
	if _, no := checkRecords(testBatch{codec: codecZstd, records: at(1000, 1021, 1000)}.bytes(t), after); no.code != errBadTimestamp {
		t.Errorf("a compressed batch from the future: %d", no.code)
	}
	many := make([]testRecord, 3*maxRecordErrors)
	if got, no := checkRecords(testBatch{records: many}.bytes(t), compacted); no.code != errBadRecord || len(got.rejected) != maxRecordErrors {
		t.Errorf("%d rejected records are named, code %d", len(got.rejected), no.code)
	}
	lies := testBatch{codec: codecGzip, records: at(1, 2, 3), plain: func(b []byte) []byte { return b[:len(b)/2] }}.bytes(t)
	if _, no := checkRecords(lies, compacted); no.code != errBadRecord {
		t.Errorf("a compressed batch that ends too early, to a compacted topic: %d", no.code)
	}
}

// The refused records are named in the response, and nothing of the batch is appended; the brokers' own topics are not
// written by clients (ReplicaManager.appendRecordsToLeader), but for Kafka's own admin client.
func TestRefusedRecordsOnTheWire(t *testing.T) {
	l := startLone(t)
	l.create("f", configTimeAfter, "10")
	produce := func(topic string, records ...testRecord) kmsg.ProduceResponseTopicPartition {
		t.Helper()
		req := kmsg.NewPtrProduceRequest()
		req.Version, req.Acks, req.TimeoutMillis = 11, -1, 5000
		req.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: testBatch{records: records}.bytes(t)}}}}
		return ask[*kmsg.ProduceResponse](l, req).Topics[0].Partitions[0]
	}
	wall := l.now.Wall
	p := produce("f", testRecord{value: "v", timestamp: wall}, testRecord{value: "v", timestamp: wall + 100_000})
	if p.ErrorCode != errBadTimestamp || len(p.ErrorRecords) != 1 || p.ErrorRecords[0].RelativeOffset != 1 || p.ErrorMessage == nil || p.BaseOffset != -1 {
		t.Errorf("a record from the future: %+v", p)
	}
	if end := l.list("f", latestOffset).Offset; end != 0 {
		t.Errorf("the log ends at %d after a refusal", end)
	}
	if p := produce("f", testRecord{value: "v", timestamp: wall}); p.ErrorCode != errNone || len(p.ErrorRecords) != 0 {
		t.Errorf("one of now: %+v", p)
	}
	l.await(topicOffsets, func() bool { // which is made when a coordinator is asked for
		ask[*kmsg.FindCoordinatorResponse](l, &kmsg.FindCoordinatorRequest{Version: 4, CoordinatorKeys: []string{"g"}})
		return l.s.meta.TopicByName(topicOffsets) != nil
	})
	if p := produce(topicOffsets, testRecord{key: "k", value: "v", timestamp: wall}); p.ErrorCode != errBadTopic {
		t.Errorf("a client writes to %s: %+v", topicOffsets, p)
	}
}

// AlterConfigs says all that a topic is given: the rest falls back.
func TestAlterConfigsWhole(t *testing.T) {
	l := startLone(t)
	l.create("a", configRetentionTime, "5", configRetentionSize, "7")
	alter := func(kind kmsg.ConfigResourceType, name string, pairs ...string) kmsg.AlterConfigsResponseResource {
		t.Helper()
		req := kmsg.NewPtrAlterConfigsRequest()
		row := kmsg.AlterConfigsRequestResource{ResourceType: kind, ResourceName: name}
		for i := 0; i < len(pairs); i += 2 {
			row.Configs = append(row.Configs, kmsg.AlterConfigsRequestResourceConfig{Name: pairs[i], Value: &pairs[i+1]})
		}
		req.Resources = []kmsg.AlterConfigsRequestResource{row}
		return ask[*kmsg.AlterConfigsResponse](l, req).Resources[0]
	}
	const topic = kmsg.ConfigResourceTypeTopic
	if r := alter(topic, "a", configRetentionSize, "8", configRetentionSize, "9", configSegmentTime, "11"); r.ErrorCode != errNone || r.ResourceName != "a" {
		t.Fatalf("%+v", r)
	}
	if got := fmt.Sprint(l.s.meta.TopicByName("a").Configs); got != "[{retention.bytes 9} {segment.ms 11}]" {
		t.Errorf("after: %s", got)
	}
	for _, c := range []struct {
		row  kmsg.AlterConfigsResponseResource
		code int16
	}{
		{alter(topic, "x", configRetentionSize, "8"), errUnknownTopic},
		{alter(topic, "a", configRetentionSize, "many"), errBadConfig},
		{alter(topic, "a", "no.such", "1"), errBadConfig},
		{alter(kmsg.ConfigResourceTypeBroker, "1", "num.partitions", "1"), errBadRequest},
		{alter(kmsg.ConfigResourceTypeBrokerLogger, "1"), errBadRequest},
	} {
		if c.row.ErrorCode != c.code || c.row.ErrorMessage == nil {
			t.Errorf("%+v, expected code %d", c.row, c.code)
		}
	}
	if got := fmt.Sprint(l.s.meta.TopicByName("a").Configs); got != "[{retention.bytes 9} {segment.ms 11}]" {
		t.Errorf("after refusals: %s", got)
	}
	if r := alter(topic, "a"); r.ErrorCode != errNone || len(l.s.meta.TopicByName("a").Configs) != 0 {
		t.Errorf("%+v, left %v", r, l.s.meta.TopicByName("a").Configs)
	}
}

// Each special timestamp has the first version that may ask for it (ReplicaManager.fetchOffset), and an answer's epoch is that of
// the record (KIP-320).
func TestListOffsetsRules(t *testing.T) {
	l := startLone(t)
	l.create("o")
	ask1 := func(version int16, timestamp int64, times int) string {
		t.Helper()
		req := kmsg.NewPtrListOffsetsRequest()
		req.Version = version
		part := kmsg.NewListOffsetsRequestTopicPartition()
		part.Timestamp, part.CurrentLeaderEpoch = timestamp, -1
		req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: "o"}}
		for range times {
			req.Topics[0].Partitions = append(req.Topics[0].Partitions, part)
		}
		p := ask[*kmsg.ListOffsetsResponse](l, req).Topics[0].Partitions[times-1]
		return fmt.Sprint(p.ErrorCode, " ", p.Offset, " ", p.Timestamp, " ", p.LeaderEpoch)
	}
	l.produce("o", testRecord{value: "v", timestamp: 5}, testRecord{value: "v", timestamp: 9})
	l.boot()
	l.await("leader", func() bool { p := l.s.parts[l.s.meta.TopicByName("o").firstGroup()]; return p != nil && p.g.Serving() })
	l.produce("o", testRecord{value: "v", timestamp: 7})
	epochs, _ := l.epochs("o")
	first, own := epochs[0], epochs[1]
	for _, c := range []struct {
		version   int16
		timestamp int64
		want      string
	}{
		{10, latestOffset, fmt.Sprint("0 3 -1 ", own)},
		{4, latestOffset, fmt.Sprint("0 3 -1 ", own)},
		{10, earliestOffset, fmt.Sprint("0 0 -1 ", first)},
		{8, earliestLocalOffset, fmt.Sprint("0 0 -1 ", first)},
		{7, earliestLocalOffset, "35 -1 -1 -1"},
		{7, maxTimestampOffset, fmt.Sprint("0 1 9 ", first)},
		{6, maxTimestampOffset, "35 -1 -1 -1"},
		{9, latestTieredOffset, "0 -1 -1 -1"},
		{8, latestTieredOffset, "35 -1 -1 -1"},
		{10, -6, "35 -1 -1 -1"},
		{10, math.MinInt64, "35 -1 -1 -1"},
		{10, 0, fmt.Sprint("0 0 5 ", first)},
		{10, 6, fmt.Sprint("0 1 9 ", first)},
		{10, 10, "0 -1 -1 -1"},
	} {
		if got := ask1(c.version, c.timestamp, 1); got != c.want {
			t.Errorf("version %d, timestamp %d: %s, expected %s", c.version, c.timestamp, got, c.want)
		}
	}
	if got := ask1(10, latestOffset, 2); got != "42 -1 -1 -1" {
		t.Errorf("one partition twice: %s", got)
	}
	l.delete("o", 2)
	if got, want := ask1(10, earliestOffset, 1), fmt.Sprint("0 2 -1 ", own); got != want {
		t.Errorf("behind a trimmed start: %s, expected %s", got, want)
	}
}

// acks is -1, 0 or 1 (ReplicaManager.isValidRequiredAcks); anything else appends nothing.
func TestAcks(t *testing.T) {
	l := startLone(t)
	p := l.create("a")
	for acks, want := range map[int16]int16{-1: errNone, 1: errNone, -2: errBadAcks, 2: errBadAcks, math.MinInt16: errBadAcks} {
		end := p.g.LogEnd()
		req := kmsg.NewPtrProduceRequest()
		req.Version, req.Acks, req.TimeoutMillis = 11, acks, 5000
		req.Topics = []kmsg.ProduceRequestTopic{{Topic: "a", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: testBatch{records: []testRecord{{value: "v"}}}.bytes(t)}}}}
		code := ask[*kmsg.ProduceResponse](l, req).Topics[0].Partitions[0].ErrorCode
		if code != want || (p.g.LogEnd() > end) != (want == errNone) {
			t.Errorf("acks %d: code %d, expected %d; the log ended at %d, now at %d", acks, code, want, end, p.g.LogEnd())
		}
	}
}
