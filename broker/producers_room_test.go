package broker

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// madeUp is a batch of a producer that no client is: all its numbers are as long as can be.
func madeUp(l *lone, topic string, id int64, nth int32) kmsg.Request {
	timestamp := l.now.Wall
	if nth%2 == 0 {
		timestamp = math.MinInt64 / 2
	}
	b := testBatch{records: []testRecord{{value: "v", timestamp: timestamp}}, change: func(b []byte) {
		binary.BigEndian.PutUint64(b[43:], uint64(id))
		binary.BigEndian.PutUint16(b[51:], math.MaxInt16)
		binary.BigEndian.PutUint32(b[53:], uint32(1<<31-1000+nth))
	}}.bytes(l.TB)
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 11, -1, 30000
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: b}}}}
	return req
}

// produceAll sends requests in one turn, and returns how many were refused.
func (l *lone) produceAll(reqs []kmsg.Request) (refused int) {
	l.Helper()
	for _, req := range reqs {
		l.send(req)
	}
	for _, req := range reqs {
		l.await("a response", func() bool {
			resp, ok := l.received(req)
			if ok && resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode != errNone {
				refused++
			}
			return ok
		})
	}
	return refused
}

// Producers that clients make up, in ever more partitions, don't fill the WAL with their tables: new ones are refused before, those that
// are known go on, and once some are silent there is room again (L11, G9).
func TestProducersDontBlockTheWAL(t *testing.T) {
	l := startLone(t)
	rng, topic := rand.New(rand.NewPCG(5, 6)), ""
	for n := 0; !l.s.crowd.full; n++ {
		if n == 100 {
			t.Fatal("100 partitions' tables are full, and new producers are taken")
		}
		topic = fmt.Sprintf("t%d", n)
		p := l.create(topic)
		ids := make([]int64, l.s.producerLimit(p))
		for i := range ids {
			ids[i] = rng.Int64N(math.MaxInt64)
		}
		for nth := range int32(5) {
			for i := 0; i < len(ids); i += 100 {
				var reqs []kmsg.Request
				for _, id := range ids[i:min(i+100, len(ids))] {
					reqs = append(reqs, madeUp(l, topic, id, nth))
				}
				l.produceAll(reqs)
			}
		}
		l.tick()
	}
	p := ask[*kmsg.ProduceResponse](l, madeUp(l, topic, 7, 0)).Topics[0].Partitions[0]
	if p.ErrorCode != errNotEnough || p.ErrorMessage == nil || !strings.Contains(*p.ErrorMessage, "as many as its WAL holds (131072 bytes of state)") {
		t.Errorf("a new producer, where there is no room for it: %+v", p)
	}
	for range 600 {
		l.tick()
	}
	l.open(1)
	for range 600 {
		l.tick()
	}
	if z := l.s.store.Sizes(); l.s.store.Blocked() || !l.s.parts[metaGroup].g.Serving() {
		t.Errorf("the WAL is blocked by %d bytes of state, the limit is %d", z.State, z.StateLimit)
	}
	for range clockShare/pressShare + 2 { // they are silent for an hour
		l.pass(l.s.cfg.Limits.ProducerKeep / clockShare)
		for range announceTicks {
			l.tick()
		}
	}
	l.pass(time.Second)
	if n := l.produceAll([]kmsg.Request{madeUp(l, topic, 7, 0)}); n != 0 {
		t.Error("there is no room once others were silent")
	}
}
