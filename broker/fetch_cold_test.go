package broker

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// coldTopic makes a topic with a record of so many bytes in each partition, all of them in segments and none in memory.
func (l *lone) coldTopic(name string, partitions int32, size int) {
	l.Helper()
	l.createMany(name, partitions)
	for part := range partitions {
		l.produceTo(name, part, size)
	}
	for part := range partitions {
		p := l.s.parts[l.s.meta.TopicByName(name).Partitions[part].Group]
		p.g.Flush(1 << 30)
		l.await("a segment", func() bool { l.tick(); return l.s.store.SegmentEnd(p.group) == p.g.HighWatermark() })
		p.g.Evict(0)
		if _, ok := p.g.Batches(0, 1); ok {
			l.Fatalf("partition %d is still in memory", part)
		}
	}
}

func (l *lone) produceTo(topic string, part int32, size int) {
	l.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 11, -1, 5000
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: part, Records: testBatch{records: []testRecord{bigRecord(size, l.now.Wall)}}.bytes(l.TB)}}}}
	if code := ask[*kmsg.ProduceResponse](l, req).Topics[0].Partitions[0].ErrorCode; code != errNone {
		l.Fatal(code)
	}
}

// fetchAllOf reads all partitions of a topic from their start, in a new session.
func fetchAllOf(topic string, partitions int32, maxBytes int32) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.SessionEpoch, req.MinBytes, req.MaxWaitMillis = 12, maxBytes, 0, 1, 0
	t := kmsg.FetchRequestTopic{Topic: topic}
	for part := range partitions {
		q := kmsg.NewFetchRequestTopicPartition()
		q.Partition, q.PartitionMaxBytes = part, 1<<20
		t.Partitions = append(t.Partitions, q)
	}
	req.Topics = []kmsg.FetchRequestTopic{t}
	return req
}

// answerReads has the disk answer the reads that are out.
func (l *lone) answerReads() {
	l.Helper()
	reads := l.reads
	l.reads = nil
	for _, rd := range reads {
		l.turn(ReadDone{l.disk.Read(rd)})
	}
}

// gave are the partitions of a response that have records.
func gave(resp kmsg.Response) []int32 {
	var out []int32
	for _, t := range resp.(*kmsg.FetchResponse).Topics {
		for _, p := range t.Partitions {
			if len(p.RecordBatches) > 0 {
				out = append(out, p.Partition)
			}
		}
	}
	return out
}

// A fetch reads no more from the disk than its response has room for, but for one batch (KIP-74); what had to wait is named with its
// high watermark, and comes first next time.
func TestFetchReadsWhatItHasRoomFor(t *testing.T) {
	l := startLone(t)
	const partitions, size = 6, 10_000
	l.coldTopic("c", partitions, size)
	l.slow = true
	req := fetchAllOf("c", partitions, 2*size)
	seen := map[int32]bool{}
	for turn := range 4 {
		l.send(req)
		if n := len(l.reads); n == 0 || n > 2 {
			t.Fatalf("turn %d: %d reads are out for a response of at most %d bytes", turn, n, req.MaxBytes)
		}
		bytes := 0
		for _, rd := range l.reads {
			bytes += rd.Len
		}
		l.answerReads()
		resp, ok := l.received(req)
		if !ok || len(gave(resp)) == 0 {
			t.Fatalf("turn %d: %t, %v", turn, ok, resp)
		}
		r := resp.(*kmsg.FetchResponse)
		if turn == 0 && len(r.Topics[0].Partitions) != partitions {
			t.Errorf("a full request for %d partitions is answered with %d", partitions, len(r.Topics[0].Partitions))
		}
		for _, p := range r.Topics[0].Partitions {
			if p.ErrorCode != errNone || p.HighWatermark != 1 || p.LogStartOffset != 0 {
				t.Errorf("turn %d: %+v", turn, p)
			}
		}
		for _, part := range gave(resp) {
			seen[part] = true
		}
		req.SessionID, req.SessionEpoch, req.Topics = r.SessionID, req.SessionEpoch+1, nil
	}
	if len(seen) < 4 {
		t.Errorf("in four turns only %v gave records", seen)
	}
}

// Even one without room reads one batch, and one partition with an error keeps no other from being read.
func TestFetchReadsOneBatch(t *testing.T) {
	l := startLone(t)
	l.coldTopic("c", 3, 10_000)
	for _, most := range []int32{-1, 0, 1} {
		req := fetchAllOf("c", 4, most) // partition 3 isn't there
		if got := gave(ask[*kmsg.FetchResponse](l, req)); len(got) != 1 {
			t.Errorf("max bytes %d: %v gave records", most, got)
		}
	}
}

