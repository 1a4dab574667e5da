package broker

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// newID asks for a producer id.
func (l *lone) newID() int64 {
	l.Helper()
	r := ask[*kmsg.InitProducerIDResponse](l, kmsg.NewPtrInitProducerIDRequest())
	if r.ErrorCode != errNone || r.ProducerEpoch != 0 {
		l.Fatalf("%+v", r)
	}
	return r.ProducerID
}

// idempotent is a request with one batch of n records.
func idempotent(t testing.TB, topic string, id int64, epoch int16, sequence int32, n int) *kmsg.ProduceRequest {
	records := make([]testRecord, n)
	for i := range records {
		records[i] = testRecord{value: "v", timestamp: 1_800_000_000_000}
	}
	b := testBatch{records: records, change: func(b []byte) {
		binary.BigEndian.PutUint64(b[43:], uint64(id))
		binary.BigEndian.PutUint16(b[51:], uint16(epoch))
		binary.BigEndian.PutUint32(b[53:], uint32(sequence))
	}}.bytes(t)
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 11, -1, 30000
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: b}}}}
	return req
}

// sendBatch produces a batch of n records and expects a code and, if that is none, an offset.
func (l *lone) sendBatch(topic string, id int64, epoch int16, sequence int32, n int, code int16, offset int64) {
	l.Helper()
	p := ask[*kmsg.ProduceResponse](l, idempotent(l.TB, topic, id, epoch, sequence, n)).Topics[0].Partitions[0]
	if p.ErrorCode != code || p.BaseOffset != offset {
		l.Fatalf("producer %d, epoch %d, sequence %d: code %d, offset %d; expected %d, %d", id, epoch, sequence, p.ErrorCode, p.BaseOffset, code, offset)
	}
}

// ackedWAL lets the writes that were held back complete.
func (l *lone) completeHeld() {
	l.Helper()
	held := l.held
	l.hold, l.held = false, nil
	l.turn(held...)
}

// A producer's state survives a restart, also of a broker that has deleted all its batches, and is there before anything is flushed.
func TestProducersSurvive(t *testing.T) {
	l := startLone(t)
	p := l.create("a", configSegmentBytes, "1048576")
	id := l.newID()
	l.sendBatch("a", id, 0, 0, 2, errNone, 0)
	l.sendBatch("a", id, 0, 2, 1, errNone, 2)
	for _, how := range []string{"replayed", "from the mark"} {
		if how == "from the mark" {
			if low, code := l.delete("a", -1); low != 3 || code != errNone {
				t.Fatal(low, code)
			}
			l.await("a mark of all", func() bool {
				p.g.Flush(1 << 20)
				l.s.touch(p.group)
				return l.s.store.Flushed(p.group).LogStart == 3 && !l.s.store.Flushing(p.group)
			})
		}
		l.boot()
		p = l.s.parts[p.group]
		l.await("leader", func() bool { return p.g.Serving() })
		l.sendBatch("a", id, 0, 0, 2, errNone, 0)
		l.sendBatch("a", id, 0, 2, 1, errNone, 2)
		l.sendBatch("a", id, 0, 4, 1, errSequence, -1)
	}
	l.sendBatch("a", id, 0, 3, 1, errNone, 3)
	l.sendBatch("a", id, 1, 0, 1, errNone, 4)
	l.sendBatch("a", id, 0, 4, 1, errProducerEpoch, -1)
	r := ask[*kmsg.DescribeProducersResponse](l, &kmsg.DescribeProducersRequest{Topics: []kmsg.DescribeProducersRequestTopic{{Topic: "a", Partitions: []int32{0, 1}}, {Topic: "x", Partitions: []int32{0}}}})
	rows := r.Topics[0].Partitions[0].ActiveProducers
	if len(rows) != 1 || rows[0].ProducerID != id || rows[0].ProducerEpoch != 1 || rows[0].LastSequence != 0 || rows[0].LastTimestamp != 1_800_000_000_000 || rows[0].CoordinatorEpoch != -1 || rows[0].CurrentTxnStartOffset != -1 {
		t.Errorf("%+v", rows)
	}
	if r.Topics[0].Partitions[1].ErrorCode != errUnknownTopic || r.Topics[1].Partitions[0].ErrorCode != errUnknownTopic {
		t.Errorf("%+v", r)
	}
}

