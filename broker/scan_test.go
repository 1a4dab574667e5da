package broker

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"logd/transport"
)

// produceBatch appends a batch as it is, and returns the code.
func (l *lone) produceBatch(topic string, batch []byte) int16 {
	l.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 11, -1, 5000
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch}}}}
	return ask[*kmsg.ProduceResponse](l, req).Topics[0].Partitions[0].ErrorCode
}

func listRequest(topic string, timestamp int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version, req.ReplicaID = 7, -1
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Timestamp, part.CurrentLeaderEpoch = timestamp, -1
	req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{part}}}
	return req
}

// chill has everything of a partition in segments, and nothing in memory.
func (l *lone) chill(p *partition) {
	l.Helper()
	p.g.Flush(1 << 30)
	l.await("a segment", func() bool { p.g.Flush(1 << 30); l.tick(); return l.s.store.SegmentEnd(p.group) == p.g.HighWatermark() })
	p.g.Evict(0)
}

// Nobody reads on for a request that was answered: it timed out, or was too late for its shard to know of it.
func TestScanEndsWithItsRequest(t *testing.T) {
	l := startLone(t)
	p, epochs := l.twoEpochs("e")
	for i := range 20 {
		l.produce("e", bigRecord(1000, l.now.Wall+int64(i)))
	}
	l.chill(p)
	l.slow, l.s.cfg.Limits.ColdRead = true, 1000
	epoch := kmsg.NewPtrOffsetForLeaderEpochRequest()
	epoch.Version = 4
	epoch.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: "e", Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1, LeaderEpoch: epochs[0]}}}}
	for _, req := range []kmsg.Request{listRequest("e", maxTimestampOffset), listRequest("e", 1), epoch} {
		l.send(req)
		answered := false
		l.await("an answer", func() bool { _, answered = l.received(req); return answered })
		if len(l.reads) != 1 {
			t.Fatalf("%T: %d reads are out", req, len(l.reads))
		}
		l.answerReads()
		if len(l.reads) > 0 {
			t.Errorf("%T: it reads on, though it was answered", req)
		}
		l.reads = nil
	}
	if len(l.s.reads) > 0 || len(l.s.scans.rows) > 0 {
		t.Errorf("%d reads and %d scans are left", len(l.s.reads), len(l.s.scans.rows))
	}
}

// Of a long log that interval alone is read which has the highest timestamp, and the last one.
func TestNewestIsFoundByTheIndex(t *testing.T) {
	l := startLone(t)
	p := l.create("n", configRetentionTime, "-1")
	for i := range 60 {
		at := int64(i)
		if i == 20 || i == 40 {
			at = 1000
		}
		l.produce("n", bigRecord(1000, at))
	}
	l.chill(p)
	l.slow, l.s.cfg.Limits.ColdRead = true, 4000
	req := listRequest("n", maxTimestampOffset)
	l.send(req)
	reads := 0
	for ; len(l.reads) > 0; reads++ {
		l.answerReads()
	}
	resp, ok := l.received(req)
	if !ok || reads != 2 { // the last interval may grow: it is looked at with memory
		t.Fatalf("answered: %t, after %d reads", ok, reads)
	}
	if got := resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]; got.Offset != 20 || got.Timestamp != 1000 {
		t.Errorf("%+v", got)
	}
	l.slow = false
	l.produce("n", bigRecord(1000, 1000)) // in memory, which is looked at first
	if got := l.list("n", maxTimestampOffset); got.Offset != 20 || got.Timestamp != 1000 {
		t.Errorf("with an equal one in memory: %+v", got)
	}
}

// Whatever of the log is in memory or on the disk, is trimmed, or compressed: the newest record is the first of those with the highest
// timestamp, and the first at or after a time is that. However little of it a turn looks at.
func TestScansMatchTheLog(t *testing.T) {
	l := startLone(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		name := fmt.Sprint("m", round)
		p := l.create(name, configRetentionTime, "-1")
		l.s.cfg.Limits.ScanBytes = rapid.SampledFrom([]int{1, 1000, 4 << 20}).Draw(rt, "bytes of a turn")
		l.s.cfg.Limits.ColdRead = rapid.SampledFrom([]int{1, 1000, 1 << 20}).Draw(rt, "bytes of a read")
		var all []int64
		for range rapid.IntRange(1, 12).Draw(rt, "batches") {
			var records []testRecord
			for range rapid.IntRange(1, 4).Draw(rt, "records") {
				at := rapid.Int64Range(0, 20).Draw(rt, "timestamp")
				all = append(all, at)
				records = append(records, bigRecord(rapid.IntRange(1, 200).Draw(rt, "size"), at))
			}
			codec := rapid.IntRange(0, codecs-1).Draw(rt, "codec")
			if code := l.produceBatch(name, testBatch{codec: codec, records: records}.bytes(l.TB)); code != errNone {
				rt.Fatal(code)
			}
			if rapid.IntRange(0, 4).Draw(rt, "chill") == 0 {
				l.chill(p)
			}
		}
		start := rapid.IntRange(0, len(all)-1).Draw(rt, "log start")
		l.delete(name, int64(start))
		newest := slices.Index(all[start:], slices.Max(all[start:])) + start
		if got := l.list(name, maxTimestampOffset); got.Offset != int64(newest) || got.Timestamp != all[newest] {
			rt.Fatalf("newest is %d at %d, expected %d at %d", got.Offset, got.Timestamp, newest, all[newest])
		}
		ts, want := rapid.Int64Range(0, 21).Draw(rt, "ts"), int64(-1)
		if i := slices.IndexFunc(all[start:], func(at int64) bool { return at >= ts }); i >= 0 {
			want = int64(start + i)
		}
		if got := l.list(name, ts); got.ErrorCode != errNone || got.Offset != want {
			rt.Fatalf("first at or after %d is %d, code %d, expected %d", ts, got.Offset, got.ErrorCode, want)
		}
	})
}