// Memory and disk share the room of a response in the partitions' order: neither starves the other.
func TestHotAndColdTakeTurns(t *testing.T) {
	l := startLone(t)
	l.coldTopic("c", 2, 10_000)
	l.createMany("s", 2)
	l.produceTo("s", 0, 10_000)
	l.produceTo("s", 1, 10_000)
	req := fetchAllOf("c", 2, 12_000)
	req.Topics = append(fetchAllOf("s", 2, 0).Topics, req.Topics...)
	seen := map[string]int{}
	for range 8 {
		resp := ask[*kmsg.FetchResponse](l, req)
		for _, rt := range resp.Topics {
			for _, p := range rt.Partitions {
				if len(p.RecordBatches) > 0 {
					seen[fmt.Sprint(rt.Topic, p.Partition)]++
				}
			}
		}
		req.SessionID, req.SessionEpoch, req.Topics = resp.SessionID, req.SessionEpoch+1, nil
	}
	for _, name := range []string{"c0", "c1", "s0", "s1"} {
		if seen[name] != 2 {
			t.Errorf("records were given by %v, expected each twice", seen)
			break
		}
	}
}

// A disk that takes longer than the client wants to wait is waited for: the client would else never get anything.
func TestSlowDiskIsWaitedFor(t *testing.T) {
	for _, wait := range []int32{0, 1} {
		l := startLone(t)
		l.coldTopic("c", 1, 1000)
		l.slow = true
		req := fetchAllOf("c", 1, 1<<20)
		req.MaxWaitMillis = wait
		l.send(req)
		l.pass(100 * time.Millisecond)
		if resp, ok := l.received(req); ok {
			t.Fatalf("wait of %d ms: answered with nothing while the disk reads: %+v", wait, resp)
		}
		l.answerReads()
		if resp, ok := l.received(req); !ok || len(gave(resp)) != 1 {
			t.Errorf("wait of %d ms: %t, %+v", wait, ok, resp)
		}
	}
}

// Of a disk that hangs nothing is said that isn't known: no high watermark is made up, and the session has its next answer whole.
func TestHungDiskLiesNot(t *testing.T) {
	l := startLone(t)
	l.coldTopic("c", 1, 1000)
	l.slow = true
	req := fetchAllOf("c", 1, 1<<20)
	req.MaxWaitMillis = 1
	l.send(req)
	l.pass(10 * time.Millisecond)
	l.pass(l.s.cfg.Limits.FetchWait)
	resp, ok := l.received(req)
	if !ok {
		t.Fatal("no answer")
	}
	r := resp.(*kmsg.FetchResponse)
	if p := r.Topics[0].Partitions[0]; p.ErrorCode != errOffsetNotYet || p.HighWatermark != -1 {
		t.Errorf("%+v", p)
	}
	late := l.reads
	l.reads, l.slow = nil, false
	l.turn(ReadDone{l.disk.Read(late[0])}) // nobody asks any more
	req.SessionID, req.SessionEpoch, req.Topics = r.SessionID, 1, nil
	if p := ask[*kmsg.FetchResponse](l, req).Topics[0].Partitions[0]; p.ErrorCode != errNone || p.HighWatermark != 1 || len(p.RecordBatches) == 0 {
		t.Errorf("then: %+v", p)
	}
}

// Who wants no bytes is answered at once, and who wants more than there can be in an answer doesn't wait for them.
func TestMinBytes(t *testing.T) {
	l := startLone(t)
	l.createMany("s", 1)
	req := fetchAllOf("s", 1, 1<<20)
	req.MinBytes, req.MaxWaitMillis = 0, 30_000
	l.send(req)
	if _, ok := l.received(req); !ok {
		t.Error("min bytes 0: no answer at once")
	}
	l.produceTo("s", 0, 1000)
	req = fetchAllOf("s", 1, 500)
	req.MinBytes, req.MaxWaitMillis = 10_000, 30_000
	l.send(req)
	if resp, ok := l.received(req); !ok || len(gave(resp)) != 1 {
		t.Error("min bytes above max bytes: no answer at once")
	}
	req = fetchAllOf("s", 1, 1<<20)
	req.MinBytes, req.MaxWaitMillis = 10_000, 300
	l.send(req)
	if _, ok := l.received(req); ok {
		t.Error("answered with less than it wants")
	}
	l.produceTo2("s", 9000)
	l.await("an answer", func() bool { resp, ok := l.received(req); return ok && len(gave(resp)) == 1 })
}