// A batch that comes again while the first one isn't committed is answered with it and not before; and what comes behind a gap in
// one turn is refused, all of it.
func TestTwins(t *testing.T) {
	l := startLone(t)
	p := l.create("a")
	id := l.newID()
	l.hold = true
	for _, sequence := range []int32{0, 1, 0, 3, 4, 1} {
		l.send(idempotent(t, "a", id, 0, sequence, 1))
	}
	end := p.g.LogEnd()
	if _, ok := l.received(kmsg.NewPtrProduceRequest()); ok || end != 2 || len(p.twins) != 2 {
		t.Fatalf("something is answered: %t, log end %d, %d twins", ok, end, len(p.twins))
	}
	l.completeHeld()
	for i, want := range []struct {
		code   int16
		offset int64
	}{{0, 0}, {0, 1}, {0, 0}, {errSequence, -1}, {errSequence, -1}, {0, 1}} {
		req := kmsg.NewPtrProduceRequest()
		req.Version = 11
		var resp kmsg.Response
		l.await("response", func() (ok bool) { resp, ok = l.received(req); return ok })
		if q := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]; q.ErrorCode != want.code || q.BaseOffset != want.offset {
			t.Errorf("%d: code %d, offset %d, expected %+v", i, q.ErrorCode, q.BaseOffset, want)
		}
	}
	if len(p.twins) > 0 {
		t.Error("a twin is left")
	}
}

// Batches that come in one turn are judged in their order, by those before them.
func TestOneTurn(t *testing.T) {
	l := startLone(t)
	p := l.create("a")
	id := l.newID()
	for i, sequence := range []int32{0, 2, 5, 2, 3} {
		b := idempotent(t, "a", id, 0, sequence, int([]int{2, 1, 1, 1, 2}[i])).Topics[0].Partitions[0].Records
		l.s.propose(p, origin{shard: 0, id: 1 << 60}, b)
	}
	fates := l.s.judge(p, p.queue)
	for i, want := range []fate{{offset: 0}, {offset: 2}, {no: refusal{code: errSequence}}, {again: true, offset: 2}, {offset: 3}} {
		if f := fates[i]; f.no.code != want.no.code || f.again != want.again || f.offset != want.offset {
			t.Errorf("%d: %+v, expected %+v", i, f, want)
		}
	}
}

// Ids are given once, whatever becomes of the broker, and blocks follow each other.
func TestProducerIDs(t *testing.T) {
	l := startLone(t)
	for want := range int64(3) {
		if id := l.newID(); id != want {
			t.Errorf("id %d, expected %d", id, want)
		}
	}
	l.s.ids.next = l.s.ids.end
	if id := l.newID(); id != producerBlock {
		t.Errorf("id %d of the second block", id)
	}
	l.boot()
	if id := l.newID(); id != 2*producerBlock {
		t.Errorf("id %d after a restart", id)
	}
	for _, c := range []struct {
		id    int64
		epoch int16
		txn   *string
		code  int16
	}{
		{5, 2, nil, errNone}, // KIP-360: whatever it was, it is new
		{5, -1, nil, errBadRequest},
		{-1, 2, nil, errBadRequest},
		{-1, -1, kmsg.StringPtr(""), errBadRequest}, // TransactionCoordinator.handleInitProducerId
		{-1, -1, kmsg.StringPtr("t"), errBadRequest},
	} {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.ProducerID, req.ProducerEpoch, req.TransactionalID = c.id, c.epoch, c.txn
		if r := ask[*kmsg.InitProducerIDResponse](l, req); r.ErrorCode != c.code || (r.ErrorCode == errNone) != (r.ProducerID == 2*producerBlock+1) {
			t.Errorf("%+v: %+v", c, r)
		}
	}
}

// Without a leader of the metadata there is no id, and the client is told to ask again.
func TestNoProducerID(t *testing.T) {
	l := startLone(t)
	l.hold = true
	if r := ask[*kmsg.InitProducerIDResponse](l, kmsg.NewPtrInitProducerIDRequest()); r.ErrorCode != errLoading || r.ProducerID != -1 || r.ProducerEpoch != -1 {
		t.Errorf("%+v", r)
	}
}

// Before every broker is known to understand version 3 nothing is served that an older one doesn't know.
func TestProducersNeedEveryBroker(t *testing.T) {
	l := startLone(t)
	l.create("a")
	m := *l.s.meta
	m.Level = producersVersion - 1
	l.s.meta = &m
	l.sendBatch("a", 5, 0, 0, 1, errUnsupportedByLog, -1)
	if r := ask[*kmsg.InitProducerIDResponse](l, kmsg.NewPtrInitProducerIDRequest()); r.ErrorCode != errLoading {
		t.Errorf("%+v", r)
	}
}

