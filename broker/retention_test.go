package broker

import (
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/log"
)

func TestOverTimeAndSize(t *testing.T) {
	seg := func(end, size, newest int64) log.SegmentInfo {
		return log.SegmentInfo{Base: end - 10, End: end, Size: size, MaxTimestamp: newest}
	}
	three := []log.SegmentInfo{seg(10, 100, 1000), seg(20, 50, 2000), seg(30, 70, 3000)}
	for _, c := range []struct {
		what        string
		segs        []log.SegmentInfo
		wall, limit int64
		want        int64
	}{
		{"no limit", three, math.MaxInt64, -1, 0},
		{"nothing is old", three, 3000, 2000, 0},
		{"exactly as old as the limit stays (Kafka: older)", three, 3000, 1000, 10},
		{"two are", three, 3001, 1000, 20},
		{"all are, the open one too", three, 9000, 1000, 30},
		{"no limit is too great", three, math.MaxInt64, math.MaxInt64, 0},
		{"a limit of nothing", three, 3001, 0, 30},
		{"an old one behind a young one stays", []log.SegmentInfo{seg(10, 1, 5000), seg(20, 1, 1)}, 5001, 1000, 0},
		{"one without times goes with the next", []log.SegmentInfo{seg(10, 1, 0), seg(20, 1, 1), seg(30, 1, 0)}, 5001, 1000, 20},
		{"a lost time is the future", []log.SegmentInfo{seg(10, 1, math.MaxInt64), seg(20, 1, 1)}, 5001, 1000, 0},
		{"a clock before 1970", three, -5, 1000, 0},
		{"nothing there", nil, 5001, 0, 0},
	} {
		if got := overTime(c.segs, c.wall, c.limit); got != c.want {
			t.Errorf("%s: to %d, expected %d", c.what, got, c.want)
		}
	}
	for limit, want := range map[int64]int64{-1: 0, math.MinInt64: 0, math.MaxInt64: 0, 221: 0, 220: 0, 121: 0, 120: 10, 71: 10, 70: 20, 1: 20, 0: 30} {
		if got := overSize(three, limit); got != want {
			t.Errorf("at least %d of 220 bytes: to %d, expected %d", limit, got, want)
		}
	}
}

// stamped makes a record of about a KiB.
func stamped(ms int64) testRecord {
	return testRecord{value: strings.Repeat("v", 1000), timestamp: ms}
}

// Records expire by the leader's clock, however few they are and however little happens; a change of the setting counts at once.
func TestRetentionByTime(t *testing.T) {
	l := startLone(t)
	p := l.create("t", configRetentionTime, "60000")
	l.produce("t", stamped(l.now.Wall), stamped(l.now.Wall))
	l.pass(30 * time.Second)
	l.tick()
	l.produce("t", stamped(l.now.Wall))
	l.pass(20 * time.Second)
	for range 5 {
		l.tick()
	}
	if at := p.g.LogStart(); at != 0 {
		t.Fatalf("the log starts at %d before anything expired", at)
	}
	l.pass(45 * time.Second)
	l.await("end of what expired", func() bool { return p.g.LogStart() == 3 })
	lines := l.said("retention: deleting")
	if len(lines) != 1 || !strings.Contains(lines[0], "partition=t/0 ") || !strings.Contains(lines[0], " log_start=0 to=3 segments=1 ") || !strings.Contains(lines[0], "by=retention.ms limit=60000") {
		t.Errorf("said %q", lines)
	}
	if r := l.produce("t", stamped(l.now.Wall)); r.BaseOffset != 3 || r.LogStartOffset != 3 {
		t.Errorf("the next record is at %d, log start %d", r.BaseOffset, r.LogStartOffset)
	}
	l.alter("t", kmsg.IncrementalAlterConfigOpSet, configRetentionTime, "100")
	l.await("end of it", func() bool { return p.g.LogStart() == 4 })
	l.alter("t", kmsg.IncrementalAlterConfigOpDelete, configRetentionTime, "")
	l.produce("t", stamped(1)) // of 1970
	l.tick()
	l.pass(7 * 24 * time.Hour)
	l.await("end of it", func() bool { return p.g.LogStart() == 5 })
	if r := l.fetch("t", 5); r.ErrorCode != errNone || r.LogStartOffset != 5 || r.HighWatermark != 5 {
		t.Errorf("an empty log: %+v", r)
	}
	if l.boot(); l.s.parts[p.group].g.LogStart() != 5 {
		t.Errorf("after a restart the log starts at %d", l.s.parts[p.group].g.LogStart())
	}
}