// A few bytes of compressed records may be many, and a header may promise what they don't hold: a turn inflates as much as it may, and
// the scan goes on in the next one.
func TestScansInflateAPieceInATurn(t *testing.T) {
	l := startLone(t)
	l.create("b")
	const batches, size = 6, 4 << 20
	bomb := testBatch{codec: codecZstd, records: []testRecord{{timestamp: l.now.Wall, value: strings.Repeat("x", size)}},
		change: func(b []byte) { binary.BigEndian.PutUint64(b[batchMaxTimestamp:], uint64(l.now.Wall+1_000_000)) }}.bytes(t)
	for range batches {
		if code := l.produceBatch("b", bomb); code != errNone {
			t.Fatal(code)
		}
	}
	most := 1 << 20
	l.s.cfg.Limits.ScanBytes = most
	reqs := []kmsg.Request{listRequest("b", l.now.Wall+500_000), listRequest("b", l.now.Wall+600_000)}
	var frames []byte
	for _, req := range reqs {
		l.corr++
		frames = append(frames, transport.AppendRequest("lone", l.corr, req)...)
	}
	l.turn(ConnData{Conn: 1, Data: frames})
	turns := 1
	for ; len(l.s.requests) > 0; turns++ {
		if cost := l.s.scans.cost; cost > most+inflateCost+recordCost+walkPiece {
			t.Fatalf("turn %d took %d bytes of work, at most %d may be", turns, cost, most)
		}
		if turns > 1000 {
			t.Fatal("no end")
		}
		l.pass(1)
	}
	if least := len(reqs) * batches * size / (most + walkPiece); turns < least {
		t.Errorf("%d turns, expected %d at least", turns, least)
	}
	for _, req := range reqs {
		resp, ok := l.received(req)
		if p := resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]; !ok || p.ErrorCode != errNone || p.Offset != -1 {
			t.Errorf("%+v", p)
		}
	}
}

// A batch of one time for all its records is not gone through, however many it says that it has.
func TestAppendTimeIsOfAllRecords(t *testing.T) {
	b := testBatch{base: 7, codec: codecZstd, attributes: attrLogAppendTime, records: []testRecord{{timestamp: 5}}, change: func(b []byte) {
		binary.BigEndian.PutUint32(b[23:], 1<<31-2)
		binary.BigEndian.PutUint32(b[57:], 1<<31-1)
	}}.bytes(t)
	for from, want := range map[int64]string{ // order: each stands for itself
		0: "7 5 true", 7: "7 5 true", 1 << 30: "1073741824 5 true", 1<<31 + 5: "2147483653 5 true", 1<<31 + 6: "2147483654 5 false"} {
		first, err := searchFirst(b, from, 5)
		newest, err2 := searchNewest(b, from)
		for _, f := range []*recordSearch{first, newest} {
			over, err3 := f.step()
			if got := fmt.Sprint(f.best.offset, f.best.timestamp, f.found); err != nil || err2 != nil || err3 != nil || !over || got != want || f.cost() != 0 {
				t.Errorf("from %d: %s, over: %t, cost %d, expected %s", from, got, over, f.cost(), want)
			}
		}
	}
}

// Searches of many partitions share the turns: each goes through an index.
func TestSearchesShareTheTurns(t *testing.T) {
	l := startLone(t)
	const partitions = 20
	l.createMany("many", partitions)
	l.s.cfg.Limits.ScanBytes = 3 * findCost
	req := listRequest("many", l.now.Wall+1_000_000)
	for part := int32(1); part < partitions; part++ {
		row := req.Topics[0].Partitions[0]
		row.Partition = part
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, row)
	}
	l.send(req)
	if n := len(l.s.scans.rows); n < partitions-3 {
		t.Errorf("%d of %d searches wait for the next turn, 3 may be made in one", n, partitions)
	}
	rows := 0
	l.await("an answer", func() bool {
		resp, ok := l.received(req)
		if ok {
			for _, p := range resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
				rows++
				if p.ErrorCode != errNone || p.Offset != -1 {
					t.Errorf("%+v", p)
				}
			}
		}
		return ok
	})
	if rows != partitions {
		t.Errorf("%d of %d partitions are answered", rows, partitions)
	}
}