// Who is silent for as long as producers are kept is forgotten, by the time that passes while somebody leads, and by no clock that jumps.
func TestProducersAreForgotten(t *testing.T) {
	l := startLone(t)
	p := l.create("a")
	l.s.cfg.Limits.ProducerKeep = 96 * time.Second
	silent, busy := l.newID(), l.newID()
	l.sendBatch("a", silent, 0, 0, 1, errNone, 0)
	l.now.Wall += 48 * time.Hour.Milliseconds()
	sequence := int32(0)
	for passed := time.Duration(0); p.g.Producers().Get(silent) != nil; passed += time.Second / 2 {
		l.sendBatch("a", busy, 0, sequence, 1, errNone, int64(sequence)+1)
		sequence++
		l.pass(time.Second / 2)
		if passed > 110*time.Second {
			t.Fatalf("not forgotten after %v", passed)
		}
		if p.g.Producers().Get(silent) == nil && passed < 95*time.Second {
			t.Fatalf("forgotten after %v", passed)
		}
	}
	if p.g.Producers().Get(busy) == nil {
		t.Error("one that isn't silent is forgotten")
	}
	l.sendBatch("a", silent, 0, 7, 1, errNone, int64(sequence)+1) // any sequence: nothing is known of it
	l.pass(time.Hour)                                             // as if the process had been stopped for so long
	if p.g.Producers().Get(busy) == nil {
		t.Error("forgotten at once after a pause of the broker")
	}
	l.sendBatch("a", busy, 0, sequence, 1, errNone, int64(sequence)+2)
	l.pass(time.Second)
	if p.g.Producers().Get(busy) == nil {
		t.Error("forgotten by a pause of the broker")
	}
}

// At the bound a new producer is refused, retriably, until others have been silent for a while; those that are known go on.
func TestProducersAreBounded(t *testing.T) {
	l := startLone(t)
	p := l.create("a")
	l.s.cfg.Limits.ProducerKeep, l.s.cfg.Limits.Producers = 96*time.Second, 3
	var ids []int64
	for i := range 4 {
		ids = append(ids, l.newID())
		if i < 3 {
			l.sendBatch("a", ids[i], 0, 0, 1, errNone, int64(i))
		}
	}
	l.sendBatch("a", ids[3], 0, 0, 1, errNotEnough, -1)
	l.sendBatch("a", ids[0], 0, 1, 1, errNone, 3)
	l.sendBatch("a", ids[1], 0, 0, 1, errNone, 1)
	for range 8 {
		l.pass(time.Second)
	}
	l.sendBatch("a", ids[0], 0, 2, 1, errNone, 4)
	l.sendBatch("a", ids[3], 0, 0, 1, errNotEnough, -1) // and makes room
	l.sendBatch("a", ids[3], 0, 0, 1, errNone, 5)
	if n := p.g.Producers().Len(); n != 2 || p.g.Producers().Get(ids[0]) == nil {
		t.Errorf("%d producers are left", n)
	}
	l.s.cfg.Limits.Producers = 1 << 20
	if most := int64(l.s.producerLimit(p)) * 64; most > l.s.store.Sizes().StateLimit/2 {
		t.Errorf("%d bytes of producers in a WAL that has %d for all marks", most, l.s.store.Sizes().StateLimit)
	}
}

// A new producer whose first batch found no room isn't begun by the next one, though there is room by then.
func TestFirstBatchIsNotOvertaken(t *testing.T) {
	l := startLone(t)
	p := l.create("a")
	l.s.cfg.Limits.ProducerKeep, l.s.cfg.Limits.Producers = 96*time.Second, 1
	old, id := l.newID(), l.newID()
	l.sendBatch("a", old, 0, 0, 1, errNone, 0)
	for range 8 {
		l.pass(time.Second)
	}
	l.sendBatch("a", id, 0, 1<<31-1, 1, errNotEnough, -1) // and makes room
	if p.g.Producers().Len() != 0 {
		t.Fatal("it makes none")
	}
	l.sendBatch("a", id, 0, 0, 2, errNotEnough, -1)
	l.sendBatch("a", id, 0, 2, 1, errNotEnough, -1)
	l.sendBatch("a", id, 0, 1<<31-1, 1, errNone, 1)
	l.sendBatch("a", id, 0, 0, 2, errNone, 2)
	l.sendBatch("a", id, 0, 2, 1, errNone, 4)
	l.sendBatch("a", id, 0, 1<<31-1, 1, errNone, 1)
	if len(p.passing.waiting) != 0 {
		t.Errorf("%d producers that have begun are waited for", len(p.passing.waiting))
	}
}

// Who waits may raise its epoch, or send what went before.
func TestWhoWaitsMayBeginAnew(t *testing.T) {
	l := startLone(t)
	l.create("a")
	l.s.cfg.Limits.ProducerKeep, l.s.cfg.Limits.Producers = 96*time.Second, 2
	l.sendBatch("a", l.newID(), 0, 0, 1, errNone, 0)
	l.sendBatch("a", l.newID(), 0, 0, 1, errNone, 1)
	early, late := l.newID(), l.newID()
	l.sendBatch("a", early, 0, 5, 1, errNotEnough, -1)
	l.sendBatch("a", late, 0, 5, 1, errNotEnough, -1)
	l.s.cfg.Limits.Producers = 4
	l.sendBatch("a", early, 0, 6, 1, errNotEnough, -1)
	l.sendBatch("a", early, 0, 4, 1, errNone, 2)
	l.sendBatch("a", late, 0, 6, 1, errNotEnough, -1)
	l.sendBatch("a", late, 1, 0, 1, errNone, 3)
}