// A clock that jumps ahead deletes, as in Kafka, but not without a word.
func TestClockJumpIsSaid(t *testing.T) {
	l := startLone(t)
	p := l.create("t")
	l.produce("t", stamped(l.now.Wall))
	p.g.Flush(1 << 20)
	l.tick()
	l.pass(2 * time.Hour) // both clocks: the process was stopped
	if lines := l.said("clock"); lines != nil {
		t.Errorf("said %q of clocks that agree", lines)
	}
	l.now.Wall += 365 * 24 * 3600 * 1000
	l.await("end of what expired", func() bool { return p.g.LogStart() == 1 })
	all := strings.Join(l.logs, "\n")
	if strings.Count(all, "the wall clock jumped ahead") != 1 || !strings.Contains(all, "ahead=8760h0m0s") || strings.Count(all, "retention: deleting") != 1 || !strings.Contains(all, "limit=preset") {
		t.Errorf("said:\n%s", all)
	}
	l.logs = nil
	l.now.Wall -= 365 * 24 * 3600 * 1000
	l.tick()
	l.tick()
	if l.logs != nil {
		t.Errorf("said of a clock that goes back: %q", l.logs)
	}
}

// The oldest segments go while the rest has retention.bytes, at most as many bytes more as a segment has, and their files go
// too.
func TestRetentionBySize(t *testing.T) {
	const keep = 3 << 20
	l := startLone(t)
	p := l.create("t", configRetentionSize, fmt.Sprint(keep), configSegmentBytes, fmt.Sprint(1<<20))
	for range 160 {
		var records []testRecord
		for range 50 {
			records = append(records, stamped(l.now.Wall))
		}
		l.produce("t", records...)
	}
	bytes := func() (n int64) {
		for _, g := range l.s.store.SegmentInfo(p.group) {
			n += g.Size
		}
		return n
	}
	l.await("end of old files", func() bool { return bytes() < keep+2<<20 })
	l.tick()
	if n := bytes(); n < keep {
		t.Errorf("%d bytes are left of 8 MB, at least %d are to be kept", n, keep)
	}
	start := p.g.LogStart()
	if start == 0 || l.list("t", earliestOffset).Offset != start || l.list("t", 1).Offset != start || l.list("t", earliestLocalOffset).Offset != start {
		t.Errorf("the log starts at %d, earliest is %d", start, l.list("t", earliestOffset).Offset)
	}
	if r := l.fetch("t", start-1); r.ErrorCode != errOffsetRange || r.LogStartOffset != start || r.HighWatermark != 8000 {
		t.Errorf("below the start: %+v", r)
	}
	if r := l.fetch("t", start); r.ErrorCode != errNone || r.LogStartOffset != start || len(r.RecordBatches) == 0 {
		t.Errorf("at the start: code %d, log start %d", r.ErrorCode, r.LogStartOffset)
	}
}

// An open segment is closed when it is old, so that what is in it can expire though more keeps coming.
func TestSegmentMs(t *testing.T) {
	l := startLone(t)
	p := l.create("t", configSegmentTime, "10000", configRetentionTime, "100000")
	for range 20 {
		l.produce("t", stamped(l.now.Wall))
		l.pass(6 * time.Second)
		l.tick()
	}
	if segs := l.s.store.SegmentInfo(p.group); len(segs) < 4 || p.g.LogStart() == 0 {
		t.Errorf("after two minutes the log starts at %d, segments %+v", p.g.LogStart(), segs)
	}
}

// The work of a tick is bounded, and every partition's turn comes.
func TestRetentionIsFair(t *testing.T) {
	l := startLone(t)
	l.s.cfg.Limits.RetentionTicks = 4
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.TimeoutMillis, req.Topics = 7, 5000, []kmsg.CreateTopicsRequestTopic{wantTopic("t", 10, 1)}
	if r := ask[*kmsg.CreateTopicsResponse](l, req).Topics[0]; r.ErrorCode != errNone {
		t.Fatal(r.ErrorCode)
	}
	seen := map[uint64]int{}
	for range 8 {
		before := l.s.retained.last
		l.s.retentionTick()
		for id := before; id != l.s.retained.last; {
			if id++; id > l.s.order[len(l.s.order)-1] {
				id = l.s.order[0]
			}
			seen[id]++
		}
	}
	for _, id := range l.s.order { // 11 groups, 3 in a tick: 24 looks
		if n := seen[id]; n < 2 || n > 3 {
			t.Errorf("group %d was looked at %d times in two rounds: %v", id, n, seen)
		}
	}
}