// produceTo2 appends without reading the answer.
func (l *lone) produceTo2(topic string, size int) {
	l.Helper()
	l.s.propose(l.s.parts[l.s.meta.TopicByName(topic).firstGroup()], origin{shard: 0, id: 1 << 60}, testBatch{records: []testRecord{bigRecord(size, l.now.Wall)}}.bytes(l.TB))
	l.turn()
}

// Beyond the log's end a client that says what it read last is told where its log and this one part, as by Kafka's
// Partition.readRecords; one that doesn't say is out of range; and what is appended and not committed yet is on its way.
func TestFetchBeyondTheEnd(t *testing.T) {
	l := startLone(t)
	p := l.create("e")
	l.produce("e", bigRecord(10, 1))
	term, _ := p.g.Leading()
	own := int32(term)
	if got, want := l.diverging("e", 5, own), fmt.Sprintf("parted %d 1, 0 bytes", own); got != want {
		t.Errorf("beyond the end: %s, expected %s", got, want)
	}
	if got := l.diverging("e", 5, -1); got != "1 false" {
		t.Errorf("without a last epoch: %s", got)
	}
	if got := l.diverging("e", 5, own+1); got != "1 false" {
		t.Errorf("with one that isn't known: %s", got)
	}
	l.hold = true
	l.produceTo2("e", 10)
	if hw, end := p.g.HighWatermark(), p.g.LogEnd(); hw != 1 || end != 2 {
		t.Fatalf("high watermark %d, log end %d", hw, end)
	}
	req := fetchRequest("e", 2)
	req.Version, req.MaxWaitMillis, req.MinBytes = 12, 0, 1
	l.send(req)
	l.completeHeld()
	var got kmsg.FetchResponseTopicPartition
	l.await("an answer", func() bool {
		resp, ok := l.received(req)
		if ok {
			got = resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		}
		return ok
	})
	if got.ErrorCode != errNone || got.DivergingEpoch.Epoch >= 0 {
		t.Errorf("at the end of what isn't committed: %+v", got)
	}
}

// What a client must know at once it is told at once, however long it would wait: an error; and what there is on the disk, of which
// there is more than it has got.
func TestFetchIsAnsweredAtOnce(t *testing.T) {
	l := startLone(t)
	l.coldTopic("c", 1, 1000)
	for what, change := range map[string]func(*kmsg.FetchRequest){
		"a partition that isn't there": func(r *kmsg.FetchRequest) { r.Topics[0].Partitions[0].Partition = 7 },
		"an offset out of range":       func(r *kmsg.FetchRequest) { r.Topics[0].Partitions[0].FetchOffset = 9 },
		"records on the disk":          func(*kmsg.FetchRequest) {},
		"no partitions":                func(r *kmsg.FetchRequest) { r.Topics = nil },
	} {
		req := fetchAllOf("c", 1, 1<<20)
		req.MinBytes, req.MaxWaitMillis = 1<<20, 30_000
		change(req)
		l.send(req)
		if _, ok := l.received(req); !ok {
			t.Errorf("%s: no answer at once", what)
			l.await("an answer", func() bool { _, ok := l.received(req); return ok })
		}
	}
}

// Topics that are named by id have no name to tell them apart by; each has its own partitions in the answer.
func TestFetchTellsTopicsApart(t *testing.T) {
	l := startLone(t)
	for _, version := range []int16{12, 13} {
		req := kmsg.NewPtrFetchRequest()
		req.Version, req.MaxBytes = version, 1<<20
		want := []string{"t1", "t2"}
		for _, name := range want {
			if l.s.meta.TopicByName(name) == nil {
				l.create(name)
			}
			rt := fetchAllOf(name, 1, 1).Topics[0]
			rt.TopicID = l.s.meta.TopicByName(name).ID
			req.Topics = append(req.Topics, rt)
		}
		resp := ask[*kmsg.FetchResponse](l, req)
		if len(resp.Topics) != 2 {
			t.Fatalf("version %d: %+v", version, resp.Topics)
		}
		for i, rt := range resp.Topics {
			if version == 12 && rt.Topic != want[i] || version == 13 && UUID(rt.TopicID) != l.s.meta.TopicByName(want[i]).ID || len(rt.Partitions) != 1 {
				t.Errorf("version %d, topic %d: %+v", version, i, rt)
			}
		}
	}
}