func TestDeleteRecords(t *testing.T) {
	l := startLone(t)
	p := l.create("t")
	base := l.now.Wall
	l.produce("t", stamped(base+9), stamped(base+2), stamped(base+3)) // 0 to 2
	l.produce("t", stamped(base+5), stamped(base+4))                  // 3 and 4
	for _, c := range []struct {
		before, low int64
		code        int16
	}{{6, -1, errOffsetRange}, {-2, -1, errOffsetRange}, {math.MinInt64, -1, errOffsetRange}, {0, 0, 0}, {1, 1, 0}, {0, 1, 0}, {1, 1, 0}} {
		if low, code := l.delete("t", c.before); low != c.low || code != c.code {
			t.Errorf("before %d: low watermark %d, code %d, expected %d, %d", c.before, low, code, c.low, c.code)
		}
	}
	// The log starts within a batch: its first record counts no more, though it is still in there.
	for ts, want := range map[int64]int64{earliestOffset: 1, latestOffset: 5, maxTimestampOffset: 3, base: 1, base + 3: 2, base + 4: 3, base + 6: -1} {
		if r := l.list("t", ts); r.ErrorCode != errNone || r.Offset != want {
			t.Errorf("timestamp %d: offset %d, code %d, expected %d", ts, r.Offset, r.ErrorCode, want)
		}
	}
	if r := l.fetch("t", 1); r.ErrorCode != errNone || r.LogStartOffset != 1 || len(r.RecordBatches) == 0 {
		t.Errorf("within the first batch: %+v", r)
	}
	if r := l.fetch("t", 0); r.ErrorCode != errOffsetRange || r.LogStartOffset != 1 || r.HighWatermark != 5 {
		t.Errorf("below the start: %+v", r)
	}
	if low, code := l.delete("nope", 1); low != -1 || code != errUnknownTopic {
		t.Errorf("an unknown topic: %d, %d", low, code)
	}
	if low, code := l.delete("t", allRecords); low != 5 || code != errNone {
		t.Errorf("all records: %d, %d", low, code)
	}
	if r := l.list("t", maxTimestampOffset); r.Offset != -1 || p.g.LogStart() != 5 {
		t.Errorf("of no records the newest is %d", r.Offset)
	}
}

// It is answered only once it is on stable storage; without an answer in time its outcome is unclear, and it may still happen.
func TestDeleteRecordsIsDurable(t *testing.T) {
	l := startLone(t)
	p := l.create("t")
	l.produce("t", stamped(1), stamped(2))
	l.hold = true
	req := deleteRequest("t", 1)
	l.send(req)
	for range 9 { // less than an election timeout, after which a stuck disk hands leaderships over
		if resp, ok := l.received(req); ok {
			t.Fatalf("answered before its write is complete: %+v", resp)
		}
		l.tick()
	}
	l.now.Mono += 200 * time.Millisecond
	l.turn()
	resp, ok := l.received(req)
	if !ok || resp.(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0].ErrorCode != errTimedOut || p.g.LogStart() != 0 {
		t.Fatalf("at its deadline: %+v, %t, log start %d", resp, ok, p.g.LogStart())
	}
	l.hold = false
	held := l.held
	l.held = nil
	l.turn(held...)
	l.await("its end", func() bool { return p.g.LogStart() == 1 })
	if len(p.trims) > 0 {
		t.Errorf("%d calls still wait", len(p.trims))
	}
}

// A read whose file was removed meanwhile says that its offset is gone; without that it is damage (G10).
func TestReadOfARemovedFile(t *testing.T) {
	for _, trimmed := range []bool{true, false} {
		l := startLone(t)
		p := l.create("t", configRetentionTime, "-1")
		l.produce("t", stamped(1), stamped(2))
		p.g.Flush(1 << 20)
		l.tick()
		l.tick()
		p.g.Evict(0)
		if _, inMemory := p.g.Batches(0, 1); inMemory {
			t.Fatal("the records are still in memory")
		}
		get, del := fetchRequest("t", 0), deleteRequest("t", 2)
		get.MaxWaitMillis = 30_000
		l.slow = true
		l.send(get)
		if len(l.reads) != 1 {
			t.Fatalf("%d cold reads", len(l.reads))
		}
		if trimmed {
			l.send(del)
			l.await("a later log start", func() bool { return p.g.LogStart() == 2 })
		}
		l.turn(ReadDone{log.ReadDone{ID: l.reads[0].ID, Err: fs.ErrNotExist}})
		resp, ok := l.received(get)
		if !ok {
			t.Fatal("no answer to the fetch")
		}
		got, want := resp.(*kmsg.FetchResponse).Topics[0].Partitions[0], errStorage
		if trimmed {
			want = errOffsetRange
		}
		if got.ErrorCode != want || p.damaged == trimmed {
			t.Errorf("trimmed %t: code %d, log start %d, damaged %t, expected code %d", trimmed, got.ErrorCode, got.LogStartOffset, p.damaged, want)
		}
		if trimmed && got.LogStartOffset != 2 {
			t.Errorf("the answer says that the log starts at %d", got.LogStartOffset)
		}
	}
}
